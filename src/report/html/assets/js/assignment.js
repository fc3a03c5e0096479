// A mix as approx-eval takes it: rules of `--assign`, and options of a command line.

/** Layers by choice, exact ones apart. */
const byChoice = (network, { mix, step }) => {
  const groups = new Map();
  step.picks.forEach((pick, layer) => {
    if (pick === null) return;
    if (!groups.has(pick)) groups.set(pick, []);
    groups.get(pick).push(networks[network].layers[layer].name);
  });
  return [...groups].map(([pick, layers]) => {
    const { multiplier, coding, energy } = mix.choices[pick];
    return { layers, lut: multipliers[multiplier].spec, name: multipliers[multiplier].name, coding, energy };
  });
};

/** The coding of most layers: exact products are coded alike. */
const commonCoding = (groups) => {
  const counts = new Map();
  groups.forEach(({ coding, layers }) => coding && counts.set(coding, (counts.get(coding) ?? 0) + layers.length));
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? null;
};

/** The file of `--assign`. */
const assignmentFile = (network, best) => {
  const groups = byChoice(network, best);
  const every = commonCoding(groups);
  const base = { layers: '*', mode: 'quant', ...(every && { coding: every }) };
  const rules = groups.flatMap(({ layers, lut, coding }) =>
    layers.map((layer) => ({ layers: layer, mode: 'approx', lut, ...(coding && coding !== every && { coding }) })));
  return `${JSON.stringify({ schema: 1, rules: [base, ...rules] }, null, 1)}\n`;
};

const PLAIN = /^[\w.,:/=@%+-]+$/;
const quoted = (text) => (PLAIN.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

/** Options that a run of the network takes whatever its multipliers are. */
const networkOptions = (network) => {
  const { model, data, options } = networks[network];
  const pair = ([name, value]) => (value === '' ? [`--${name}`] : [`--${name}`, value]);
  return ['-m', model, ...(data === null ? [] : ['-d', data]), ...options.flatMap(pair)];
};

/** A name for the assignment's file. */
const fileName = (network) => {
  const plain = networkTitle(networks[network]).replace(/[^\w.-]+/g, '-').replace(/^[-.]+|[-.]+$/g, '');
  return `${plain.slice(0, 60) || 'network'}-mix.json`;
};

/** The command that evaluates the mix, beside exact products on the same samples. */
const checkCommand = (network) =>
  ['approx-eval', ...networkOptions(network), '--assign', fileName(network), '--compare', 'quant'].map(quoted).join(' ');

/** The same without a file: one rule a multiplier, its layers in braces where their names allow that. */
const checkCommandWithRules = (network, best) => {
  const groups = byChoice(network, best);
  const every = commonCoding(groups);
  const coding = every ? ['--coding', every] : [];
  const isPlain = (name) => /^[\w.-]+$/.test(name);
  const rules = groups.flatMap(({ layers, lut, coding: own }) => {
    const options = `mode=approx,lut=${lut}${own && own !== every ? `,coding=${own}` : ''}`;
    const together = layers.length > 1 && layers.every(isPlain) ? [`{${layers.join(',')}}`] : layers;
    return together.map((pattern) => `${pattern}:${options}`);
  });
  const words = ['approx-eval', ...networkOptions(network), '--mode', 'quant', ...coding, ...rules.flatMap((rule) => ['--set', rule]), '--compare', 'quant'];
  return words.map(quoted).join(' ');
};

/** A button that copies what `text` returns, and says so. */
const copyButton = (label, text) => {
  const button = el('button', { type: 'button' }, label);
  const say = (message) => {
    button.textContent = message;
    setTimeout(() => { button.textContent = label; }, 1600);
  };
  const byHand = () => {
    const area = el('textarea', { 'aria-hidden': 'true', class: 'unseen' });
    area.value = text();
    document.body.append(area);
    area.select();
    const copied = document.execCommand('copy');
    area.remove();
    button.focus();
    say(copied ? 'Copied' : 'Not copied');
  };
  button.addEventListener('click', () => {
    if (!navigator.clipboard) return byHand();
    return navigator.clipboard.writeText(text()).then(() => say('Copied'), byHand);
  });
  return button;
};
