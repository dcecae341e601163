// A picture that is larger than its place is zoomed: by Ctrl or ⌘ with the wheel, by two fingers, by buttons and the keys
// + − 0. The mouse drags it along. It is the width of the picture that changes; its place scrolls.

const SMALL = 0.9; // what is drawn smaller than this does not fit
const CLOSEST = 4;
const ZOOMS = { "−": ["zoom out", 0.8], "+": ["zoom in", 1.25], fit: ["fit the whole picture", 0] };
const ZOOM_KEYS = { "+": "+", "=": "+", "-": "−", "−": "−", 0: "fit" };

function zooming(element, svg) {
  const frame = element.querySelector(".picture"), bar = document.createElement("div");
  bar.className = "zoom";
  bar.hidden = true;
  bar.innerHTML = Object.entries(ZOOMS)
    .map(([text, [label]]) => `<button type="button" aria-label="${label}" title="${label}">${text}</button>`).join("");
  frame.after(bar);
  const size = (side) => (parseFloat(svg.getAttribute(side)) * 4) / 3; // pt in px
  const scale = () => svg.getBoundingClientRect().width / size("width");
  const whole = () => Math.min(1, frame.clientWidth / size("width"), (parseFloat(getComputedStyle(frame).maxHeight) - 20) / size("height"));
  const offer = () => {
    if (frame.clientWidth === 0) return; // out of sight
    const scrolls = frame.scrollWidth > frame.clientWidth + 1 || frame.scrollHeight > frame.clientHeight + 1;
    bar.hidden = !svg.style.width && scale() > SMALL && !scrolls;
    frame.classList.toggle("larger", scrolls);
  };
  // To another scale; the point of the picture at `x`, `y` of the window stays where it is.
  const to = (wanted, x, y) => {
    const from = svg.getBoundingClientRect(), width = size("width") * Math.max(Math.min(whole(), scale()), Math.min(CLOSEST, wanted));
    Object.assign(svg.style, { width: `${width}px`, minWidth: "0", maxWidth: "none" });
    const now = svg.getBoundingClientRect(), ratio = now.width / from.width;
    frame.scrollBy(now.left + (x - from.left) * ratio - x, now.top + (y - from.top) * ratio - y);
    offer();
  };
  const zoom = (name) => {
    const { left, right, top, bottom } = frame.getBoundingClientRect(), factor = ZOOMS[name][1];
    to(factor ? scale() * factor : whole(), (left + right) / 2, (top + bottom) / 2);
  };

  bar.addEventListener("click", ({ target }) => { if (target !== bar) zoom(target.textContent); });
  element.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input:not([type=range]), select");
    if (bar.hidden || typing || !(event.key in ZOOM_KEYS) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    zoom(ZOOM_KEYS[event.key]);
  });
  frame.addEventListener("wheel", (event) => {
    if (bar.hidden || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    to(scale() * Math.exp(-Math.max(-50, Math.min(50, event.deltaY)) / 200), event.clientX, event.clientY);
  }, { passive: false });
  pinching(frame, bar, scale, to);
  panning(frame);
  new ResizeObserver(offer).observe(frame);
  new MutationObserver(() => { // it was turned, and stands as it was laid out
    Object.assign(svg.style, { width: "", maxWidth: "" });
    keepLegible(svg);
    offer();
  }).observe(svg, { attributeFilter: ["width"] });
}

// Two fingers zoom, one finger scrolls as ever.
function pinching(frame, bar, scale, to) {
  let from = null;
  frame.addEventListener("touchstart", ({ touches }) => {
    from = touches.length === 2 ? { spread: spread(touches), scale: scale() } : null;
  });
  frame.addEventListener("touchmove", (event) => {
    if (!from || bar.hidden || event.touches.length !== 2) return;
    event.preventDefault();
    const [{ clientX, clientY }, other] = event.touches;
    to((from.scale * spread(event.touches)) / from.spread, (clientX + other.clientX) / 2, (clientY + other.clientY) / 2);
  }, { passive: false });
}

const spread = ([one, other]) => Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);

// By mouse or pen; leaves are dragged for their values. What was a drag is no click.
function panning(frame) {
  let from = null, moved = false;
  frame.addEventListener("pointerdown", (event) => {
    moved = false;
    const free = event.pointerType !== "touch" && event.button === 0 && !event.target.closest(".leaf, .field");
    if (free && frame.matches(".larger")) from = { x: event.clientX + frame.scrollLeft, y: event.clientY + frame.scrollTop };
  });
  frame.addEventListener("pointermove", (event) => {
    const [x, y] = from ? [from.x - event.clientX, from.y - event.clientY] : [];
    if (!from || (!moved && Math.hypot(x - frame.scrollLeft, y - frame.scrollTop) < 4)) return;
    if (!moved) frame.setPointerCapture(event.pointerId);
    moved = true;
    frame.scrollTo(x, y);
  });
  ["pointerup", "pointercancel"].forEach((kind) => frame.addEventListener(kind, () => { from = null; }));
  frame.addEventListener("click", (event) => { if (moved) event.stopPropagation(); }, true);
}
