// A circuit in numbers: computed from its leaves, swept, and told step by step. The same as Steps in Python.
// `nodes` come operands first, the root last: a leaf has a name and a number, a gate its operands too, each the index of
// a node or {constant}.

const isNode = (operand) => typeof operand === "number";

// The values of all nodes, and of each gate its partials, null where nothing is handed on.
function computed(nodes, leaves) {
  const values = [], partials = [];
  nodes.forEach((node, index) => {
    if (!node.gate) values[index] = leaves[index];
    else {
      const operands = node.operands.map((operand) => (isNode(operand) ? values[operand] : operand.constant));
      const handed = node.operands.map((operand, k) => (!isNode(operand) && operand.vanishes ? null : operands[k]));
      values[index] = gates[node.gate].value(...operands);
      partials[index] = gates[node.gate].partials(values[index], ...handed);
    }
  });
  return { values, partials };
}

// The reverse sweep from the root: each edge that gradients take, in order, and what they come to.
function swept(nodes, { partials }) {
  const root = nodes.length - 1, totals = [], edges = [];
  totals[root] = 1;
  for (let gate = root; gate >= 0; gate -= 1) {
    if (!nodes[gate].gate || totals[gate] === undefined) continue;
    nodes[gate].operands.forEach((operand, index) => {
      if (!isNode(operand) || nodes[gate].untouched.includes(index)) return;
      const taken = partials[gate][index] !== null, partial = taken ? partials[gate][index] : 0;
      const before = totals[operand] ?? 0, contribution = taken ? partial * totals[gate] : 0;
      edges.push({ gate, operand, index, taken, first: totals[operand] === undefined,
        adjoint: totals[gate], partial, contribution, after: before + contribution });
      if (taken) totals[operand] = before + contribution;
    });
  }
  return { gradients: totals, edges };
}

// All steps of a circuit: forward gates, the seed, the edges of the sweep, each with its sentence and the parts at work:
// g3 is gate 3, w3 its wire, o3 the line between them, e3-1 the edge of its operand 1.
function told(nodes, state, edges) {
  const root = nodes.length - 1, f = nodes[root].name, whole = (gate) => [`g${gate}`, `o${gate}`, `w${gate}`];
  const forward = nodes.flatMap((node, gate) => (!node.gate ? [] : [{
    kind: "forward", gate, sentence: equation(nodes, state, gate), value: digits(state.values[gate]),
    parts: [...whole(gate), ...node.operands.flatMap((operand, index) => (isNode(operand) ? [`e${gate}-${index}`] : []))],
  }]));
  const seed = { kind: "seed", gate: root, sentence: `∂${f}/∂${f} = 1`, parts: whole(root), after: "1" };
  const backward = edges.map((edge) => ({
    kind: "backward", gate: edge.gate, operand: edge.operand, index: edge.index, sentence: chainRule(nodes, edge),
    parts: [`g${edge.gate}`, `e${edge.gate}-${edge.index}`, `w${edge.operand}`],
    factor: bracketed(digits(edge.partial)), after: digits(edge.after),
  }));
  return [...forward, seed, ...backward];
}

function equation(nodes, { values }, gate) {
  const node = nodes[gate];
  const written = (operand) => (isNode(operand) ? nodes[operand].name : digits(operand.constant));
  const number = (operand) => digits(isNode(operand) ? values[operand] : operand.constant);
  const letters = formula(node, node.operands.map(written)), numbers = formula(node, node.operands.map(number));
  return `${node.name} = ${letters} = ${numbers} = ${digits(values[gate])}`;
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
