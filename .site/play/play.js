// The page: two fields, the circuit that Python makes of them, and a link that carries it. Python works in worker.js; the
// circuit is the piece of HTML that the package writes, and is dragged, stepped through and taught without Python.

const PAUSE = 250; // milliseconds without a key or a change, after which Python is asked
const at = (id) => document.getElementById(id);
const expression = at("expression"), numbers = at("numbers"), figure = at("figure"), message = at("message"), work = at("work");

// ---- Python ---------------------------------------------------------------------------------------------------------

const worker = new Worker("worker.js", { type: "module" }), waiting = new Map();
const newest = { draw: 0, check: 0 }; // requests; the answers to older ones come too late
let asked = 0;

// The answer to a request about a circuit.
function ask(kind, circuit) {
  asked += 1;
  newest[kind] = asked;
  worker.postMessage({ id: asked, kind, ...circuit });
  return new Promise((resolve) => { waiting.set(asked, resolve); });
}

worker.onmessage = ({ data }) => {
  if ("bytes" in data) showLoaded(data.bytes);
  else if (data.ready) showReady();
  else if (data.failed) showFailed(data.failed);
  else {
    waiting.get(data.id)(data.answer);
    waiting.delete(data.id);
  }
};
worker.onerror = () => showFailed("Python could not be loaded: this page needs a server and a browser with WebAssembly");

function showLoaded(bytes) {
  const bar = at("loaded");
  bar.value = bytes;
  const megabytes = Math.min(1, bytes / bar.max) * bar.dataset.megabytes;
  at("amount").textContent = bytes < bar.max ? `${megabytes.toFixed(1)} of ${bar.dataset.megabytes} MB` : "starting";
}

function showReady() {
  at("loading").hidden = true;
  document.documentElement.dataset.ready = "true";
}

function showFailed(words) {
  at("loading").hidden = true;
  refuse({ message: `${words}. Load the page anew`, of: "expression" });
}

// ---- the circuit ----------------------------------------------------------------------------------------------------

let choice = null; // of those that learn, and the names of all of whom they were chosen
let clock = null; // that of a pause

const given = () => [...numbers.value.matchAll(/([^\s,=]+)\s*=/g)].map(([, name]) => name).sort().join(" ");
const choose = (learning) => { choice = { learning, given: given() }; };

// The circuit in the fields. Where there are other names, it is left to them which of them learn.
function typed() {
  const learning = choice?.given === given() ? choice.learning : null;
  return { expression: expression.value, numbers: numbers.value, learning };
}

let shown = typed(); // the circuit that is drawn, or that a link asks for; the fields may hold the next one

// Wait for a pause, then act, once.
function later(act) {
  clearTimeout(clock);
  clock = setTimeout(act, PAUSE);
}

async function draw() {
  clearTimeout(clock);
  showNames();
  setBusy(true);
  newest.check = 0;
  const circuit = typed(), answering = ask("draw", circuit), number = asked, answer = await answering;
  if (number !== newest.draw) return;
  setBusy(expression.value !== circuit.expression || numbers.value !== circuit.numbers);
  if (answer.message) return refuse(answer);
  accept();
  shown = circuit;
  say("");
  document.documentElement.dataset.linked = "false";
  figure.replaceChildren(document.createRange().createContextualFragment(answer.html)); // which runs its script
  showLearning(answer);
  keepLink();
  check();
}

const setBusy = (busy) => figure.setAttribute("aria-busy", String(busy)); // the circuit is not that of the fields

// An expression that begins with a name of its own needs none before it.
function showNames() {
  at("f").hidden = expression.value.includes("=");
}

function accept() {
  message.replaceChildren();
  [expression, numbers].forEach((field) => field.removeAttribute("aria-invalid"));
  work.inert = false;
}

const sentence = (words) => (words.endsWith("?") ? words : `${words}.`);

