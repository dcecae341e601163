// Turns the still picture into live SVG and walks it through the steps. One function, no library.
(function (element, steps) {
  "use strict";
  if (!element || element.dataset.ready) return;
  element.dataset.ready = "true";
  const image = element.querySelector("img");
  const bytes = Uint8Array.from(atob(image.src.split(",")[1]), (letter) => letter.charCodeAt(0));
  const text = new TextDecoder().decode(bytes);
  const svg = document.importNode(new DOMParser().parseFromString(text, "image/svg+xml").documentElement, true);
  svg.style.minWidth = `${0.7 * parseFloat(svg.getAttribute("width"))}pt`; // smaller would be hard to read: then scroll
  image.replaceWith(svg);
  element.classList.add("microgradnn-live");

  // Dark is what the page around us is: light writing means a dark background.
  const shade = () => {
    const [red, green, blue] = getComputedStyle(element).color.match(/[\d.]+/g).map(Number);
    element.classList.toggle("dark", 0.299 * red + 0.587 * green + 0.114 * blue > 140);
  };
  shade();
  new MutationObserver(shade).observe(document.body, { attributes: true });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", shade);
  if (!steps) return;

  const prefix = svg.getAttribute("aria-labelledby").split("-title")[0];
  const part = (name) => svg.getElementById(`${prefix}-${name}`);
  const write = (node, role, words) => part(`w${node}`).querySelectorAll(`.${role}`)
    .forEach((label) => { label.textContent = words; });
  const icons = {
    first: "M2 2h2v12H2zM14 2v12L5 8z", previous: "M12 2v12L3 8z", next: "M4 2v12l9-6z", last: "M2 2v12l9-6zM12 2h2v12h-2z",
  };
  const button = (move) => `<button type="button" data-move="${move}" aria-label="${move} step" title="${move} step">
    <svg viewBox="0 0 16 16" aria-hidden="true"><path d="${icons[move]}"/></svg></button>`;
  element.insertAdjacentHTML("beforeend", `<div class="controls">${button("first")}${button("previous")}
    <input type="range" min="0" max="${steps.length - 1}" value="0" aria-label="step">${button("next")}${button("last")}</div>
    <p class="sentence" aria-live="polite"><span class="count"></span><span class="words"></span></p>`);
  const slider = element.querySelector("input");
  const buttons = [...element.querySelectorAll("button")];
  const count = element.querySelector(".count");
  const line = element.querySelector(".words");
  let at = 0;

  const show = (number) => {
    at = Math.max(0, Math.min(steps.length - 1, number));
    const values = new Map(), gradients = new Map();
    steps.forEach((step, index) => {
      if (step.kind === "forward") values.set(step.gate, index <= at ? step.value : "");
      else {
        const node = step.kind === "seed" ? step.gate : step.operand;
        if (!gradients.has(node)) gradients.set(node, "");
        if (index <= at) gradients.set(node, step.after);
      }
    });
    values.forEach((words, node) => write(node, "value", words));
    svg.querySelectorAll(".gradient").forEach((label) => { label.textContent = ""; });
    gradients.forEach((words, node) => write(node, "gradient", words));
    svg.querySelectorAll(".forward, .backward").forEach((group) => group.classList.remove("forward", "backward"));
    const step = steps[at];
    step.parts.forEach((name) => {
      const group = part(name);
      if (group) group.classList.add(step.kind === "forward" ? "forward" : "backward");
    });
    count.textContent = `${at + 1}/${steps.length}`;
    line.textContent = step.sentence;
    slider.value = String(at);
    slider.setAttribute("aria-valuetext", step.sentence);
    const focused = document.activeElement;
    buttons[0].disabled = buttons[1].disabled = at === 0;
    buttons[2].disabled = buttons[3].disabled = at === steps.length - 1;
    if (focused && focused.disabled && buttons.includes(focused)) element.focus({ preventScroll: true }); // keys go on
  };

  const moves = { first: () => 0, previous: () => at - 1, next: () => at + 1, last: () => steps.length - 1 };
  const keys = { Home: "first", ArrowLeft: "previous", ArrowRight: "next", End: "last" };
  buttons.forEach((button) => button.addEventListener("click", () => show(moves[button.dataset.move]())));
  slider.addEventListener("input", () => show(Number(slider.value)));
  element.addEventListener("keydown", (event) => {
    if (!(event.key in keys) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    show(moves[keys[event.key]]());
  });
  element.tabIndex = 0;
  show(0);
})
