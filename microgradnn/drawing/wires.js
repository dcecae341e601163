// What is drawn of a node: w0 its wire, g0 its gate, o0 the line between them; e0-1 is the edge of its operand 1.
function partsOf(svg) {
  const prefix = svg.getAttribute("aria-labelledby").split("-title")[0];
  return (name) => svg.getElementById(`${prefix}-${name}`);
}

const labelsOf = (wire, role) => [...wire.querySelectorAll(`.${role}`)];

// New words for labels, a Map.
function write(words) {
  const changed = [...words].filter(([label, text]) => label.textContent !== text);
  changed.forEach(([label, text]) => { label.textContent = text; });
  squeeze(changed.map(([label]) => label));
}

// Labels that would outgrow their wire become narrower. None is measured before all are as wide as they like: one that is
// measured between two changes has the whole picture laid out anew.
function squeeze(labels) {
  labels.forEach((label) => label.removeAttribute("textLength"));
  const outgrown = labels.map((label) => [label, roomFor(label)])
    .filter(([label, room]) => room > 0 && label.getComputedTextLength() > room + 4);
  outgrown.forEach(([label, room]) => {
    label.setAttribute("textLength", room);
    label.setAttribute("lengthAdjust", "spacingAndGlyphs");
  });
}

// From where a label begins to the end of its wire; measured anew where the label has moved.
const rooms = new WeakMap();
function roomFor(label) {
  const x = label.getAttribute("x"), position = `${x} ${label.getAttribute("y")}`, known = rooms.get(label);
  if (known?.position === position) return known.room;
  const line = label.parentNode.querySelector("polygon, path").getBBox(), room = line.x + line.width - Number(x);
  if (line.width) rooms.set(label, { position, room }); // a picture that is hidden has no width
  return room;
}

// Scroll the picture, not the page, until a part of it is in sight.
function follow(element, group) {
  const frame = element.querySelector(".picture"), seen = frame.getBoundingClientRect();
  const box = group?.getBoundingClientRect();
  if (!box) return;
  const beyond = (low, high) => (box[low] > seen[low] + 40 && box[high] < seen[high] - 40 ? 0
    : (box[low] + box[high] - seen[low] - seen[high]) / 2);
  const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
  frame.scrollBy({ left: beyond("left", "right"), top: beyond("top", "bottom"), behavior });
}
