// The piece put together: the picture, the walk through its steps, leaves that change, weights that learn.

function explore(element, down, nodes, weights) {
  const svg = livePicture(element);
  if (!svg) return;
  svg.setAttribute("role", "group"); // an image would hide the leaves from screen readers
  const root = nodes.length - 1, first = nodes.map((node) => node.value);
  const hint = weights.length ? `${HINT} Downhill the weights learn from the one example drawn.` : HINT;
  let leaves = [...first], before = [...first], active = null, now = null;
  shorten(svg.querySelector("desc"));
  const part = partsOf(svg), wiresOf = (leaf) => [part(`w${leaf}`), ...svg.querySelectorAll(`.copy-of-w${leaf}`)];
  const labels = nodes.map((node, leaf) => wiresOf(leaf).flatMap((wire) => labelsOf(wire, "value")));

  const draw = (losses = []) => {
    const f = (x) => valuesOf(nodes, leaves.with(active, x))[root], { name } = nodes[root];
    if (losses.length > 1) chart.innerHTML = lossChart(losses, name);
    else if (active === null) chart.innerHTML = "";
    else chart.innerHTML = chartOf(f, nodes[active].name, name, leaves[active], now.gradients[active] ?? 0, first[active]);
  };
  const renew = (numbers, losses) => {
    leaves = numbers;
    now = everything(nodes, leaves);
    showLeaves(nodes, leaves, now.gradients, part, labels);
    draw(losses);
  };
  const activate = (leaf, anew = leaf !== active) => {
    if (anew) before = [...leaves];
    active = leaf;
  };
  const select = (leaf) => {
    activate(leaf);
    draw();
  };
  const change = (leaf, x, anew) => { // `anew`: by another hand than the last change
    activate(leaf, anew);
    forget();
    stepper.pause();
    renew(leaves.with(leaf, x));
    stepper.show(stepper.at(), foretold(nodes, before, leaves, leaf));
  };
  const learn = (numbers, words, losses) => {
    before = [...numbers];
    renew(numbers, losses);
    stepper.show(Infinity, words);
  };
  const reset = () => {
    forget();
    before = [...first];
    active = null;
    renew([...first]);
    stepper.show(Infinity, hint);
  };

  now = everything(nodes, leaves);
  const stepper = walk(element, svg, () => now.steps, { reset });
  element.insertAdjacentHTML("beforeend", '<div class="chart"></div>');
  const chart = element.querySelector(".chart");
  makeLeaves(element, svg, nodes, () => leaves, { change, select, refuse: (words) => stepper.show(stepper.at(), words) });
  const forget = weights.length ? downhill(element, nodes, weights, () => leaves, learn) : () => {};
  reset();
  turning(element, svg, down, stepper.turned);
}

// A description without its numbers, which would stay as they are.
function shorten(desc) {
  [desc.textContent] = desc.textContent.split(". ");
}

// The numbers of a circuit and its steps.
function everything(nodes, leaves) {
  const state = computed(nodes, leaves), { gradients, edges } = swept(nodes, state);
  return { gradients, steps: told(nodes, state, edges) };
}

function showLeaves(nodes, leaves, gradients, part, labels) {
  const words = new Map();
  nodes.forEach((node, leaf) => {
    if (node.gate) return;
    labels[leaf].forEach((label) => words.set(label, digits(leaves[leaf])));
    describeLeaf(part(`w${leaf}`), leaves[leaf], gradients[leaf] ?? 0);
  });
  write(words);
}

const HINT = "Drag a number with a dotted line, or choose it and type: everything follows, in this page only. "
  + "▶ plays how each number is found.";

// What a change did, beside what the gradient foretold; or where it leads beyond numbers.
function foretold(nodes, before, leaves, leaf) {
  const old = computed(nodes, before), root = nodes.length - 1, { name } = nodes[leaf], f = nodes[root].name;
  const slope = swept(nodes, old).gradients[leaf] ?? 0, step = leaves[leaf] - before[leaf];
  const values = valuesOf(nodes, leaves), beyond = beyondNumbers(nodes, values);
  if (beyond !== null) return `${name} = ${digits(leaves[leaf])}: ${beyond}`;
  if (step === 0) return `${name} = ${digits(leaves[leaf])}, as before`;
  const rise = values[root] - old.values[root], sign = step < 0 ? "−" : "+";
  if (!Number.isFinite(step) || [rise, slope].some(Number.isNaN)) return `${name} = ${digits(leaves[leaf])}`;
  return `${name} = ${digits(before[leaf])} ${sign} ${digits(Math.abs(step))}: ${f} changes by ${digits(rise)}; `
    + `gradient × change = ${bracketed(digits(slope))} × ${bracketed(digits(step))} = ${digits(slope * step)}`;
}
