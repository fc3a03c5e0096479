// The page, from top to bottom.

const about = () => {
  const { planned, done, missing } = study.jobs;
  const parts = [
    counted(networks.length, 'network'), counted(multipliers.length, 'multiplier'),
    planned === null ? counted(done, 'evaluation') : `${grouped(done)} of ${counted(planned, 'job')}`,
  ];
  document.getElementById('about').append(parts.join(' \u00b7 '));
  if (planned === null || done >= planned) return;
  const left = planned - done;
  const some = missing.slice(0, 6).map(shown).join(', ');
  document.querySelector('main').append(el('p', { class: 'notice', id: 'missing' },
    `${counted(left, 'job')} of the plan ${left === 1 ? 'has' : 'have'} no result yet${some ? ` (${some}${left > 6 ? ', \u2026' : ''})` : ''}: the verdict is that of the others. Go on with \u2018approx-eval sweep run --resume\u2019.`));
};

const showAbout = () => {
  const settings = study.settings.map(([name, value]) => (value === '' ? name : `${name} ${value}`));
  section('about-study', 'About', null,
    el('p', {}, 'Drops are the baseline minus the value, in points. The baseline of each evaluation is that with exact products of the same coding and quantization, where the study has one. Intervals of values are Wilson\u2019s for accuracies; those of drops are Newcombe\u2019s, of paired samples where evaluations were compared sample by sample, else as if of independent ones, which is wider.'),
    el('p', {}, 'The multiplier of each layer is the best solution of a knapsack: least energy, drops of single layers added up to no more than the bound. That layers\u2019 drops add up is an assumption, which holds where they are small: evaluate what it suggests before building on it.'),
    settings.length ? el('p', {}, `Settings of all evaluations: ${settings.map(shown).join(', ')}.`) : null,
    study.bases.length ? el('p', {}, `Energies by ${listed(study.bases.map(shown))}.`) : null,
    ...study.notes.map((note) => el('p', {}, note)));
  document.getElementById('footer').append(`${study.tool.name} ${study.tool.version}, from ${study.sources.map(shown).join(', ')}`);
};

const startTheme = () => {
  const switched = document.getElementById('theme');
  switched.hidden = false;
  switched.addEventListener('change', (event) => {
    if (event.target.value === '') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = event.target.value;
  });
};

startTheme();
about();
showVerdict();
showNetworks();
showMultipliers();
showEvaluations();
showDocuments();
showAbout();
