// Buttons, slider, arrow keys and the sentence of each step; the picture shows how far it has come.

const ICONS = {
  first: "M2 2h2v12H2zM12.5 1l1.5 1.5L8.5 8l5.5 5.5-1.5 1.5-7-7z", previous: "M10.5 1L12 2.5 6.5 8l5.5 5.5-1.5 1.5-7-7z",
  next: "M5.5 1L4 2.5 9.5 8 4 13.5 5.5 15l7-7z", last: "M12 2h2v12h-2zM3.5 1L2 2.5 7.5 8 2 13.5 3.5 15l7-7z",
  play: "M3 1v14l11-7z", pause: "M3 2h4v12H3zM9 2h4v12H9z", reset: "M8 3V0L3 4l5 4V5a4 4 0 1 1-4 4H2a6 6 0 1 0 6-6z",
};
const LABELS = { first: "first step", previous: "previous step", next: "next step", last: "last step", play: "play the steps",
  reset: "back to the first numbers" };

const button = (move) => `<button type="button" data-move="${move}" aria-label="${LABELS[move]}" title="${LABELS[move]}">
  <svg viewBox="0 0 16 16" aria-hidden="true"><path d="${ICONS[move]}"/></svg></button>`;

const LEGEND = `<p class="legend"><span class="value">Above a wire: its value.</span>
  <span class="gradient">Below: the gradient, how fast the result changes with it.</span></p>`;

function addControls(element, count, reset, legend) {
  element.insertAdjacentHTML("beforeend", `<div class="controls">${button("first")}${button("previous")}
    <input type="range" min="0" max="${count - 1}" value="0" aria-label="step">${button("next")}${button("last")}
    ${button("play")}${reset ? button("reset") : ""}</div>
    <p class="sentence" aria-live="polite"><span class="count"></span><span class="words"></span></p>${legend}`);
}

// The walk through `steps()`: what it returns may change with the numbers; `reset` brings the first ones back. `reveal` shows
// what is known after a step.
function walk(element, svg, steps, { reset = null, reveal = showNumbers, legend = LEGEND } = {}) {
  const part = partsOf(svg);
  addControls(element, steps().length, reset, legend);
  const slider = element.querySelector(".controls input"), count = element.querySelector(".count");
  const buttons = Object.fromEntries([...element.querySelectorAll(".controls button")].map((each) => [each.dataset.move, each]));
  let at = 0, clock = null, said = null;

  const show = (number, sentence = null) => {
    const all = steps(), last = all.length - 1;
    said = sentence;
    at = Math.max(0, Math.min(last, number));
    reveal(all, at, svg, part);
    highlight(sentence === null ? all[at] : null, svg, part);
    element.classList.toggle("told", sentence !== null);
    count.textContent = sentence === null ? `${at + 1}/${all.length}` : "";
    element.querySelector(".words").textContent = sentence ?? all[at].sentence;
    slider.max = String(last);
    slider.value = String(at);
    slider.setAttribute("aria-valuetext", all[at].sentence);
    const focused = document.activeElement;
    buttons.first.disabled = buttons.previous.disabled = at === 0;
    buttons.next.disabled = buttons.last.disabled = at === last;
    if (focused?.disabled && element.contains(focused)) element.focus({ preventScroll: true }); // keys go on
  };
  const pause = () => {
    clearInterval(clock);
    clock = null;
    showPlaying(buttons.play, false);
  };
  const play = () => {
    if (clock !== null) return pause();
    if (at === steps().length - 1) show(0);
    showPlaying(buttons.play, true);
    clock = setInterval(() => (element.isConnected && at < steps().length - 1 ? go(at + 1) : pause()), 700);
  };
  const go = (number) => {
    show(number);
    follow(element, part(steps()[at].parts[0]));
  };
  const moves = { first: () => go(0), previous: () => go(at - 1), next: () => go(at + 1), last: () => go(Infinity) };

  Object.entries({ ...moves, reset, play }).forEach(([move, act]) => buttons[move]?.addEventListener("click", () => {
    if (move !== "play") pause();
    act();
  }));
  slider.addEventListener("input", () => { pause(); go(Number(slider.value)); });
  const keys = { Home: moves.first, ArrowLeft: moves.previous, ArrowRight: moves.next, End: moves.last };
  element.addEventListener("keydown", (event) => {
    if (!(event.key in keys) || event.ctrlKey || event.metaKey || event.altKey || event.target.matches(".field")) return;
    event.preventDefault();
    event.stopPropagation();
    pause();
    keys[event.key]();
  });
  clickGates(svg, part, steps, (number) => { pause(); go(number); }, () => at);
  element.tabIndex = 0;
  const turned = () => (said === null ? go(at) : show(at, said));
  return { show, turned, pause, at: () => at };
}

