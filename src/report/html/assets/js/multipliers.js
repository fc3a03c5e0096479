// The multipliers: their errors, what they cost, and pictures of where they err.

/** Blue for products that are too small, red for those too large, nearly white for exact ones; from -1 to 1. */
const errorColor = (strength) => {
  const to = strength < 0 ? [27, 86, 156] : [176, 38, 24];
  const part = Math.min(1, Math.abs(strength));
  return [246, 246, 244].map((white, i) => Math.round(white + part * (to[i] - white)));
};

const drawPixels = (canvas, width, height, strengthAt) => {
  [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext('2d');
  const image = context.createImageData(width, height);
  for (let i = 0; i < width * height; i += 1) {
    image.data.set([...errorColor(strengthAt(i % width, Math.floor(i / width))), 255], 4 * i);
  }
  context.putImageData(image, 0, 0);
};

/** Draws the errors of a heat map: the first operand upward, the second to the right; `largest` has the full color. */
const drawHeatMap = (canvas, map, largest) => {
  const [rows, columns] = map.cells;
  const bytes = Uint8Array.from(atob(map.bytes), (c) => c.charCodeAt(0));
  const errors = new Int8Array(bytes.buffer);
  const scale = largest > 0 ? Math.sqrt(map.largest / largest) : 0;
  drawPixels(canvas, columns, rows, (x, y) => (errors[(rows - 1 - y) * columns + x] / 127) * scale);
};

const heatMaps = () => {
  const drawable = multipliers.filter((multiplier) => multiplier.heat_map !== null);
  const without = multipliers.filter((multiplier) => multiplier.heat_map === null);
  const common = Math.max(0, ...drawable.map((multiplier) => multiplier.heat_map.largest));
  const drawn = [];
  let together = false;
  const figureOf = (multiplier) => {
    const map = multiplier.heat_map;
    const [[a, b], [c, d]] = map.operands;
    const about = map.largest === 0 ? 'no errors' : `mean errors up to ${significant(map.largest, 3)} in a cell`;
    const canvas = el('canvas', { role: 'img', 'aria-label': shown(`Heat map of the errors of ${multiplier.name}: ${about}; MAE ${significant(multiplier.errors.mae, 4)}, bias ${significant(multiplier.errors.bias, 3)}`) });
    const draw = () => drawHeatMap(canvas, map, together ? common : map.largest);
    onceVisible(canvas, () => {
      draw();
      drawn.push(draw);
    });
    return el('figure', { title: `first operand ${a} to ${b} upward, second ${c} to ${d} to the right` }, canvas,
      el('figcaption', {}, multiplier.name, el('span', {}, map.largest === 0 ? 'exact' : `\u00b1${significant(map.largest, 3)} a cell`)));
  };
  const bar = el('canvas', { 'aria-hidden': 'true' });
  drawPixels(bar, 101, 1, (x) => Math.sign(x - 50) * Math.sqrt(Math.abs(x - 50) / 50));
  const toggle = el('input', {
    type: 'checkbox',
    onchange: (event) => {
      together = event.target.checked;
      drawn.forEach((draw) => draw());
    },
  });
  const reasons = new Map();
  without.forEach(({ name, no_heat_map: why }) => {
    const reason = why ?? 'its table is not in the study';
    reasons.set(reason, [...(reasons.get(reason) ?? []), name]);
  });
  return [
    drawable.length ? el('h3', {}, 'Where they err') : null,
    drawable.length ? el('p', { class: 'small' }, 'Mean error over cells of both operands: the first (activation) upward, the second (weight) to the right.') : null,
    drawable.length ? el('div', { class: 'controls' }, el('div', { class: 'scale' }, 'too small', bar, 'too large'), el('label', { class: 'field row' }, toggle, 'One scale of colors for all')) : null,
    el('div', { class: 'maps' }, drawable.map(figureOf)),
    ...[...reasons].map(([reason, names]) => el('p', { class: 'small' }, `No heat map of ${listed(names.slice(0, 12).map(shown))}${names.length > 12 ? ` and ${names.length - 12} more` : ''}: ${shown(reason)}.`)),
  ].filter(Boolean);
};

const multiplierTable = () => {
  const number = (title, value, cell) => ({ title, numeric: true, value, cell: (row) => (value(row) === null || value(row) === undefined ? '' : cell(value(row))) });
  const error = (key) => (multiplier) => multiplier.errors?.[key] ?? null;
  const dropIn = (network) => {
    const drops = new Map(byNetwork[network].uniform.map((run) => [multipliers[runs.multiplier[run]], runs.drop[run]]));
    return (multiplier) => drops.get(multiplier) ?? null;
  };
  const columns = [
    { title: 'Multiplier', head: true, className: 'name', value: (multiplier) => multiplier.name },
    number('Energy', (multiplier) => multiplier.energy[chosen.basis] ?? null, energyText),
    number('MAE', error('mae'), (x) => significant(x, 4)),
    number('Worst error', error('wce'), grouped),
    number('Mean error', error('bias'), (x) => significant(x, 3)),
    number('Mean relative error', error('mre'), (x) => `${significant(100 * x, 3)}${THIN}%`),
    number('Wrong products', error('ep'), (x) => percent(x, 1)),
    ...networks.slice(0, 4).map((network, place) => number(`Drop, ${networkTitle(network).slice(0, 24)}`, dropIn(place), dropText)),
  ];
  const table = makeTable({ caption: `Drops are those of one multiplier for all layers, in points${study.bases.length ? `; energy by ${study.bases[0]}${study.bases.length > 1 ? ', or as chosen above' : ''}` : ''}`, columns, rows: multipliers, pageSize: multipliers.length > 60 ? 50 : null, sorted: 1, unit: 'multiplier' });
  onChoice(table.refresh);
  return table.element;
};

const showMultipliers = () => {
  if (!multipliers.length) return;
  section('multipliers', 'Multipliers', null, el('div', { class: 'network-body' }, el('div', { class: 'card' }, multiplierTable()), el('div', { class: 'card' }, heatMaps())));
};
