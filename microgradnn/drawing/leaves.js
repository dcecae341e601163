// Leaves that can be dragged, nudged by keys and typed over. Nothing leaves the page.

// How far a step goes: a tenth of the leading digit, at least of 1 but for small numbers.
function unitOf(x, first) {
  const size = Math.max(Math.abs(x), Number.isFinite(first) ? Math.abs(first) : 0);
  return 10 ** Math.floor(Math.log10(size === 0 || size >= 0.1 ? Math.max(1, size) : size)) / 10;
}
const tidy = (x) => Number(x.toPrecision(12));

// `change(leaf, x)` takes a new number, `select(leaf)` hears which leaf is at work.
function makeLeaves(element, svg, nodes, values, { change, select, refuse }) {
  const part = partsOf(svg);
  nodes.forEach((node, leaf) => {
    if (node.gate) return;
    const wire = part(`w${leaf}`);
    wire.classList.add("leaf");
    const roles = { tabindex: "0", role: "spinbutton", "aria-label": node.name };
    Object.entries(roles).forEach(([name, value]) => wire.setAttribute(name, value));
    const move = (from, count, anew) => {
      if (Number.isFinite(from)) change(leaf, tidy(from + count * unitOf(from, node.value)), anew);
      else refuse(`${node.name} = ${digits(from)} has no neighbours: type a number`);
    };
    const open = (text = String(values()[leaf])) =>
      openField(element, wire, node.name, text, (x) => change(leaf, x, true), refuse);
    wire.addEventListener("focus", () => select(leaf));
    wire.addEventListener("dblclick", () => open());
    wire.addEventListener("keydown", (event) => onKey(event, (count) => move(values()[leaf], count), open));
    dragging(wire, () => values()[leaf], move, open);
  });
}

function onKey(event, nudge, open) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const fine = event.shiftKey ? 0.1 : 1;
  const counts = { ArrowUp: fine, ArrowDown: -fine, PageUp: 10, PageDown: -10 };
  if (event.key in counts) nudge(counts[event.key]);
  else if (/^[\d.+−-]$/.test(event.key)) open(event.key);
  else return;
  event.preventDefault();
  event.stopPropagation();
}

// By mouse, pen or finger: `touch-action` is not honoured on a group, so the first touch is kept from panning the page. A
// finger that does not move asks for the field.
function dragging(wire, value, move, open) {
  let from = null;
  wire.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
  wire.addEventListener("pointerdown", (event) => {
    wire.setPointerCapture(event.pointerId);
    wire.focus({ preventScroll: true });
    from = { x: event.clientX, value: value(), moved: false };
  });
  wire.addEventListener("pointermove", (event) => {
    if (!from || event.clientX === from.x) return;
    const halves = Math.round((event.clientX - from.x) / 2); // of a unit
    move(from.value, halves / 2, !from.moved);
    from.moved = true;
  });
  wire.addEventListener("pointerup", (event) => {
    const tapped = from && !from.moved && event.pointerType === "touch";
    from = null;
    if (tapped) open();
  });
  wire.addEventListener("pointercancel", () => { from = null; });
}

// A field over the leaf: Enter takes what is in it, Escape and an empty one leave all as it was.
function openField(element, wire, name, text, take, refuse) {
  const picture = element.querySelector(".picture");
  const frame = picture.getBoundingClientRect(), box = wire.getBoundingClientRect();
  const field = document.createElement("input");
  field.className = "field";
  field.setAttribute("aria-label", name);
  field.inputMode = "decimal";
  field.value = text;
  field.style.left = `${box.left - frame.left + picture.scrollLeft}px`;
  field.style.top = `${box.top - frame.top + picture.scrollTop}px`;
  const close = (taken) => {
    field.onblur = null;
    field.remove();
    wire.focus({ preventScroll: true });
    const words = field.value.trim(), x = typedNumber(words);
    if (!taken || words === "") return;
    if (Number.isFinite(x)) take(x);
    else if (Number.isNaN(x)) refuse(`“${words}” is not a number: write one like −2.5 or 1e−3`);
    else refuse(`${words} is too large for a number`);
  };
  field.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Enter") close(true);
    if (event.key === "Escape") close(false);
  });
  field.onblur = () => close(true);
  picture.append(field);
  field.focus();
  field.setSelectionRange(text.length, text.length);
}

// A number without an exponent: 1e-7 is 0.0000001.
function positional(x) {
  const [mantissa, exponent] = String(x).split("e");
  if (exponent === undefined) return mantissa;
  const sign = mantissa.startsWith("-") ? "-" : "", [whole, rest = ""] = mantissa.replace("-", "").split(".");
  const point = whole.length + Number(exponent), figures = whole + rest;
  if (point <= 0) return `${sign}0.${"0".repeat(-point)}${figures}`;
  return sign + (figures.length > point ? `${figures.slice(0, point)}.${figures.slice(point)}` : figures.padEnd(point, "0"));
}

function describeLeaf(wire, value, gradient) {
  if (Number.isFinite(value)) wire.setAttribute("aria-valuenow", positional(value));
  else wire.removeAttribute("aria-valuenow");
  wire.setAttribute("aria-valuetext", `${digits(value)}, gradient ${digits(gradient)}`);
}
