// Documents that other commands wrote beside the sweep: sensitivity, search, ranking, correction, advice.

const DOCUMENTS = {
  sensitivity: 'Sensitivity', search: 'Search', rank: 'Ranking of tables', correct: 'Correction', advise: 'Advice',
};

const frontChart = (width, points, title) => {
  const height = 340;
  const [left, right, top, bottom] = [58, width - 14, 12, height - 46];
  const ends = points.flatMap(({ value, ci95 }) => [value, ...(ci95 ?? [])]);
  const [low, high] = [Math.min(...ends) - 0.003, Math.min(1.003, Math.max(...ends) + 0.003)];
  const widest = Math.max(1, ...points.map(({ energy }) => energy)) * 1.03;
  const [x, y] = [scaleOf(0, widest, left, right), scaleOf(low, high, bottom, top)];
  const grid = [
    ...ticksOf(0, widest, Math.max(3, width / 110)).ticks.flatMap((tick) => [line(x(tick), top, x(tick), bottom, 'grid'), label(x(tick), bottom + 17, fixed(100 * tick, 0), 'middle', 'soft')]),
    ...ticksOf(100 * low, 100 * high, 6).ticks.flatMap((tick) => [line(left, y(tick / 100), right, y(tick / 100), 'grid'), label(left - 8, y(tick / 100) + 4, significant(tick, 4), 'end', 'soft')]),
  ];
  const marks = points.map(({ name, energy, value, ci95: ci, chosen: isChosen }) => svg('g', {},
    ci ? line(x(energy), y(ci[0]), x(energy), y(ci[1]), 'whisker front') : null,
    withTip(svg('circle', { class: `dot ${isChosen ? 'best' : 'within'}`, cx: x(energy), cy: y(value), r: isChosen ? 6 : 4 }), () => `${shown(name)}\n${percent(value)} at ${energyText(energy)} of the energy`)));
  const description = points.slice(0, 8).map(({ name, energy, value }) => `${shown(name)} ${percent(value)} at ${energyText(energy)}`).join('; ');
  return drawing(width, height, title, description, ...grid, line(left, bottom, right, bottom, 'axis'), ...marks,
    label((left + right) / 2, height - 8, `Cost of multiplications, exact = 100${THIN}%`, 'middle'));
};

/** The figure of a document, as wide as there is room. */
const documentFigure = (figure, title) => {
  const place = el('div');
  const draw = (width) => {
    if (figure.form === 'front') return place.replaceChildren(frontChart(width, figure.points, title));
    const bars = figure.bars.map(([name, value, ci]) => ({ name, value, low: ci?.[0], high: ci?.[1] }));
    const text = figure.points ? dropText : (x) => signed(String(Number(x.toPrecision(3))));
    return place.replaceChildren(barChart(width, bars, { title: `${title}: ${figure.title}`, description: bars.slice(0, 5).map((bar) => `${bar.name} ${text(bar.value)}`).join(', '), text }));
  };
  onWidth(place, (width) => draw(Math.max(280, Math.min(width, 900))));
  draw(640);
  return el('figure', {}, el('figcaption', { class: 'small' }, figure.form === 'front' ? 'Accuracy in percent against cost' : `${figure.title}${figure.points ? ', in points' : ''}`), place);
};

const documentTable = ({ caption, header, rows, numeric }) => {
  const columns = header.map((title, place) => numeric.includes(place)
    ? { title, numeric: true, value: (row) => parseFloat(row[place]), cell: (row) => signed(row[place]) }
    : { title, className: 'name', value: (row) => row[place] });
  return makeTable({ caption, columns, rows, pageSize: rows.length > 60 ? 50 : null }).element;
};

const showDocuments = () => {
  if (!study.documents.length) return;
  section('documents', 'Other results', null, el('div', { class: 'network-body' }, study.documents.map((found) => {
    const title = [DOCUMENTS[found.kind] ?? found.kind, found.network].filter(Boolean).join(', ');
    return el('article', { class: 'card' }, el('h3', {}, title), el('p', { class: 'small' }, found.file),
      el('div', { class: 'pair' }, found.figures.map((figure) => documentFigure(figure, shown(title))), found.tables.map(documentTable)),
      found.facts.length ? el('details', {}, el('summary', {}, 'What it says besides'), el('table', {}, el('tbody', {}, found.facts.map(([name, value]) => el('tr', {}, el('th', { scope: 'row' }, name), el('td', { class: 'name' }, value)))))) : null);
  })));
};
