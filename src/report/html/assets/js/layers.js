// What each layer stands: drops by layer and multiplier, and bars with intervals for one multiplier.

/** What a scope's drops are, in words. */
const SCOPES = {
  each: 'this layer alone approximate',
  'all-but': 'all layers but this one approximate',
  prefix: 'all layers up to this one approximate',
  group: 'this group alone approximate',
};
const scopeText = (scope) => SCOPES[scope] ?? scope;

/** Layers of a scope in the network's order; groups and others behind them. */
const layersOf = (network, scope) => {
  const known = networks[network].layers.map((layer) => layer.name);
  const found = [...byNetwork[network].scopes.get(scope).keys()];
  return [...known.filter((name) => found.includes(name)), ...found.filter((name) => !known.includes(name))];
};

/** Multipliers of a scope, the cheapest first; those of no known energy last. */
const multipliersOf = (network, scope) => {
  const places = new Set([...byNetwork[network].scopes.get(scope).values()].flatMap((of) => [...of.keys()]));
  const energy = (place) => multipliers[place].energy[chosen.basis] ?? Infinity;
  return [...places].sort((a, b) => energy(a) - energy(b) || collator.compare(multipliers[a].name, multipliers[b].name));
};

/** How strong the color of a drop beyond the bound is, up to thirty times the bound. */
const heatOf = (drop) => {
  const times = drop / Math.max(chosen.bound, 0.001);
  return Math.min(1, 0.2 + 0.8 * Math.log(Math.max(1, times)) / Math.log(30));
};

const drawMatrix = (network, scope) => {
  const best = scope === 'each' ? bestMix(network) : null;
  const columns = multipliersOf(network, scope);
  const rows = layersOf(network, scope);
  const places = new Map(networks[network].layers.map((layer, at) => [layer.name, at]));
  const pickOf = (layer) => {
    const choice = best?.step.picks[places.get(layer)];
    return choice === null || choice === undefined ? null : best.mix.choices[choice].multiplier;
  };
  const cell = (layer, place) => {
    const run = byNetwork[network].scopes.get(scope).get(layer).get(place);
    const drop = run === undefined ? null : runs.drop[run];
    if (drop === null) return el('td', { class: 'cell none' }, '\u00b7');
    const heat = heatOf(drop);
    const isPicked = pickOf(layer) === place;
    const within = isWithin(drop);
    const className = ['cell', within ? 'within' : 'over', !within && heat > 0.66 ? 'hot' : '', isPicked ? 'chosen' : ''].join(' ');
    const text = Math.abs(drop) < 0.0995 ? dropText(drop) : fixed(100 * drop, 1);
    const tip = () => `${shown(layer)}, ${shown(multipliers[place].name)}\ndrop ${dropText(drop)} (${dropText(runs.drop_low[run])} to ${dropText(runs.drop_high[run])})\n${networks[network].metric.title} ${valueText(networks[network], runs.value[run])}${isPicked ? '\nsuggested' : ''}`;
    return withTip(el('td', { class: className, vars: { heat: heat.toFixed(3) } }, text, isPicked ? el('span', { class: 'unseen' }, ' (suggested)') : null), tip);
  };
  const energy = (place) => multipliers[place].energy[chosen.basis];
  const energies = columns.some((place) => energy(place) !== null && energy(place) !== undefined)
    ? el('tr', { class: 'energy' }, el('th', { scope: 'row' }, `Energy, %`), columns.map((place) => el('td', {}, energy(place) === null ? '' : fixed(100 * energy(place), 0))))
    : null;
  return el('table', { class: 'matrix' },
    el('caption', {}, `Drop in ${unitOf(networks[network])}, ${scopeText(scope)}; multipliers from the cheapest on. Blue: within the bound; orange: beyond it${best ? '; outlined: suggested' : ''}.`),
    el('thead', {}, el('tr', {}, el('th', { scope: 'col', class: 'corner' }, 'Layer'),
      columns.map((place) => el('th', { scope: 'col' }, el('span', { title: shown(multipliers[place].name) }, multipliers[place].name))))),
    el('tbody', {}, energies, rows.map((layer) => el('tr', {}, el('th', { scope: 'row' }, layer), columns.map((place) => cell(layer, place))))));
};

/**
 * Horizontal bars `{name, value, low, high}` with intervals, values in `text`; a line where `limit` is.
 */
const barChart = (width, bars, { title, description, text, limit = null }) => {
  const ROW = 22;
  const names = Math.min(width * 0.4, 12 + Math.max(...bars.map((bar) => widthOf(shown(bar.name)))));
  const [left, right, top] = [names, width - 58, 6];
  const bottom = top + ROW * bars.length;
  const ends = bars.flatMap((bar) => [bar.value, bar.low ?? bar.value, bar.high ?? bar.value]);
  const [low, high] = [Math.min(0, ...ends), Math.max(limit ?? 0, ...ends)];
  const room = (high - low || 1) * 0.03;
  const x = scaleOf(low - (low < 0 ? room : 0), high + room, left, right);
  const { ticks } = ticksOf(low, high + room, Math.max(2, (right - left) / 80));
  const row = (bar, at) => {
    const y = top + ROW * at + ROW / 2;
    const over = limit !== null && bar.value > limit + SLACK;
    const [from, to] = [Math.min(x(0), x(bar.value)), Math.max(x(0), x(bar.value))];
    const whisker = bar.low === undefined || bar.low === null ? [] : [line(x(bar.low), y, x(bar.high), y, 'axis'), line(x(bar.low), y - 3, x(bar.low), y + 3, 'axis'), line(x(bar.high), y - 3, x(bar.high), y + 3, 'axis')];
    return svg('g', {}, label(left - 8, y + 4, shown(bar.name).slice(0, 40), 'end'),
      svg('rect', { class: `bar${over ? ' over' : ''}`, x: from, y: y - 6, width: Math.max(1, to - from), height: 12, rx: 2 }),
      whisker, label(width, y + 4, text(bar.value), 'end', 'soft'));
  };
  return drawing(width, bottom + 24, title, description,
    ...ticks.flatMap((tick) => [line(x(tick), top, x(tick), bottom, 'grid'), label(x(tick), bottom + 16, text(tick), 'middle', 'soft')]),
    limit === null ? null : line(x(limit), top, x(limit), bottom, 'bound-line'),
    line(x(0), top, x(0), bottom, 'axis'), ...bars.map(row));
};

