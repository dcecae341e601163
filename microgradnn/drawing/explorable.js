// The piece put together: the picture, the walk through its steps and, where the gates are at hand, leaves that change.

function start(element, nodes) {
  const svg = livePicture(element);
  if (svg) explore(element, svg, nodes);
}

function explore(element, svg, nodes) {
  const part = partsOf(svg), root = nodes.length - 1, first = nodes.map((node) => node.value);
  let leaves = [...first], before = [...first], active = null, now = null;
  svg.setAttribute("role", "group"); // an image would hide the leaves from screen readers

  const run = () => {
    const state = computed(nodes, leaves), { gradients, edges } = swept(nodes, state);
    return { ...state, gradients, steps: told(nodes, state, edges).map((step) => ({ ...step, parts: partsAtWork(step, nodes) })) };
  };
  const describe = () => nodes.forEach((node, leaf) => {
    if (node.gate) return;
    write(part(`w${leaf}`), "value", digits(leaves[leaf]));
    svg.querySelectorAll(`.copy-of-w${leaf}`).forEach((copy) => write(copy, "value", digits(leaves[leaf])));
    describeLeaf(part(`w${leaf}`), leaves[leaf], now.gradients[leaf] ?? 0);
  });
  const draw = () => {
    chart.innerHTML = active === null ? "" : chartOf(
      (x) => computed(nodes, leaves.with(active, x)).values[root], nodes[active].name, nodes[root].name,
      leaves[active], now.gradients[active] ?? 0, first[active],
    );
  };
  const select = (leaf) => {
    if (leaf !== active) before = [...leaves];
    active = leaf;
    draw();
  };
  const change = (leaf, x) => {
    select(leaf);
    leaves[leaf] = x;
    now = run();
    describe();
    draw();
    stepper.show(stepper.at(), foretold(nodes, before, leaves, leaf));
  };
  const refuse = (words) => stepper.show(stepper.at(), words);

  now = run();
  const stepper = walk(element, svg, () => now.steps, true);
  element.insertAdjacentHTML("beforeend", '<div class="chart"></div>');
  const chart = element.querySelector(".chart");
  makeLeaves(element, svg, nodes, () => leaves, { change, select, refuse });
  stepper.resetButton.addEventListener("click", () => {
    leaves = [...first];
    before = [...first];
    active = null;
    now = run();
    describe();
    draw();
    stepper.show(Infinity, HINT);
  });
  describe();
  stepper.show(Infinity, HINT);
}

const HINT = "Drag a number with a dotted line, or choose it and type: everything follows, in this page only. ← and → step.";

// What a change did, beside what the gradient foretold.
function foretold(nodes, before, leaves, leaf) {
  const old = computed(nodes, before), root = nodes.length - 1, { name } = nodes[leaf], f = nodes[root].name;
  const slope = swept(nodes, old).gradients[leaf] ?? 0, step = leaves[leaf] - before[leaf];
  if (step === 0) return `${name} = ${digits(leaves[leaf])}, as before`;
  const rise = computed(nodes, leaves).values[root] - old.values[root], sign = step < 0 ? "−" : "+";
  return `${name} = ${digits(before[leaf])} ${sign} ${digits(Math.abs(step))}: ${f} changes by ${digits(rise)}; `
    + `gradient × change = ${bracketed(digits(slope))} × ${bracketed(digits(step))} = ${digits(slope * step)}`;
}

// The parts of the picture at work in a step.
function partsAtWork(step, nodes) {
  if (step.kind === "backward") return [`g${step.gate}`, `e${step.gate}-${step.index}`, `w${step.operand}`];
  const whole = [`g${step.gate}`, `o${step.gate}`, `w${step.gate}`];
  if (step.kind === "seed") return [`g${step.gate}`, `w${step.gate}`];
  return [...whole, ...nodes[step.gate].operands.flatMap((operand, index) => (isNode(operand) ? [`e${step.gate}-${index}`] : []))];
}
