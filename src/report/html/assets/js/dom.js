// Elements. Text goes in as text and never as markup.

const SVG = 'http://www.w3.org/2000/svg';

const fill = (element, attributes, children) => {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (name === 'vars') Object.entries(value).forEach(([key, of]) => element.style.setProperty(`--${key}`, of));
    else element.setAttribute(name, value === true ? '' : value);
  }
  for (const child of children.flat()) {
    if (child === undefined || child === null || child === false) continue;
    element.append(child instanceof Node ? child : shown(child));
  }
  return element;
};

/** An element with attributes, listeners (`onclick`), custom properties (`vars`) and children. */
const el = (name, attributes = {}, ...children) => fill(document.createElement(name), attributes, children);

/** The same of a drawing. */
const svg = (name, attributes = {}, ...children) => fill(document.createElementNS(SVG, name), attributes, children);

let ids = 0;
const newId = (what) => `${what}-${(ids += 1)}`;

/** A labelled control. */
const field = (label, control) => el('label', { class: 'field' }, label, control);

const option = (value, text) => el('option', { value }, text);

/** A long name that may be broken behind its dots, slashes and underscores. */
const breakable = (name) => shown(name).split(name.length > 14 ? /(?<=[./_])/ : /(?!)/).flatMap((part) => [part, el('wbr')]).slice(0, -1);

/** A section of the page, and its entry among the links at the top. */
const section = (id, title, lede, ...children) => {
  const heading = newId('heading');
  document.getElementById('sections').append(el('a', { href: `#${id}` }, title));
  const element = el('section', { id, 'aria-labelledby': heading }, el('h2', { id: heading }, title));
  if (lede) element.append(el('p', { class: 'lede' }, lede));
  element.append(...children);
  document.querySelector('main').append(element);
  return element;
};

/** Calls `draw(width)` now and whenever the width of `element` changes. */
const onWidth = (element, draw) => {
  let drawn = 0;
  new ResizeObserver(() => {
    const width = Math.round(element.clientWidth);
    if (width > 0 && width !== drawn) {
      drawn = width;
      draw(width);
    }
  }).observe(element);
};

/** Calls `draw()` once `element` is about to be seen, or printed. */
const onceVisible = (element, draw) => {
  const now = () => {
    seen.disconnect();
    window.removeEventListener('beforeprint', now);
    draw();
  };
  const seen = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && now(), {
    rootMargin: '400px',
  });
  seen.observe(element);
  window.addEventListener('beforeprint', now);
};

/** Shows `text` beside the pointer while it is over `element`. */
const withTip = (element, text) => {
  const tip = document.getElementById('tip');
  const place = (event) => {
    const [width, height] = [tip.offsetWidth, tip.offsetHeight];
    const left = Math.min(event.clientX + 14, window.innerWidth - width - 8);
    const below = event.clientY + 16;
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${below + height > window.innerHeight ? event.clientY - height - 10 : below}px`;
  };
  element.addEventListener('pointerenter', (event) => {
    tip.textContent = text();
    tip.hidden = false;
    place(event);
  });
  element.addEventListener('pointermove', place);
  element.addEventListener('pointerleave', () => {
    tip.hidden = true;
  });
  return element;
};
