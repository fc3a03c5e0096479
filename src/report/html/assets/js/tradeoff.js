// Accuracy against energy: what one multiplier for all layers reaches, the front, and what mixes are predicted to reach.

const CHART_HEIGHT = 400;

/** Points of a network: those with a known energy, by the chosen basis. */
const tradeoffPoints = (network) => byNetwork[network].uniform.flatMap((run) => {
  const energy = energyOf(run);
  return energy === null ? [] : [{ run, energy, value: runs.value[run], low: runs.low[run], high: runs.high[run] }];
});

/** Mixes as points: value and energy. */
const mixPoints = (network) => {
  const { baseline, mixes } = networks[network];
  const mix = mixes[chosen.basis];
  if (!baseline || !mix?.choices.length) return [];
  return mix.steps.map(({ drop, energy }) => ({ energy, value: baseline.value - drop }));
};

/** Stairs through points in order of energy: nothing is reached above them. */
const stairs = (points, x, y, right) => {
  if (!points.length) return '';
  const steps = points.slice(1).map((point) => `H${x(point.energy).toFixed(1)}V${y(point.value).toFixed(1)}`);
  return `M${x(points[0].energy).toFixed(1)},${y(points[0].value).toFixed(1)}${steps.join('')}H${right}`;
};

/** Where stairs are, as rectangles that labels keep off. */
const stairAreas = (points, x, y, right) => points.flatMap((point, at) => {
  const end = at + 1 < points.length ? points[at + 1] : null;
  const [x1, y1, x2] = [x(point.energy), y(point.value), end ? x(end.energy) : right];
  return [[x1, y1 - 1, x2, y1 + 1], ...(end ? [[x2 - 1, Math.min(y1, y(end.value)), x2 + 1, Math.max(y1, y(end.value))]] : [])];
});

const pointTip = (network, point) => () => {
  const of = networks[network];
  const { run } = point;
  const drop = runs.drop[run] === null ? '' : `\ndrop ${dropText(runs.drop[run])} (${dropText(runs.drop_low[run])} to ${dropText(runs.drop_high[run])})`;
  return shown(multiplierName(run)) + `\n${of.metric.title} ${valueText(of, point.value)} (${intervalText(of, point.low, point.high)})${drop}\nenergy ${energyText(point.energy)}`;
};

