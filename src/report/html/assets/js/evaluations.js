// Every evaluation of the study in one table.

/** The texts of a row that are searched, in lower case. */
const searchTexts = () => {
  const texts = new Array(runCount);
  for (let run = 0; run < runCount; run += 1) {
    const parts = [networkTitle(networks[runs.network[run]]), multiplierName(run), textOf(runs.scope, run), textOf(runs.layer, run), textOf(runs.mode, run), textOf(runs.coding, run)];
    texts[run] = parts.filter((part) => part !== null).join(' ').toLowerCase();
  }
  return texts;
};

const showEvaluations = () => {
  if (!runCount) return;
  const all = Array.from({ length: runCount }, (_, run) => run);
  const has = (column) => column.some((value) => value !== null);
  const number = (title, column, cell) => ({ title, numeric: true, value: (run) => column[run], cell: (run) => (column[run] === null ? '' : cell(column[run], run)) });
  const text = (title, value, head = false) => ({ title, head, className: 'name', value });
  const of = (run) => networks[runs.network[run]];
  const titles = networks.map(networkTitle);
  const metrics = [...new Set(networks.map((network) => network.metric.title))];
  const codings = runs.coding.texts.length > 1;
  const columns = [
    text('Network', (run) => titles[runs.network[run]], true),
    text('Multiplier', (run) => multiplierName(run) ?? (textOf(runs.mode, run) === 'base' ? 'fp32' : 'exact')),
    text('Scope', (run) => textOf(runs.scope, run)),
    text('Layer', (run) => textOf(runs.layer, run)),
    text('Mode', (run) => textOf(runs.mode, run)),
    ...(codings ? [text('Coding', (run) => textOf(runs.coding, run))] : []),
    number(metrics.length === 1 ? metrics[0] : 'Metric', runs.value, (value, run) => valueText(of(run), value)),
    number(`95${THIN}% interval`, runs.low, (low, run) => intervalText(of(run), low, runs.high[run])),
    number('Drop', runs.drop, dropText),
    ...(has(runs.energy) ? [number('Energy', runs.energy, energyText)] : []),
    ...(has(runs.loss) ? [number('Loss', runs.loss, (loss) => fixed(loss, 4))] : []),
    number('Seconds', runs.seconds, (seconds) => fixed(seconds, 2)),
  ].filter((column) => column.title !== 'Layer' || has(runs.layer.at));
  const table = makeTable({ caption: `All evaluations; drops in points${study.bases.length > 1 ? ', energies each by its own source' : ''}`, columns, rows: all, pageSize: 50, unit: 'evaluation' });

  const filter = { text: '', network: '', scope: '', most: NaN };
  let texts = null;
  const apply = () => {
    texts ??= searchTexts();
    const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean);
    table.filter((run) =>
      (filter.network === '' || runs.network[run] === Number(filter.network))
      && (filter.scope === '' || textOf(runs.scope, run) === filter.scope)
      && (Number.isNaN(filter.most) || (runs.drop[run] !== null && 100 * runs.drop[run] <= filter.most + SLACK))
      && words.every((word) => texts[run].includes(word)));
  };
  const picker = (key, names) => el('select', {
    id: `filter-${key}`,
    onchange: (event) => { filter[key] = event.target.value; apply(); },
  }, option('', 'all'), names);
  const controls = el('div', { class: 'controls', role: 'search' },
    field('Find', el('input', { type: 'search', id: 'filter-text', placeholder: 'multiplier, layer, ...', oninput: (event) => { filter.text = event.target.value; apply(); } })),
    networks.length > 1 ? field('Network', picker('network', titles.map((title, place) => option(place, shown(title))))) : null,
    runs.scope.texts.length > 1 ? field('Scope', picker('scope', runs.scope.texts.map((scope) => option(scope, shown(scope))))) : null,
    field('Drop at most, in points', el('input', { type: 'number', id: 'filter-most', step: 0.1, oninput: (event) => { filter.most = event.target.valueAsNumber; apply(); } })));
  section('evaluations', 'Evaluations', null, el('div', { class: 'card' }, controls, table.element));
};
