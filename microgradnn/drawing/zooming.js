// A picture that is larger than its place is zoomed: by Ctrl or ⌘ with the wheel, by two fingers, by buttons and the keys
// + − 0. The mouse drags it along. It is the width of the picture that changes; its place scrolls.

const SMALL = 0.9; // what is drawn smaller than this does not fit
const CLOSEST = 4;
const ZOOMS = { out: ["−", "zoom out", 1 / 1.25], in: ["+", "zoom in", 1.25], fit: ["fit", "the whole picture", null] };
const KEYS = { "+": "in", "=": "in", "-": "out", "−": "out", 0: "fit" };

function zooming(element, svg) {
  const frame = element.querySelector(".picture"), zoomed = () => svg.style.width !== "";
  frame.insertAdjacentHTML("afterend", `<div class="zoom" role="group" aria-label="zoom" hidden>${Object.entries(ZOOMS)
    .map(([name, [text, label]]) => `<button type="button" data-zoom="${name}" aria-label="${label}" title="${label}">${text}</button>`)
    .join("")}</div>`);
  const bar = element.querySelector(".zoom");
  const size = (side) => (parseFloat(svg.getAttribute(side)) * 4) / 3; // pt in px
  const scale = () => svg.getBoundingClientRect().width / size("width");
  const whole = () => Math.min(1, frame.clientWidth / size("width"),
    (parseFloat(getComputedStyle(frame).maxHeight) - 20 || Infinity) / size("height"));
  const scrolls = () => frame.scrollWidth > frame.clientWidth + 1 || frame.scrollHeight > frame.clientHeight + 1;

  const offer = () => {
    if (frame.clientWidth === 0) return; // out of sight
    bar.hidden = !zoomed() && scale() > SMALL && !scrolls();
    frame.classList.toggle("larger", scrolls());
  };
  // To another scale; the point of the picture at `x`, `y` of the window stays where it is.
  const to = (wanted, x, y) => {
    const before = svg.getBoundingClientRect(), at = { x: (x - before.left) / before.width, y: (y - before.top) / before.height };
    const width = size("width") * Math.max(Math.min(whole(), scale()), Math.min(CLOSEST, wanted));
    Object.assign(svg.style, { width: `${width}px`, minWidth: "0", maxWidth: "none" });
    const after = svg.getBoundingClientRect();
    frame.scrollLeft += after.left + at.x * after.width - x;
    frame.scrollTop += after.top + at.y * after.height - y;
    offer();
  };
  const zoom = (name) => {
    const seen = frame.getBoundingClientRect(), factor = ZOOMS[name][2];
    to(factor === null ? whole() : scale() * factor, (seen.left + seen.right) / 2, (seen.top + seen.bottom) / 2);
  };
  const home = () => { // as it was laid out
    Object.assign(svg.style, { width: "", maxWidth: "" });
    keepLegible(svg);
    offer();
  };

  bar.addEventListener("click", ({ target }) => { if (target.dataset.zoom) zoom(target.dataset.zoom); });
  element.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input:not([type=range]), select, textarea");
    if (bar.hidden || typing || !(event.key in KEYS) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    zoom(KEYS[event.key]);
  });
  frame.addEventListener("wheel", (event) => {
    if (bar.hidden || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    to(scale() * Math.exp(-Math.max(-50, Math.min(50, event.deltaY)) / 200), event.clientX, event.clientY);
  }, { passive: false });
  pinching(frame, () => !bar.hidden, scale, to);
  panning(frame);
  new ResizeObserver(offer).observe(frame);
  new MutationObserver(home).observe(svg, { attributes: true, attributeFilter: ["width"] }); // it was turned
}

// Two fingers zoom, one finger scrolls as ever.
function pinching(frame, may, scale, to) {
  let from = null;
  const spread = ([one, other]) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
  frame.addEventListener("touchstart", ({ touches }) => {
    from = touches.length === 2 && may() ? { spread: spread(touches), scale: scale() } : null;
  }, { passive: true });
  frame.addEventListener("touchmove", (event) => {
    if (!from || event.touches.length !== 2) return;
    event.preventDefault();
    const [one, other] = event.touches;
    to((from.scale * spread(event.touches)) / from.spread, (one.clientX + other.clientX) / 2, (one.clientY + other.clientY) / 2);
  }, { passive: false });
}

// By mouse or pen; leaves are dragged for their values. What was a drag is no click.
function panning(frame) {
  let from = null;
  frame.addEventListener("pointerdown", (event) => {
    const free = event.pointerType !== "touch" && event.button === 0 && !event.target.closest(".leaf, .field");
    if (!free || !frame.classList.contains("larger")) return;
    from = { x: event.clientX, y: event.clientY, left: frame.scrollLeft, top: frame.scrollTop, moved: false };
  });
  frame.addEventListener("pointermove", (event) => {
    if (!from) return;
    const [x, y] = [event.clientX - from.x, event.clientY - from.y];
    if (!from.moved && Math.hypot(x, y) < 4) return;
    if (!from.moved) frame.setPointerCapture(event.pointerId);
    from.moved = true;
    frame.scrollTo(from.left - x, from.top - y);
  });
  const end = () => {
    if (from?.moved) {
      const swallow = (event) => event.stopPropagation();
      frame.addEventListener("click", swallow, { capture: true, once: true });
      setTimeout(() => frame.removeEventListener("click", swallow, { capture: true }));
    }
    from = null;
  };
  ["pointerup", "pointercancel"].forEach((kind) => frame.addEventListener(kind, end));
}