function showPlaying(play, on) {
  play.classList.toggle("playing", on);
  play.querySelector("path").setAttribute("d", on ? ICONS.pause : ICONS.play);
}

// The values and gradients that are known after step `at`; the others are blank.
function showNumbers(steps, at, svg, part) {
  const words = new Map([...svg.querySelectorAll(".gradient:not(.local)")].map((label) => [label, ""]));
  const put = (node, role, text) => labelsOf(part(`w${node}`), role).forEach((label) => words.set(label, text));
  steps.forEach((step, index) => {
    if (step.kind === "forward") put(step.gate, "value", index <= at ? step.value : "");
    else if (index <= at) put(step.kind === "seed" ? step.gate : step.operand, "gradient", step.after);
  });
  write(words);
}

// The parts at work in a step, if any, and on the edge of a backward step its local derivative.
function highlight(step, svg, part) {
  svg.querySelectorAll(".forward, .backward").forEach((group) => group.classList.remove("forward", "backward"));
  svg.querySelectorAll(".local").forEach((label) => label.remove());
  if (step === null) return;
  const direction = step.kind === "forward" ? "forward" : "backward";
  step.parts.map(part).filter(Boolean).forEach((group) => group.classList.add(direction));
  if ("factor" in step) local(part(`e${step.gate}-${step.index}`), `×${step.factor}`);
}

// Above the end of a level edge, a line higher where a number is in its way, else beside its middle.
function local(edge, words) {
  const path = edge?.querySelector("path");
  if (!path) return;
  const length = path.getTotalLength(), [from, middle, end] = [0, 0.55, 1].map((part) => path.getPointAtLength(part * length));
  const fall = end.y - from.y, level = Math.abs(fall) < 8;
  const label = document.createElementNS("http://www.w3.org/2000/svg", "text");
  label.setAttribute("class", level ? "local gradient" : "local gradient beside");
  label.setAttribute("x", level ? end.x - 4 : middle.x + 6);
  label.setAttribute("y", level ? end.y - 5 : middle.y + (fall > 0 && from.x < end.x + 4 ? -5 : 13));
  label.textContent = words;
  edge.append(label);
  if (level && labelsOf(edge.ownerSVGElement, "value").some((value) => touch(label, value))) label.setAttribute("y", end.y - 19);
}

// Whether two labels are nearer than a gap between words.
function touch(one, other) {
  const [a, b] = [one, other].map((label) => label.getBBox()), gap = 5;
  return a.x < b.x + b.width + gap && b.x < a.x + a.width + gap && a.y < b.y + b.height && b.y < a.y + a.height;
}

// A click on a gate goes to its step: forward, or once the seed is set, to its first step backward.
function clickGates(svg, part, steps, go, at) {
  const circles = new Set(steps().filter((step) => "gate" in step && step.kind === "forward").map((step) => step.gate));
  circles.forEach((gate) => part(`g${gate}`)?.addEventListener("click", () => {
    const backward = steps()[at()].kind !== "forward";
    const kinds = backward ? ["backward", "seed"] : ["forward"];
    const number = steps().findIndex((step) => step.gate === gate && kinds.includes(step.kind));
    go(number >= 0 ? number : steps().findIndex((step) => step.gate === gate));
  }));
}

// A circuit that the page cannot compute: its steps are as they were recorded.
function walkRecorded(element, down, steps, reason) {
  const svg = livePicture(element);
  if (!svg) return;
  const stepper = walk(element, svg, () => steps);
  stepper.show(0);
  turning(element, svg, down, stepper.turned);
  element.querySelector(".controls").insertAdjacentHTML("beforebegin", '<p class="reason"></p>');
  element.querySelector(".reason").textContent = `The numbers stay as they are: ${reason}.`;
}
