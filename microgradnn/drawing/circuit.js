// A circuit in numbers: computed from its leaves, swept, and told step by step. The same as Steps in Python.
// `nodes` come operands first, the root last: a leaf has a name and a number, a gate its operands too, each the index of
// a node or {constant}.

const isNode = (operand) => typeof operand === "number";

function valuesOf(nodes, leaves) {
  const values = [];
  nodes.forEach((node, index) => {
    values[index] = node.gate ? gates[node.gate].value(...operandsOf(node, values)) : leaves[index];
  });
  return values;
}

// The values of all nodes, and of each gate its partials, null where nothing is handed on.
function computed(nodes, leaves) {
  const values = valuesOf(nodes, leaves);
  return { values, partials: nodes.map((node, index) => node.gate && partialsOf(node, values, values[index])) };
}

const operandsOf = (node, values) => node.operands.map((operand) => (isNode(operand) ? values[operand] : operand.constant));

// A gate that has no value at its operands has no partials there, whatever their formulas give.
function partialsOf(node, values, out) {
  const operands = operandsOf(node, values), undefinedThere = Number.isNaN(out) && !operands.some(Number.isNaN);
  node.vanishing.forEach((index) => { operands[index] = null; });
  const partials = gates[node.gate].partials(out, ...operands);
  return undefinedThere ? partials.map((partial) => (partial === null ? null : NaN)) : partials;
}

// The reverse sweep from the root: the gradient of every node; `visit` sees each edge that gradients take, in order.
function gradientsOf(nodes, partials, visit = null) {
  const root = nodes.length - 1, totals = new Array(nodes.length).fill(undefined);
  totals[root] = 1;
  for (let gate = root; gate >= 0; gate -= 1) {
    const { operands, untouched } = nodes[gate], adjoint = totals[gate];
    if (!operands || adjoint === undefined) continue;
    for (let index = 0; index < operands.length; index += 1) {
      const operand = operands[index];
      if (!isNode(operand) || untouched.includes(index)) continue;
      const partial = partials[gate][index], before = totals[operand];
      if (partial !== null) totals[operand] = (before ?? 0) + partial * adjoint;
      if (visit) visit({ gate, operand, index, adjoint, partial, before });
    }
  }
  return totals;
}

// The edges of the sweep, each with what it hands on and what that comes to; null among the partials was not taken.
function swept(nodes, { partials }) {
  const edges = [];
  const gradients = gradientsOf(nodes, partials, ({ partial, before, adjoint, ...edge }) => {
    const taken = partial !== null, contribution = taken ? partial * adjoint : 0;
    edges.push({ ...edge, adjoint, taken, partial: partial ?? 0, contribution, first: before === undefined,
      after: (before ?? 0) + contribution });
  });
  return { gradients, edges };
}

// All steps of a circuit: forward gates, the seed, the edges of the sweep, each with its sentence and the parts at work:
// g3 is gate 3, w3 its wire, o3 the line between them, e3-1 the edge of its operand 1. Words that one
// step alone shows are made when they are read.
function told(nodes, state, edges) {
  const root = nodes.length - 1, f = nodes[root].name, whole = (gate) => [`g${gate}`, `o${gate}`, `w${gate}`];
  const forward = nodes.flatMap((node, gate) => (!node.gate ? [] : [{
    kind: "forward", gate, get sentence() { return equation(nodes, state, gate); }, value: digits(state.values[gate]),
    parts: [...whole(gate), ...node.operands.flatMap((operand, index) => (isNode(operand) ? [`e${gate}-${index}`] : []))],
  }]));
  const seed = { kind: "seed", gate: root, sentence: `∂${f}/∂${f} = 1`, parts: whole(root), after: "1" };
  const backward = edges.map((edge) => ({
    kind: "backward", gate: edge.gate, operand: edge.operand, index: edge.index, get sentence() { return chainRule(nodes, edge); },
    parts: [`g${edge.gate}`, `e${edge.gate}-${edge.index}`, `w${edge.operand}`],
    get factor() { return bracketed(digits(edge.partial)); }, after: digits(edge.after),
  }));
  return [...forward, seed, ...backward];
}

function equation(nodes, { values }, gate) {
  const node = nodes[gate];
  const written = (operand) => (isNode(operand) ? nodes[operand].name : digits(operand.constant));
  return `${node.name} = ${formula(node, node.operands.map(written))} = ${inNumbers(node, values)} = ${digits(values[gate])}`;
}

const inNumbers = (node, values) => formula(node, operandsOf(node, values).map((x) => digits(x)));

// Where numbers end: the first gate that makes of finite operands what is none, in words; null where none does.
function beyondNumbers(nodes, values) {
  const gate = nodes.findIndex((node, index) => node.gate && !Number.isFinite(values[index])
    && operandsOf(node, values).every(Number.isFinite));
  if (gate < 0) return null;
  const why = Number.isNaN(values[gate]) ? "has no value" : "is beyond every float";
  return `${inNumbers(nodes[gate], values)} ${why}: ${digits(values[gate])} stands for it`;
}

function chainRule(nodes, edge) {
  const f = nodes.at(-1).name, out = nodes[edge.gate].name, x = nodes[edge.operand].name;
  const factors = `${bracketed(digits(edge.adjoint))} × ${bracketed(digits(edge.partial))}`;
  const rule = `∂${f}/∂${x} += ∂${f}/∂${out} · ∂${out}/∂${x} = ${factors} = ${digits(edge.contribution)}`;
  if (!edge.taken) return `${rule}, not taken`;
  return edge.first ? rule : `${rule}, together ${digits(edge.after)}`;
}

// The gate applied to operands that are written already: `pieces` are the texts between them, with their places.
function formula(node, operands) {
  if (!node.pieces) return `${node.primitive}(${operands.join(", ")})`;
  return node.pieces.reduce((text, [before, index]) => {
    if (index === null) return text + before;
    const operand = operands[index], inside = /[([{|]$/.test(text + before);
    return text + before + (inside ? operand : bracketed(operand));
  }, "");
}
