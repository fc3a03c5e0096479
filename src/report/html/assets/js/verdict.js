// What the study says of each network within the bound, in words, and which multiplier suits which layer.

/** The bound as the reader entered it. */
const boundText = () => String(Number((100 * chosen.bound).toFixed(4)));

/** What the interval of a drop lets one say. */
const intervalRemark = (network, run) => {
  const [low, high, unit] = [runs.drop_low[run], runs.drop_high[run], unitOf(networks[network])];
  const interval = `95${THIN}% interval ${dropText(low)} to ${dropText(high)} ${unit}`;
  const how = runs.paired[run] ? 'samples compared one by one' : 'as if of independent samples, which is wide';
  const parts = [];
  if (low <= 0 && high >= 0) parts.push('it cannot be told from no drop');
  if (high > chosen.bound) parts.push('the true drop may exceed the bound');
  return `${interval} (${how})${parts.length ? `: ${listed(parts)}` : ''}.`;
};

/** Multipliers that would save more and are outside of the bound by less than their interval. */
const nearMisses = (network, best) => {
  const limit = best === null ? Infinity : energyOf(best);
  const misses = byNetwork[network].uniform.filter((run) => {
    const energy = energyOf(run);
    return energy !== null && energy < limit && runs.drop[run] !== null && !isWithin(runs.drop[run]) && runs.drop_low[run] <= chosen.bound;
  });
  return misses.sort((a, b) => runs.drop[a] - runs.drop[b]);
};

const baselineText = (network) => {
  const { baseline } = network;
  if (!baseline) return null;
  return { exact: 'Exact products', fp32: 'fp32 (no exact products)', best: 'Best of the study' }[baseline.kind];
};

/** A name, a number and its interval. */
const figureOf = (term, value, ...small) =>
  el('div', {}, el('dt', {}, term), el('dd', {}, value, el('small', {}, ...small)));

const figures = (network, uniform, mix) => {
  const of = networks[network];
  const { baseline } = of;
  return el('dl', { class: 'figures' },
    baseline
      ? figureOf(baselineText(of), valueText(of, baseline.value), intervalText(of, ...baseline.ci95))
      : figureOf('Exact products', '\u2013', 'not evaluated'),
    uniform === null
      ? figureOf('One for all layers', '\u2013', study.bases.length ? 'none within the bound' : 'no known energy')
      : figureOf('One for all layers', energyText(energyOf(uniform)), 'of the energy, measured'),
    mix === null
      ? figureOf('One for each layer', '\u2013', study.bases.length ? 'needs single layers' : 'no known energy')
      : figureOf('One for each layer', energyText(mix.step.energy), 'of the energy, predicted'));
};

const pick = (name, className) => el('strong', { class: className }, name);

/** The answer in a sentence or two. */
const answer = (network, uniform, mix) => {
  const of = networks[network];
  const unit = unitOf(of);
  const bound = `${boundText()} ${chosen.bound === 0.01 ? unit.slice(0, -1) : unit}`;
  const parts = [];
  if (uniform === null) {
    const known = byNetwork[network].uniform.filter((run) => energyOf(run) !== null);
    parts.push(known.length
      ? `None of ${counted(known.length, 'multiplier')} saves energy within ${bound} in all layers. `
      : withinText(network, bound));
  } else {
    parts.push('Within ', bound, ', ', pick(multiplierName(uniform), 'pick'), ' in all layers takes ', el('strong', {}, energyText(energyOf(uniform))),
      ` of the energy at ${of.metric.title} ${valueText(of, runs.value[uniform])}, a drop of ${dropText(runs.drop[uniform])}. `);
  }
  if (mix !== null) {
    const kinds = new Set(mix.step.picks.filter((choice) => choice !== null)).size;
    const more = uniform !== null && mix.step.energy >= energyOf(uniform) ? ', which is no less' : '';
    parts.push(kinds === 0
      ? 'Layer by layer, no multiplier saves energy within it.'
      : [pick('One for each layer', 'mix'), ` (${counted(kinds, 'multiplier')}, below) would take `, el('strong', {}, energyText(mix.step.energy)), `${more}: predicted, not evaluated.`]);
  }
  return el('p', { class: 'answer' }, parts.flat());
};

