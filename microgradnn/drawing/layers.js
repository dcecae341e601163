// The walk through a folded graph, layer by layer: values appear on the way forward, gradients on the way back.

const HINT_OF_LAYERS = "Choose a part of the picture, by click or with Tab, arrow keys and Enter: its numbers open as a table. "
  + "▶ plays how all numbers are found.";
const legendOf = (unit) => `<p class="legend by-layer">The steps go ${unit} by ${unit}; draw(…, level=0) shows every gate,
  print(steps(…)) tells every step.</p>`;

// `known` holds for each part of the picture the steps after which its values and its gradients are there; a `unit` is what one step does.
function walkLayers(element, known, steps, tables, unit) {
  const svg = livePicture(element);
  if (!svg) return;
  svg.setAttribute("role", "group"); // an image would hide what opens from screen readers
  const reveal = (all, at, _, part) => Object.entries(known).forEach(([name, [value, gradient]]) => {
    part(name).classList.toggle("no-value", at < value);
    part(name).classList.toggle("no-gradient", at < gradient);
  });
  const whole = steps.map((step) => ({ ...step, parts: step.parts.flatMap((name) => [name, `${name}-gate`, `${name}-out`]) }));
  const stepper = walk(element, svg, () => whole, { reveal, legend: legendOf(unit) });
  opening(element, svg, Object.keys(known), tables);
  stepper.show(Infinity, HINT_OF_LAYERS);
}
