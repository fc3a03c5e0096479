// Tables that are sorted by their headings and shown a page at a time: ten thousand rows stay quick.

const collator = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

/** Numbers in the order of a column's values; what has none comes last, whichever way it is sorted. */
const sortKeys = (column, rows) => {
  const values = rows.map(column.value);
  if (column.numeric) return values.map((value) => (value === null || value === undefined ? NaN : value));
  const texts = [...new Set(values)].filter((value) => value !== null).sort(collator.compare);
  const ranks = new Map(texts.map((value, rank) => [value, rank]));
  return values.map((value) => (value === null ? NaN : ranks.get(value)));
};

/**
 * A table of `rows`, any values, with `columns`: `{title, value(row), cell(row)?, numeric?, head?, className?}`.
 * `pageSize` rows are shown at a time; all without it. `sorted` is a column's place, with `descending`.
 */
const makeTable = ({ caption, columns, rows, pageSize = null, sorted = null, descending = false, unit = 'row' }) => {
  const keys = new Map();
  const position = new Map(rows.map((row, at) => [row, at]));
  const state = { rows, order: rows, sorted, descending, page: 0, size: pageSize };
  const body = el('tbody');
  const status = el('span', { role: 'status', 'aria-live': 'polite' });
  const headings = columns.map((column, place) =>
    el('th', { scope: 'col', class: column.numeric ? 'number' : null },
      el('button', { type: 'button', onclick: () => sortBy(place) }, column.title)));

  const cell = (column, row) => {
    const content = column.cell ? column.cell(row) : column.value(row);
    const className = [column.numeric ? 'number' : null, column.className].filter(Boolean).join(' ') || null;
    return el(column.head ? 'th' : 'td', { class: className, scope: column.head ? 'row' : null }, content ?? '');
  };

  const show = () => {
    const pages = state.size === null ? 1 : Math.max(1, Math.ceil(state.order.length / state.size));
    state.page = Math.min(state.page, pages - 1);
    const first = state.size === null ? 0 : state.page * state.size;
    const visible = state.size === null ? state.order : state.order.slice(first, first + state.size);
    body.replaceChildren(...visible.map((row) => el('tr', {}, columns.map((column) => cell(column, row)))));
    headings.forEach((heading, place) => {
      if (place === state.sorted) heading.setAttribute('aria-sort', state.descending ? 'descending' : 'ascending');
      else heading.removeAttribute('aria-sort');
    });
    const all = rows.length === state.rows.length ? '' : ` of ${grouped(rows.length)}`;
    const range = pages > 1 ? `${grouped(first + 1)} to ${grouped(first + visible.length)} of ` : '';
    status.textContent = `${range}${counted(state.order.length, unit)}${all}`;
    [previous.disabled, next.disabled] = [state.page === 0, state.page >= pages - 1];
  };

  const order = () => {
    if (state.sorted === null) {
      state.order = state.rows;
      return;
    }
    const column = columns[state.sorted];
    if (!keys.has(column)) keys.set(column, sortKeys(column, rows));
    const [key, direction] = [keys.get(column), state.descending ? -1 : 1];
    const compare = (a, b) => {
      const [x, y] = [key[a], key[b]];
      if (Number.isNaN(x) || Number.isNaN(y)) return Number.isNaN(x) - Number.isNaN(y) || a - b;
      return direction * (x - y) || a - b;
    };
    state.order = state.rows.map((row) => position.get(row)).sort(compare).map((at) => rows[at]);
  };

  const sortBy = (place) => {
    // Numbers are looked at from the largest on only when asked for again.
    state.descending = state.sorted === place ? !state.descending : false;
    state.sorted = place;
    state.page = 0;
    order();
    show();
  };

  const turn = (by) => {
    state.page += by;
    show();
  };
  const previous = el('button', { type: 'button', onclick: () => turn(-1) }, 'Previous');
  const next = el('button', { type: 'button', onclick: () => turn(1) }, 'Next');
  const size = el('select', {
    onchange: (event) => {
      [state.size, state.page] = [Number(event.target.value), 0];
      show();
    },
  }, [50, 200, 1000].map((n) => option(n, n)));

  const table = el('table', {}, el('caption', {}, caption), el('thead', {}, el('tr', {}, headings)), body);
  const pager = el('div', { class: 'pager' }, status, el('span', { class: 'grow' }),
    el('label', { class: 'field row' }, 'Rows', size), previous, next);
  order();
  show();
  return {
    element: el('div', {}, pageSize === null ? null : pager, el('div', { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': caption }, table)),
    /** Shows those of the rows for which `keep` holds. */
    filter(keep) {
      state.rows = rows.filter(keep);
      state.page = 0;
      order();
      show();
    },
    /** Reads values again, which depend on what the reader chose. */
    refresh() {
      keys.clear();
      order();
      show();
    },
  };
};
