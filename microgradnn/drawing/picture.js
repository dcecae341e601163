// The still picture becomes live SVG that follows the theme of the page around it.

function livePicture(element) {
  if (!element || element.dataset.ready) return null;
  element.dataset.ready = "true";
  const image = element.querySelector("img"), text = decodeURIComponent(image.src.slice(image.src.indexOf(",") + 1));
  const svg = document.importNode(new DOMParser().parseFromString(text, "image/svg+xml").documentElement, true);
  keepLegible(svg);
  image.replaceWith(svg);
  element.classList.add("microgradnn-live");
  followTheme(element);
  keepKeys(element);
  zooming(element, svg);
  return svg;
}

// Smaller would be hard to read: then it scrolls.
function keepLegible(svg) {
  svg.style.minWidth = `${0.66 * parseFloat(svg.getAttribute("width"))}pt`;
}

// JupyterLab takes keys for commands unless what has the focus, not only what is around it, asks it not to.
function keepKeys(element) {
  element.addEventListener("focusin", ({ target }) => { target.dataset.lmSuppressShortcuts = "true"; });
}

// Dark is what the page around us is: light writing means a dark background.
function followTheme(element) {
  const shade = () => {
    if (!element.isConnected) return;
    const [red, green, blue] = getComputedStyle(element).color.match(/[\d.]+/g).map(Number);
    element.classList.toggle("dark", 0.299 * red + 0.587 * green + 0.114 * blue > 140);
  };
  shade();
  new MutationObserver(shade).observe(document.body, { attributes: true });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", shade);
}