/** A cell of a number with a bar behind it, as long as `part` of the cell. */
const barCell = (text, part, className) =>
  el('td', { class: `number barred ${className}`, vars: { part: Math.min(1, part).toFixed(3) } }, text);

/** Which multiplier for which layer. */
const layerTable = (network, best) => {
  const of = networks[network];
  const { mix, step } = best;
  const all = of.layers.reduce((sum, layer) => sum + layer.opcount, 0);
  const row = (layer, at) => {
    const choice = step.picks[at] === null ? null : mix.choices[step.picks[at]];
    const drop = choice && mix.layers[at].drops[step.picks[at]];
    const energy = choice ? choice.energy : 1;
    const known = mix.layers[at].drops.some((found) => found !== null);
    const name = choice ? multipliers[choice.multiplier].name : known ? 'exact' : 'exact (not studied)';
    const share = layer.opcount / all;
    return el('tr', {},
      el('th', { scope: 'row', class: 'name' }, breakable(layer.name)),
      barCell(percent(share, 1), share, 'share'),
      el('td', { class: `name${choice ? '' : ' exact'}` }, breakable(name)),
      barCell(energyText(energy), energy, 'energy'),
      el('td', { class: 'number' }, drop ? dropText(drop[0]) : '\u2013'));
  };
  const head = (text, className) => el('th', { scope: 'col', class: className }, text);
  return el('div', { class: 'scroll' }, el('table', {},
    el('caption', {}, `Suggested for each layer; drops are those of the layer alone, in ${unitOf(of)}`),
    el('thead', {}, el('tr', {}, head('Layer'), head('Products', 'number share'), head('Multiplier'), head('Energy', 'number'), head('Drop', 'number'))),
    el('tbody', {}, of.layers.map(row)),
    el('tfoot', {}, el('tr', {},
      el('th', { scope: 'row' }, 'Sum'),
      el('td', { class: 'number share' }, grouped(all)),
      el('td', {}, ''),
      barCell(energyText(step.energy), step.energy, 'energy'),
      el('td', { class: 'number' }, dropText(step.drop))))));
};

/** How well the drops of a mix are known. */
const precision = (network, { mix, step }) => {
  const unit = unitOf(networks[network]);
  const drops = step.picks.flatMap((choice, layer) => (choice === null ? [] : [mix.layers[layer].drops[choice]]));
  if (!drops.length) return '';
  const halves = drops.map(([, low, high]) => (high - low) / 2);
  if (drops.every(([, , , paired]) => paired)) {
    const half = Math.sqrt(halves.reduce((sum, one) => sum + one * one, 0));
    return `If the layers\u2019 drops were independent, the 95${THIN}% interval of their sum would be \u00b1${dropText(half)} ${unit}.`;
  }
  return `Each drop is known to \u00b1${dropText(Math.max(...halves))} ${unit} at worst, as if of independent samples.`;
};

/** What the mix is, and how it is checked. */
const mixNotes = (network, best) => {
  const withRules = checkCommandWithRules(network, best);
  const command = checkCommand(network);
  const file = assignmentFile(network, best);
  return [
    el('p', { class: 'small' }, `Predicted from drops of one layer at a time, added up (an improvement counts as 0). ${precision(network, best)} Energies are those of multiplications, by ${study.bases[chosen.basis]}.`),
    el('div', { class: 'actions' },
      el('a', { class: 'button', href: `data:application/json;charset=utf-8,${encodeURIComponent(file)}`, download: fileName(network) }, 'Download assignment'),
      copyButton('Copy assignment', () => file),
      copyButton('Copy command', () => withRules)),
    el('details', {}, el('summary', {}, 'Commands that check it'),
      el('pre', { class: 'command' }, command),
      el('p', { class: 'small' }, 'Or without the file:'),
      el('pre', { class: 'command' }, withRules)),
  ];
};

