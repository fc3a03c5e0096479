// Axes of charts.

/** Round numbers from low to high, at most so many, and the decimals they need. */
const ticksOf = (low, high, most) => {
  const rough = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough * (1 - 1e-9));
  const first = Math.ceil(low / step - 1e-9);
  const ticks = [];
  for (let i = first; i * step <= high + 1e-9 * step; i += 1) ticks.push(i * step);
  return { ticks, decimals: Math.max(0, -Math.floor(Math.log10(step * (1 + 1e-9)))) };
};

/** Where numbers lie between two pixels. */
const scaleOf = (low, high, start, end) => (x) => start + ((x - low) / (high - low)) * (end - start);

const line = (x1, y1, x2, y2, className) => svg('line', { x1, y1, x2, y2, class: className });

/** A label; `side` is `start`, `middle` or `end`. */
const label = (x, y, text, side = 'start', className = null) => svg('text', { x, y, 'text-anchor': side, class: className }, text);

/** A drawing with a name and a description for those who do not see it. */
const drawing = (width, height, title, description, ...children) => {
  const [name, about] = [newId('title'), newId('description')];
  return svg('svg', { class: 'chart', viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', 'aria-labelledby': `${name} ${about}` },
    svg('title', { id: name }, title), svg('desc', { id: about }, description), ...children);
};

/** The width of a text at the size of labels. */
const widthOf = (() => {
  const context = document.createElement('canvas').getContext('2d');
  context.font = `12px ${getComputedStyle(document.body).fontFamily}`;
  return (text) => context.measureText(text).width + 2;
})();

/**
 * Labels beside points, the first ones first: to the right, the left, above or below, and left out where there is no
 * room. `taken` are rectangles `[left, top, right, bottom]` that they keep off.
 */
const placeLabels = (points, area, taken) => {
  const placed = [...taken];
  const free = ([l, t, r, b]) =>
    l >= area[0] && t >= area[1] && r <= area[2] && b <= area[3] && placed.every(([L, T, R, B]) => r <= L || l >= R || b <= T || t >= B);
  return points.flatMap(({ x, y, text }) => {
    const width = widthOf(text);
    const places = [[8, -7], [-8 - width, -7], [8, -18], [8, 5], [-8 - width, -18], [-8 - width, 5], [-width / 2, -24], [-width / 2, 11]];
    const found = places.map(([dx, dy]) => [x + dx, y + dy, x + dx + width, y + dy + 14]).find(free);
    if (!found) return [];
    placed.push(found);
    return [label(found[0], found[3] - 3.5, text, 'start', 'halo')];
  });
};