// What is wrong, in a sentence, and where other numbers would do a button for them. The last circuit stays, out of reach.
function refuse({ message: words, of, fitting }) {
  accept();
  work.inert = true;
  (of === "numbers" ? numbers : expression).setAttribute("aria-invalid", "true");
  message.textContent = `${sentence(words.replace(/^[ct](?=olumn |he )/, (letter) => letter.toUpperCase()))} `;
  if (!fitting) return;
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = `Take ${fitting}`;
  button.addEventListener("click", () => {
    numbers.value = fitting;
    numbers.focus();
    draw();
  });
  message.append(button);
}

// Which of the inputs learn is chosen by boxes.
function showLearning({ names, learning: chosen }) {
  const boxes = [...at("names").querySelectorAll("input")];
  if (boxes.map((box) => box.value).join() !== names.join()) {
    at("names").innerHTML = names.map((name) => `<label><input type="checkbox" value="${name}">${name}</label>`).join("");
    return showLearning({ names, learning: chosen });
  }
  boxes.forEach((box) => { box.checked = chosen.includes(box.value); });
  at("learning").hidden = names.length === 0;
}

at("names").addEventListener("change", () => {
  choose([...at("names").querySelectorAll(":checked")].map((box) => box.value));
  draw();
});

async function check() {
  const verdict = at("verdict");
  verdict.classList.add("stale");
  const answering = ask("check", shown), number = asked, answer = await answering;
  if (number !== newest.check) return;
  verdict.className = answer.kind ?? "open";
  verdict.textContent = answer.message ? `No check: ${sentence(answer.message)}` : `Check: ${answer.verdict}.`;
}

// The field follows a leaf that was dragged or has learned, in ten digits; those that were typed stay as they are.
function follow() {
  if (work.inert || figure.getAttribute("aria-busy") === "true") return;
  const text = numbers.value.replace(/([^\s,=]+)(\s*=\s*)([^\s,]+)/g, (all, name, equals, number) => {
    const now = figure.querySelector(`[role=spinbutton][aria-label="${CSS.escape(name)}"]`)?.getAttribute("aria-valuenow");
    if ((now ?? null) === null || Number(now) === Number(number.replace("−", "-"))) return all;
    return name + equals + Number(Number(now).toPrecision(10));
  });
  if (text === numbers.value) return;
  numbers.value = shown.numbers = text;
  at("verdict").classList.add("stale");
  later(() => {
    keepLink();
    check();
  });
}

new MutationObserver(follow).observe(figure, { subtree: true, attributeFilter: ["aria-valuenow"] });
[expression, numbers].forEach((field) => {
  field.addEventListener("input", () => {
    setBusy(true);
    later(draw);
  });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    draw();
  });
});

// ---- the link, and files to keep ------------------------------------------------------------------------------------

function keepLink() {
  const { expression: f, numbers: leaves, learning } = shown;
  const parts = { f, with: leaves, ...(learning && { learn: learning.join(" ") }) };
  history.replaceState(null, "", `#${new URLSearchParams(parts)}`);
}

// A link brings a circuit along.
function readLink() {
  const parts = new URLSearchParams(location.hash.slice(1));
  if (!parts.has("f")) return false;
  expression.value = parts.get("f");
  numbers.value = parts.get("with") ?? "";
  choice = null;
  if (parts.has("learn")) choose(parts.get("learn").split(" ").filter(Boolean));
  shown = typed();
  draw();
  return true;
}

function say(words) {
  at("kept").textContent = words;
}

async function copyLink() {
  keepLink();
  const copied = navigator.clipboard?.writeText(location.href);
  await (copied ?? Promise.reject()).then(() => say("The link is copied."), () => say("The address of this page is the link."));
}

async function keep(kind, type) {
  const answer = await ask(kind, shown);
  if (answer.message) return refuse(answer);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([answer.file], { type }));
  link.download = `circuit.${kind}`;
  link.click();
  URL.revokeObjectURL(link.href);
  say(`circuit.${kind} is saved.`);
}

at("copy").addEventListener("click", copyLink);
at("svg").addEventListener("click", () => keep("svg", "image/svg+xml"));
at("html").addEventListener("click", () => keep("html", "text/html"));
window.addEventListener("hashchange", readLink);

// The circuit that comes with the page needs no Python.
if (!readLink()) {
  showNames();
  showLearning(JSON.parse(figure.dataset.first));
  check();
}
