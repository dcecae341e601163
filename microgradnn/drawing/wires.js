// What is drawn of a node: w0 its wire, g0 its gate, o0 the line between them; e0-1 is the edge of its operand 1.
function partsOf(svg) {
  const prefix = svg.getAttribute("aria-labelledby").split("-title")[0];
  return (name) => svg.getElementById(`${prefix}-${name}`);
}

const labelsOf = (wire, role) => [...wire.querySelectorAll(`.${role}`)];

// New words for labels, a Map; squeezed where they would outgrow their wire. All are written before the first is measured:
// a label that is measured between two changes has the whole picture laid out anew.
function write(words) {
  const changed = [...words].filter(([label, text]) => label.textContent !== text);
  changed.forEach(([label, text]) => {
    label.textContent = text;
    label.removeAttribute("textLength");
  });
  const outgrown = changed.map(([label]) => [label, roomFor(label)])
    .filter(([label, room]) => label.getComputedTextLength() > room + 4);
  outgrown.forEach(([label, room]) => {
    label.setAttribute("textLength", room);
    label.setAttribute("lengthAdjust", "spacingAndGlyphs");
  });
}

// From where a label begins to the end of its wire, which never moves.
const rooms = new WeakMap();
function roomFor(label) {
  if (rooms.has(label)) return rooms.get(label);
  const line = label.parentNode.querySelector("polygon, path").getBBox();
  const room = line.x + line.width - Number(label.getAttribute("x"));
  if (line.width) rooms.set(label, room); // a picture that is hidden has no width
  return room;
}
