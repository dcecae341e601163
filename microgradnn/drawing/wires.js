// What is drawn of a node: w0 its wire, g0 its gate, o0 the line between them; e0-1 is the edge of its operand 1.
function partsOf(svg) {
  const prefix = svg.getAttribute("aria-labelledby").split("-title")[0];
  return (name) => svg.getElementById(`${prefix}-${name}`);
}

// Words on a wire, by their role; squeezed where they would outgrow it.
function write(wire, role, words) {
  const line = wire.querySelector("polygon, path").getBBox();
  wire.querySelectorAll(`.${role}`).forEach((label) => {
    label.textContent = words;
    label.removeAttribute("textLength");
    const room = line.x + line.width - Number(label.getAttribute("x"));
    if (label.getComputedTextLength() <= room + 4) return;
    label.setAttribute("textLength", room);
    label.setAttribute("lengthAdjust", "spacingAndGlyphs");
  });
}

// Scroll the picture, not the page, until a part of it is in sight.
function follow(element, group) {
  const frame = element.querySelector(".picture"), seen = frame.getBoundingClientRect();
  const box = group?.getBoundingClientRect();
  if (!box || (box.left > seen.left + 40 && box.right < seen.right - 40)) return;
  const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth";
  frame.scrollBy({ left: (box.left + box.right - seen.left - seen.right) / 2, behavior });
}
