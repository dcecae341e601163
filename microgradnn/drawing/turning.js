// A circuit that runs to the right turns downwards where its place is narrow, and back: the same elements elsewhere, so
// that focus, step and numbers stay.

const NARROW = 600; // pixels
const PAPER = 599; // a sheet is narrow
const SCROLLBAR = 20; // what turning may put beside the picture must not turn it again

// `down` holds the names of the attributes that place elements and, in the order of the document, their values when it
// runs down; null where it stays as it is. `turned` hears of each turn.
function turning(element, svg, down, turned) {
  if (down === null) return;
  const slots = [svg, ...svg.querySelectorAll("*")].flatMap((part) => down.names.filter((name) => part.hasAttribute(name))
    .map((name) => [part, name]));
  const right = slots.map(([part, name]) => part.getAttribute(name));
  const limit = Math.min(NARROW, (parseFloat(svg.getAttribute("width")) * 4) / 3), frame = element.querySelector(".picture");
  let places = right, printed = false;
  const fit = () => {
    const width = printed ? PAPER : frame.offsetWidth;
    const fitting = width < limit + (places === right ? 0 : SCROLLBAR) ? down.values : right;
    if (fitting === places || width === 0) return; // 0 while it is out of sight
    places = fitting;
    slots.forEach(([part, name], index) => part.setAttribute(name, places[index]));
    keepLegible(svg);
    squeeze([...svg.querySelectorAll(".value, .gradient:not(.local)")]); // to wires of other lengths
    turned();
  };
  new ResizeObserver(fit).observe(frame);
  ["beforeprint", "afterprint"].forEach((kind) => window.addEventListener(kind, () => {
    printed = kind === "beforeprint";
    fit();
  }));
}
