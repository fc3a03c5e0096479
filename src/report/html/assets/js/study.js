// The study's data, what the reader has chosen, and what follows from both.

const study = JSON.parse(document.getElementById('study').textContent);
const { networks, multipliers, runs } = study;
const runCount = runs.network.length;

/** The bound of the drop, a fraction, and the place of the basis of energies. */
const chosen = { bound: study.bound, basis: 0 };
const listeners = [];
const onChoice = (listener) => listeners.push(listener);
const choose = (changes) => {
  Object.assign(chosen, changes);
  listeners.forEach((listener) => listener());
};

/** Rounding that equal drops may differ by. */
const SLACK = 1e-9;
const isWithin = (drop) => drop !== null && drop <= chosen.bound + SLACK;

const textOf = (column, run) => (column.at[run] === null ? null : column.texts[column.at[run]]);

/** The title of a network, with the settings that tell it from others. */
const networkTitle = (network) => {
  const data = network.data === null ? '' : ` on ${network.dataset}`;
  return `${network.name}${data}${network.settings.map(([name, value]) => `, ${name} ${value}`).join('')}`;
};

const multiplierName = (run) => (runs.multiplier[run] === null ? null : multipliers[runs.multiplier[run]].name);

/** The energy of a run by the chosen basis. */
const energyOf = (run) => {
  if (runs.basis[run] === chosen.basis && runs.energy[run] !== null) return runs.energy[run];
  const multiplier = runs.multiplier[run];
  return multiplier === null || textOf(runs.scope, run) !== 'all' ? null : multipliers[multiplier].energy[chosen.basis] ?? null;
};

/** Runs by network: those with one multiplier everywhere, and those of single layers by scope and layer. */
const byNetwork = networks.map(() => ({ uniform: [], scopes: new Map() }));
for (let run = 0; run < runCount; run += 1) {
  if (textOf(runs.mode, run) !== 'approx' || runs.multiplier[run] === null) continue;
  const [scope, layer] = [textOf(runs.scope, run), textOf(runs.layer, run)];
  const own = byNetwork[runs.network[run]];
  if (scope === 'all') {
    own.uniform.push(run);
  } else if (layer !== null) {
    if (!own.scopes.has(scope)) own.scopes.set(scope, new Map());
    const layers = own.scopes.get(scope);
    if (!layers.has(layer)) layers.set(layer, new Map());
    layers.get(layer).set(runs.multiplier[run], run);
  }
}

/** The cheapest run with one multiplier everywhere within the bound; none that saves nothing. */
const bestUniform = (network) => {
  const within = byNetwork[network].uniform.filter((run) => isWithin(runs.drop[run]) && energyOf(run) !== null && energyOf(run) < 1);
  const cheaper = (a, b) => energyOf(a) - energyOf(b) || runs.drop[a] - runs.drop[b];
  return within.reduce((best, run) => (best === null || cheaper(run, best) < 0 ? run : best), null);
};

/** The cheapest assignment of multipliers to layers within the bound, and its choices. */
const bestMix = (network) => {
  const mix = networks[network].mixes[chosen.basis];
  const step = mix?.steps.findLast((candidate) => candidate.drop <= chosen.bound + SLACK);
  return step && mix.choices.length ? { mix, step } : null;
};

/** Points that no other beats: at most as much energy and at least the value, better in one. In order of energy. */
const paretoFront = (points) => {
  const order = [...points].sort((a, b) => a.energy - b.energy || b.value - a.value);
  let best = null;
  return order.filter((point) => {
    const isOn = best === null || point.value > best.value || (point.value === best.value && point.energy === best.energy);
    if (isOn) best = point;
    return isOn;
  });
};