/** Why there is no multiplier for each layer. */
const whyNoMix = (network) => {
  if (!study.bases.length) return 'No energy is known of any multiplier: state costs (--costs) in the sweep to have the cheapest named.';
  return byNetwork[network].scopes.has('each')
    ? `No energy by ${study.bases[chosen.basis]} is known of the multipliers of single layers.`
    : 'No evaluation of single layers: with --scope each, the sweep tells which multiplier suits which layer.';
};

/** Multipliers within the bound in all layers, where no energy is known to choose one by. */
const withinText = (network, bound) => {
  const all = byNetwork[network].uniform.filter((run) => runs.drop[run] !== null);
  const within = all.filter((run) => isWithin(runs.drop[run])).sort((a, b) => runs.drop[a] - runs.drop[b]);
  if (!all.length) return 'No multiplier was evaluated in all layers. ';
  const names = within.slice(0, 8).map(multiplierName);
  const others = within.length > names.length ? [`${within.length - names.length} more`] : [];
  const which = within.length ? `: ${listed([...names, ...others])}` : '';
  return `${within.length} of ${counted(all.length, 'multiplier')} stay within ${bound} in all layers${which}. `;
};

const verdictCard = (network) => {
  const of = networks[network];
  const heading = newId('network');
  const body = el('div');
  const draw = () => {
    const [uniform, mix] = [bestUniform(network), bestMix(network)];
    const misses = nearMisses(network, uniform);
    const remarks = [];
    if (uniform !== null) remarks.push(el('p', { class: 'small' }, `${multiplierName(uniform)}: ${intervalRemark(network, uniform)}`));
    if (misses.length) {
      const some = misses.slice(0, 3).map((run) => `${multiplierName(run)} (drop ${dropText(runs.drop[run])}, energy ${energyText(energyOf(run))})`);
      remarks.push(el('p', { class: 'small' }, `Just outside, by less than the interval: ${listed(some)}.`));
    }
    const missing = mix === null ? el('p', { class: 'notice' }, whyNoMix(network)) : null;
    body.replaceChildren(...[
      of.baseline && of.baseline.kind !== 'exact' ? el('p', { class: 'notice' }, `Drops are from ${of.baseline.label}.`) : null,
      answer(network, uniform, mix), figures(network, uniform, mix), ...(mix ? [layerTable(network, mix)] : []), missing,
      ...(mix ? mixNotes(network, mix) : []), ...remarks,
    ].filter(Boolean));
  };
  draw();
  onChoice(draw);
  return el('article', { class: 'card verdict', 'aria-labelledby': heading },
    el('h3', { id: heading }, networkTitle(of)),
    el('p', { class: 'small' }, `${of.dataset}, ${counted(of.samples, 'sample')}`),
    body);
};

/** The bound and, where there are several, whose energies count. */
const choices = () => {
  const bound = el('input', {
    type: 'number', id: 'bound', min: 0, max: 100, step: 0.1, value: Number((100 * study.bound).toFixed(4)),
    oninput: (event) => {
      const points = event.target.valueAsNumber;
      if (points >= 0 && points <= 100) choose({ bound: points / 100 });
    },
  });
  const basis = el('select', { id: 'basis', onchange: (event) => choose({ basis: Number(event.target.value) }) },
    study.bases.map((name, place) => {
      const known = multipliers.filter((multiplier) => multiplier.energy[place] !== null).length;
      return option(place, `${name}: ${counted(known, 'multiplier')}`);
    }));
  return el('div', { class: 'controls' },
    field('Allowed drop, in points', bound),
    study.bases.length > 1 ? field('Energies by (two sources cannot be compared)', basis) : null);
};

const showVerdict = () => {
  if (!networks.length) return;
  const best = study.bases.length
    ? 'The multiplier that takes the least energy within the allowed drop: one for all layers, and one for each.'
    : 'What each multiplier does to each network.';
  section('verdict', 'Verdict', best, choices(), el('div', { class: 'cards' }, networks.map((_, network) => verdictCard(network))));
};