const drawTradeoff = (network, width, whole) => {
  const of = networks[network];
  const points = tradeoffPoints(network);
  const predicted = mixPoints(network);
  const base = of.baseline?.value ?? Math.max(...points.map((point) => point.value));
  const front = paretoFront(points);
  const best = bestUniform(network);
  const mix = bestMix(network);
  // All of what matters under the bound, and as much below as lies near it.
  const near = base - Math.max(0.03, 4 * chosen.bound);
  const lows = points.filter((point) => whole || point.value >= near).map((point) => point.low);
  const lowest = Math.max(whole ? 0 : near, Math.min(base - 2 * chosen.bound, ...lows) - 0.003);
  const highest = Math.min(1, Math.max(base, ...points.map((point) => point.high)) + 0.003);
  const [left, right, top, bottom] = [58, width - 14, 12, CHART_HEIGHT - 46];
  const widest = Math.max(1, ...points.map((point) => point.energy)) * 1.03;
  const [x, y] = [scaleOf(0, widest, left, right), scaleOf(lowest, highest, bottom, top)];
  const inside = (value) => Math.max(top, Math.min(bottom, y(value)));

  const grid = [];
  const across = ticksOf(0, widest, Math.max(3, width / 110));
  across.ticks.forEach((tick) => grid.push(line(x(tick), top, x(tick), bottom, 'grid'), label(x(tick), bottom + 17, `${fixed(100 * tick, 0)}`, 'middle', 'soft')));
  const scale = of.metric.percent ? 100 : 1;
  const up = ticksOf(scale * lowest, scale * highest, 7);
  up.ticks.forEach((tick) => grid.push(line(left, y(tick / scale), right, y(tick / scale), 'grid'), label(left - 8, y(tick / scale) + 4, fixed(tick, up.decimals), 'end', 'soft')));
  grid.push(line(left, bottom, right, bottom, 'axis'));
  const limit = base - chosen.bound;
  const allowed = svg('rect', { class: 'allowed', x: left, width: right - left, y: inside(highest), height: Math.max(0, inside(limit) - inside(highest)) });

  const isHidden = (point) => point.value < lowest;
  const visible = points.filter((point) => !isHidden(point));
  const hidden = points.length - visible.length;
  const mark = (point) => {
    const [cx, cy] = [x(point.energy), y(point.value)];
    const onFront = front.includes(point);
    const className = ['dot', isWithin(runs.drop[point.run]) ? 'within' : '', onFront ? 'front' : '', point.run === best ? 'best' : ''].join(' ');
    return svg('g', {},
      line(cx, inside(point.low), cx, inside(point.high), onFront ? 'whisker front' : 'whisker'),
      svg('circle', { class: className, cx, cy, r: point.run === best ? 6 : 4.5 }),
      withTip(svg('circle', { class: 'hit', cx, cy, r: 12 }), pointTip(network, point)));
  };
  const byFront = [...visible].sort((a, b) => front.includes(a) - front.includes(b));
  const diamond = (cx, cy, r) => `M${cx},${cy - r}L${cx + r},${cy}L${cx},${cy + r}L${cx - r},${cy}Z`;
  const mixMark = mix && base - mix.step.drop >= lowest
    ? withTip(svg('path', { class: 'mix', d: diamond(x(mix.step.energy), y(base - mix.step.drop), 7.5) }),
      () => `one multiplier for each layer\npredicted drop ${dropText(mix.step.drop)}\nenergy ${energyText(mix.step.energy)}`)
    : null;

  const rank = (point) => (point.run === best ? 0 : front.includes(point) ? 1 : 2);
  const named = [...visible].sort((a, b) => rank(a) - rank(b) || a.energy - b.energy)
    .map((point) => ({ x: x(point.energy), y: y(point.value), text: shown(multiplierName(point.run)).slice(0, 28) }));
  const own = visible.map((point) => [x(point.energy) - 5, y(point.value) - 5, x(point.energy) + 5, y(point.value) + 5]);
  const lines = [base, limit].map((value) => [left, y(value) - 2, right, y(value) + 2]);
  const clip = newId('clip');
  const frontInside = front.filter((point) => !isHidden(point));
  const predictedInside = predicted.filter((point) => point.value >= lowest).sort((a, b) => a.energy - b.energy);
  const describe = (point) => `${multiplierName(point.run)} ${valueText(of, point.value)} at ${energyText(point.energy)}`;
  const drawn = drawing(width, CHART_HEIGHT,
    `${of.metric.title} of ${networkTitle(of)} against energy of multiplications`,
    `On the front: ${front.map(describe).join('; ') || 'nothing'}. All points are in the table below the chart.`,
    allowed, ...grid,
    svg('clipPath', { id: clip }, svg('rect', { x: left, y: top, width: right - left, height: bottom - top })),
    line(left, y(base), right, y(base), 'exact-line'), line(left, inside(limit), right, inside(limit), 'bound-line'),
    svg('g', { 'clip-path': `url(#${clip})` },
      svg('path', { class: 'predicted', d: stairs(predictedInside, x, y, right) }),
      svg('path', { class: 'stairs', d: stairs(frontInside, x, y, right) })),
    ...byFront.map(mark), mixMark,
    ...placeLabels(named, [left, top, right, bottom], [...own, ...lines, ...stairAreas(frontInside, x, y, right), ...stairAreas(predictedInside, x, y, right)]),
    label((left + right) / 2, CHART_HEIGHT - 8, `Energy of multiplications, exact = 100${THIN}%`, 'middle'),
    label(-(top + bottom) / 2, 14, `${of.metric.title}${of.metric.percent ? ' (%)' : ''}`, 'middle'));
  drawn.lastChild.setAttribute('transform', 'rotate(-90)');
  return { drawn, hidden };
};

