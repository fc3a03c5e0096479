// Numbers and names as people read them.

const THIN = '\u202f';
const MINUS = '\u2212';

/** Text from a file with its control characters shown: they could turn a line around, or forge one. */
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;
const shown = (text) => String(text).replace(CONTROL, (c) => `\\u{${c.codePointAt(0).toString(16)}}`);

const signed = (text) => text.replace(/^-/, MINUS);

/** A number with so many decimals. */
const fixed = (x, decimals) => {
  const text = x.toFixed(decimals);
  return signed(Number(text) === 0 ? text.replace('-', '') : text);
};

/** A whole number with its thousands apart. */
const grouped = (n) => String(n).replace(/\B(?=(\d{3})+(?!\d))/g, ',');

/** A number with about so many significant digits. */
const significant = (x, digits) => {
  if (x === 0) return '0';
  const size = Math.abs(x);
  if (size >= 1e7 || size < 1e-4) return signed(x.toExponential(digits - 1));
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  const text = fixed(x, Math.min(decimals, 9));
  return size >= 1e3 ? text.replace(/^(.?)(\d+)/, (_, sign, whole) => sign + grouped(whole)) : text;
};

/** A fraction in percent. */
const percent = (fraction, decimals = 2) => `${fixed(100 * fraction, decimals)}${THIN}%`;

/** Energy relative to exact products, in percent: three digits. */
const energyText = (energy) => percent(energy, energy < 0.1 ? 2 : energy < 0.9995 ? 1 : 0);

/** A value of a network's metric. */
const valueText = (network, value) => (network.metric.percent ? percent(value) : fixed(value, 4));

/** The ends of an interval of values. */
const intervalText = (network, low, high) =>
  network.metric.percent ? `${fixed(100 * low, 2)} to ${percent(high)}` : `${fixed(low, 4)} to ${fixed(high, 4)}`;

/** A drop without its unit: hundredths of the metric, which are points of an accuracy. */
const dropText = (drop) => fixed(100 * drop, 2);

/** The unit of drops. */
const unitOf = (network) => (network.metric.percent ? 'points' : 'hundredths');

/** `1 layer`, `2 layers`. */
const counted = (n, one, many = `${one}s`) => `${grouped(n)} ${n === 1 ? one : many}`;

/** Parts of a sentence as a list. */
const listed = (parts) =>
  parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts[parts.length - 1]}`;