/** Bars for a multiplier, or the mean of all of them. */
const sensitivityBars = (network, scope, place) => {
  const layers = byNetwork[network].scopes.get(scope);
  return layersOf(network, scope).flatMap((name) => {
    const found = [...layers.get(name)].filter(([multiplier, run]) => (place === null || multiplier === place) && runs.drop[run] !== null).map(([, run]) => run);
    if (!found.length) return [];
    if (place !== null) return [{ name, value: runs.drop[found[0]], low: runs.drop_low[found[0]], high: runs.drop_high[found[0]] }];
    return [{ name, value: found.reduce((sum, run) => sum + runs.drop[run], 0) / found.length }];
  });
};

/** The figures of a network's layers. */
const layerFigures = (network) => {
  const { scopes } = byNetwork[network];
  const order = [...scopes.keys()].sort((a, b) => (b === 'each') - (a === 'each'));
  if (!order.length) return [el('p', { class: 'small' }, 'No single layers were evaluated (scope each): the study does not tell what each layer stands.')];
  const state = { scope: order[0], place: undefined };
  const below = el('p', { class: 'small' });
  const [matrix, bars] = [el('div', { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': 'Drop by layer and multiplier' }), el('div')];
  const scopePicker = el('select', { onchange: (event) => { [state.scope, state.place] = [event.target.value, undefined]; draw(); } }, order.map((scope) => option(scope, scopeText(scope))));
  const multiplierPicker = el('select', { onchange: (event) => { state.place = event.target.value === '' ? null : Number(event.target.value); drawBars(); } });
  let width = 520;
  const drawBars = () => {
    const found = sensitivityBars(network, state.scope, state.place);
    const name = state.place === null ? 'the mean of all multipliers' : multipliers[state.place].name;
    below.textContent = `Drops in ${unitOf(networks[network])} with ${shown(name)}, ${scopeText(state.scope)}; thin lines are 95${THIN}% intervals, the dotted line is the bound.`;
    const largest = [...found].sort((a, b) => b.value - a.value).slice(0, 3).map((bar) => `${bar.name} ${dropText(bar.value)}`);
    bars.replaceChildren(barChart(width, found, {
      title: `Drop by layer with ${name}, ${scopeText(state.scope)}`, limit: chosen.bound, text: dropText,
      description: `The largest: ${largest.join(', ')}. All are in the table of drops by layer and multiplier.`,
    }));
  };
  const draw = () => {
    const places = multipliersOf(network, state.scope);
    const uniform = bestUniform(network);
    const usual = uniform !== null && places.includes(runs.multiplier[uniform]) ? runs.multiplier[uniform] : places[0];
    if (state.place === undefined || (state.place !== null && !places.includes(state.place))) state.place = usual;
    multiplierPicker.replaceChildren(option('', 'mean of all'), ...places.map((place) => option(place, shown(multipliers[place].name))));
    multiplierPicker.value = state.place === null ? '' : String(state.place);
    matrix.replaceChildren(drawMatrix(network, state.scope));
    drawBars();
  };
  onChoice(draw);
  onWidth(bars, (found) => {
    width = Math.max(280, Math.min(found, 900));
    drawBars();
  });
  draw();
  const controls = el('div', { class: 'controls' }, order.length > 1 ? field('Scope', scopePicker) : null);
  return {
    matrix: el('div', { class: 'card' }, el('h4', {}, 'Drop by layer and multiplier'), order.length > 1 ? controls : null, matrix),
    bars: el('figure', { class: 'card' }, el('figcaption', {}, el('h4', {}, 'Sensitivity of layers')),
      el('div', { class: 'controls' }, field('Multiplier', multiplierPicker)), bars, below),
  };
};

/** How many networks are drawn before they are asked for. */
const OPEN_NETWORKS = 6;

const showNetworks = () => {
  if (!networks.length || !runCount) return;
  const one = (network) => {
    const body = el('div', { class: 'network-body' });
    const details = el('details', { class: 'network', open: network < OPEN_NETWORKS }, el('summary', {}, el('h3', {}, networkTitle(networks[network]))), body);
    let drawn = false;
    const draw = () => {
      if (drawn || !details.open) return;
      drawn = true;
      const figures = layerFigures(network);
      body.append(...(Array.isArray(figures)
        ? [tradeoffFigure(network), ...figures]
        : [el('div', { class: 'pair' }, tradeoffFigure(network), figures.bars), figures.matrix]));
    };
    details.addEventListener('toggle', draw);
    onceVisible(details, draw);
    return details;
  };
  section('networks', 'Networks', 'What multipliers cost and reach in all layers, and what each layer stands alone.', ...networks.map((_, network) => one(network)));
};