/** What stands for what. */
const tradeoffLegend = (network) => {
  const sign = (...children) => svg('svg', { class: 'chart', viewBox: '0 0 22 12', 'aria-hidden': 'true' }, ...children);
  const dot = (className) => sign(svg('circle', { class: `dot ${className}`, cx: 11, cy: 6, r: 4.5 }));
  const stroke = (className) => sign(line(0, 6, 22, 6, className));
  const { baseline } = networks[network];
  const entries = [
    [dot('within'), 'within the bound'], [dot(''), 'outside'], [stroke('stairs'), 'Pareto front of one for all'],
    [stroke('exact-line'), baseline ? baselineText(networks[network]).toLowerCase() : 'best'], [stroke('bound-line'), 'bound'],
  ];
  if (mixPoints(network).length) entries.push([stroke('predicted'), 'one for each layer, predicted'], [sign(svg('path', { class: 'mix', d: 'M11,0L17,6L11,12L5,6Z' })), 'the suggested one']);
  return el('ul', { class: 'legend' }, entries.map(([drawn, text]) => el('li', {}, drawn, text)));
};

const tradeoffTable = (network) => {
  const of = networks[network];
  const points = tradeoffPoints(network);
  const front = new Set(paretoFront(points));
  return makeTable({
    caption: 'One multiplier for all layers', unit: 'multiplier', rows: points, sorted: 1,
    columns: [
      { title: 'Multiplier', head: true, className: 'name', value: (point) => multiplierName(point.run) },
      { title: 'Energy', numeric: true, value: (point) => point.energy, cell: (point) => energyText(point.energy) },
      { title: of.metric.title, numeric: true, value: (point) => point.value, cell: (point) => valueText(of, point.value) },
      { title: `95${THIN}% interval`, numeric: true, value: (point) => point.low, cell: (point) => intervalText(of, point.low, point.high) },
      { title: 'Drop', numeric: true, value: (point) => runs.drop[point.run], cell: (point) => (runs.drop[point.run] === null ? '' : dropText(runs.drop[point.run])) },
      { title: 'Front', value: (point) => (front.has(point) ? 'yes' : ''), cell: (point) => (front.has(point) ? 'yes' : '') },
    ],
  }).element;
};

/** The chart of a network, redrawn as the page's width and choices change. */
const tradeoffFigure = (network) => {
  if (!byNetwork[network].uniform.length) return el('p', { class: 'small' }, 'No multiplier was evaluated in all layers (scope all): there is no chart of accuracy against energy.');
  const place = el('div');
  const below = el('p', { class: 'small' });
  const whole = el('input', { type: 'checkbox', onchange: () => draw() });
  const data = el('details', {}, el('summary', {}, 'All points as a table'));
  const legend = el('div');
  const controls = el('div', { class: 'controls' }, el('label', { class: 'field row' }, whole, 'Show all down to the lowest'));
  let width = 640;
  const draw = () => {
    const isEmpty = !tradeoffPoints(network).length;
    [controls.hidden, data.hidden, legend.hidden, below.hidden] = [isEmpty, isEmpty, isEmpty, isEmpty];
    if (isEmpty) {
      place.replaceChildren(el('p', { class: 'small' }, 'No energy is known of these multipliers.'));
      return;
    }
    const { drawn, hidden } = drawTradeoff(network, width, whole.checked);
    place.replaceChildren(drawn);
    below.textContent = hidden ? `${counted(hidden, 'multiplier')} below the chart.` : '';
    legend.replaceChildren(tradeoffLegend(network));
    data.replaceChildren(data.firstChild, tradeoffTable(network));
  };
  onWidth(place, (found) => {
    width = Math.max(300, Math.min(found, 900));
    draw();
  });
  onChoice(draw);
  draw();
  return el('figure', { class: 'card' }, el('figcaption', {}, el('h4', {}, 'Accuracy against energy')), legend, place, below,
    controls, data);
};
