// Gradient descent in the page: the leaves marked as weights step against their gradients, from the one example drawn.

const DESCENT = `<div class="controls descent"><button type="button" data-steps="1">1 step</button>
  <button type="button" data-steps="100">100</button>
  <button type="button" data-steps="go" aria-pressed="false">▶ downhill</button>
  <label>rate <input type="number" value="0.1" min="0" step="any" aria-label="rate"></label>
  <select aria-label="order of the updates"><option value="">all at once</option><option>outputs first</option></select></div>`;

const LAP = 10_000; // steps, after which it pauses

// One step: w −= rate · ∂f/∂w, all gradients those of the old weights.
function allAtOnce(nodes, leaves, weights, rate) {
  const gradients = gradientsOf(nodes, computed(nodes, leaves).partials);
  weights.forEach((leaf) => { leaves[leaf] -= rate * (gradients[leaf] ?? 0); });
}

// The order of note 002: a weight moves as soon as its gradient is known, and what lies before it gets its share through
// the new weight. It is no gradient that moves those.
function outputsFirst(nodes, leaves, weights, rate) {
  const { values, partials } = computed(nodes, leaves), root = nodes.length - 1, totals = [], uses = [];
  nodes.forEach(({ operands = [] }) => operands.filter(isNode).forEach((x) => { uses[x] = (uses[x] ?? 0) + 1; }));
  totals[root] = 1;
  for (let gate = root; gate >= 0; gate -= 1) {
    const { operands } = nodes[gate], adjoint = totals[gate];
    if (!operands || adjoint === undefined) continue;
    const handOn = (slopes, learns) => operands.forEach((x, index) => {
      if (isNode(x) && weights.includes(x) === learns) totals[x] = (totals[x] ?? 0) + (slopes[index] ?? 0) * adjoint;
    });
    handOn(partials[gate], true);
    operands.filter((x) => weights.includes(x)).forEach((leaf) => {
      uses[leaf] -= 1;
      if (uses[leaf] === 0) values[leaf] = leaves[leaf] -= rate * totals[leaf];
    });
    handOn(partialsOf(nodes[gate], values, values[gate]), false);
  }
}

// `leaves()` are the numbers as they are, `show(leaves, words, curve)` puts new ones in the picture.
function downhill(element, nodes, weights, leaves, show) {
  element.querySelector(".sentence").insertAdjacentHTML("beforebegin", DESCENT);
  const panel = element.querySelector(".descent"), root = nodes.length - 1, f = nodes[root].name;
  const [one, hundred, go] = panel.querySelectorAll("button");
  const rate = panel.querySelector("input"), order = panel.querySelector("select");
  const value = (numbers) => valuesOf(nodes, numbers)[root];
  let losses = [], clock = null;

  const pause = () => {
    clearInterval(clock);
    clock = null;
    go.setAttribute("aria-pressed", "false");
  };
  const take = (count) => {
    const speed = Number(rate.value), step = order.value ? outputsFirst : allAtOnce;
    if (!(speed > 0 && Number.isFinite(speed))) {
      pause();
      return show(leaves(), `the rate must be a number above 0, got “${rate.value}”`, losses);
    }
    let numbers = [...leaves()];
    if (!losses.length) losses.push(value(numbers));
    for (let n = 0; n < count; n += 1) {
      const next = [...numbers];
      step(nodes, next, weights, speed);
      if (!Number.isFinite(value(next))) {
        pause();
        const when = `at a rate of ${digits(speed)} ${f} is no number any more after ${counted(losses.length)}`;
        return show(numbers, `${when}: choose a smaller one`, losses);
      }
      numbers = next;
      losses.push(value(numbers));
    }
    const gradients = gradientsOf(nodes, computed(nodes, numbers).partials);
    const length = Math.hypot(...weights.map((leaf) => gradients[leaf] ?? 0));
    const words = `After ${counted(losses.length - 1)} ${f} = ${digits(losses.at(-1), 7)}; |gradient| = ${digits(length)}`;
    show(numbers, `${words}${length === 0 ? ": where nothing slopes, no step moves a weight" : ""}`, losses);
  };
  one.addEventListener("click", () => { pause(); take(1); });
  hundred.addEventListener("click", () => { pause(); take(100); });
  go.addEventListener("click", () => {
    if (clock !== null) return pause();
    go.setAttribute("aria-pressed", "true");
    clock = setInterval(() => {
      const taken = Math.max(0, losses.length - 1);
      if (element.isConnected) take(Math.min(200, 1 + Math.round(taken / 20), LAP - (taken % LAP)));
      if (!element.isConnected || (losses.length - 1) % LAP === 0) pause();
    }, 60);
  });
  panel.addEventListener("keydown", (event) => event.stopPropagation()); // arrows change the rate, not the step
  return () => { pause(); losses = []; };
}

const counted = (count) => `${count} step${count === 1 ? "" : "s"}`;

// The loss over the steps, both on log scales where the loss is above 0.
function lossChart(losses, f) {
  const log = losses.every((loss) => loss > 0), across = (n) => Math.log(n + 1), up = (loss) => (log ? Math.log(loss) : loss);
  const heights = losses.map(up), bottom = heights.reduce((a, b) => Math.min(a, b));
  const span = heights.reduce((a, b) => Math.max(a, b)) - bottom || 1;
  const width = across(losses.length - 1) || 1, every = Math.max(1, Math.ceil(losses.length / 300));
  const shown = losses.map((_, n) => n).filter((n) => n % every === 0 || n === losses.length - 1 || n < 100);
  const x = (n) => ((across(n) / width) * 300).toFixed(1), y = (n) => (125 - ((heights[n] - bottom) / span) * 100).toFixed(1);
  const path = `M${shown.map((n) => `${x(n)} ${y(n)}`).join("L")}`, right = 'x="300" text-anchor="end"', name = escaped(f);
  return `<svg viewBox="0 -8 300 166" role="img" aria-label="${name} over ${counted(losses.length - 1)}">
    <text y="4">${name}${log ? ", log scale" : ""}</text><text y="4" ${right}>${digits(losses[0])} → ${digits(losses.at(-1))}</text>
    <path class="curve" d="${path}"/><text y="150" ${right}>${counted(losses.length - 1)}, log scale</text></svg>`;
}
