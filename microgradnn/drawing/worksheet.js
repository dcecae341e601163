// A worksheet: a line for each blank of the picture, its answer checked digit by digit. A right one goes into the picture.

const LINE = `<li><span class="letter"></span><label><span class="what"></span>
  <input type="text" inputmode="decimal" autocomplete="off" spellcheck="false"></label>
  <span class="said" role="status"></span></li>`;
const FOOT = `<p class="controls"><button type="button">check</button> <span class="count" role="status"></span></p>
  <p class="hint">Four significant digits, as 0.1966; 2.5 is enough where the rest are zeros.
  <span class="page">A comma is a decimal comma. The answers are in the source of this page.</span></p>`;

function fillIn(element, down, blanks) {
  const svg = livePicture(element);
  if (!svg) return;
  element.classList.add("microgradnn-worksheet");
  turning(element, svg, down, () => svg.querySelectorAll(".solution").forEach(overLetter));
  element.insertAdjacentHTML("beforeend", `<ol class="blanks"></ol>${FOOT}`);
  const list = element.querySelector(".blanks"), count = element.querySelector(".count");
  const tell = () => {
    count.textContent = `${list.querySelectorAll(".right").length} of ${blanks.length} right`;
  };
  const checks = blanks.map((blank) => addLine(element, blank, labelOf(svg, blank), tell));
  element.querySelector("button").addEventListener("click", () => checks.forEach((check) => check()));
  element.addEventListener("keydown", (event) => event.stopPropagation()); // a notebook takes letters for commands
  tell();
}

// An answer stands where the letter is that comes before it.
function overLetter(solution) {
  ["x", "y"].forEach((name) => solution.setAttribute(name, solution.previousElementSibling.getAttribute(name)));
}

const labelOf = (svg, { wire, role }) => partsOf(svg)(wire).querySelector(`.${role}`);

// The line of a blank; the function that it returns checks what is in it.
function addLine(element, { letter, what, role, answers }, label, tell) {
  const list = element.querySelector(".blanks");
  list.insertAdjacentHTML("beforeend", LINE);
  const line = list.lastElementChild, field = line.querySelector("input"), box = boxAround(label);
  const solution = label.cloneNode(); // the answer takes the place of the letter, but not on paper
  solution.classList.add("solution");
  label.after(solution);
  box.classList.add("box");
  line.classList.add(role);
  line.querySelector(".letter").textContent = letter;
  line.querySelector(".said").id = `${label.closest("g[id]").id}-${role}-said`;
  field.setAttribute("aria-describedby", line.querySelector(".said").id);
  line.querySelector(".what").textContent = what;
  const check = () => {
    const { right, words } = judged(field.value, answers);
    line.classList.toggle("right", right);
    field.setAttribute("aria-invalid", String(!right));
    line.querySelector(".said").textContent = words;
    label.classList.toggle("answered", right);
    solution.textContent = right ? `${answers[0]} ✓` : "";
    tell();
  };
  field.addEventListener("change", check);
  field.addEventListener("keydown", (event) => { if (event.key === "Enter") check(); });
  field.addEventListener("focus", () => {
    box.classList.add("asked");
    follow(element, box);
  });
  field.addEventListener("blur", () => box.classList.remove("asked"));
  box.addEventListener("click", () => field.focus());
  return check;
}

// The box in the picture in which a letter stands.
function boxAround(label) {
  const { x, y } = label.getBBox();
  return [...label.parentNode.querySelectorAll("polygon")].find((polygon) => {
    const box = polygon.getBBox();
    return box.x <= x && x <= box.x + box.width && box.y <= y && y <= box.y + box.height;
  });
}

// What is said of an answer: it is right where it is written as the number in the picture, or as what comes of the numbers
// in the picture, which are rounded.
function judged(typed, answers) {
  const words = typed.trim(), x = typedNumber(words);
  if (words === "") return { right: false, words: "nothing is written here yet" };
  if (!Number.isFinite(x)) return { right: false, words: `“${words}” is not a number: write one like −2.5 or 1e−3` };
  if (answers.includes(digits(x))) return { right: true, words: "✓ right" };
  return { right: false, words: `✗ ${compared(x, typedNumber(answers[0]), typedFigures(words))}` };
}

// How many significant digits were typed.
const typedFigures = (text) => text.replace(/e.*/i, "").replace(/\D/g, "").replace(/^0+(?=.)/, "").length;

// Four significant digits of a number, and where the first of them stands.
function figuresOf(x) {
  const [mantissa, exponent] = rounded(Math.abs(x), 4).split("e");
  return { figures: mantissa.replace(".", ""), exponent: Number(exponent) };
}

// How far a wrong number is right.
function compared(x, answer, typed) {
  const own = figuresOf(x), right = figuresOf(answer);
  if (Math.sign(x) * Math.sign(answer) < 0) return "the sign is not right";
  if (typed < 4 && digits(answer, typed) === digits(x)) return "rounded to so few digits it is right: four digits are asked for";
  if (own.exponent !== right.exponent && own.figures === right.figures) return "the decimal point is not in its place";
  if (own.exponent !== right.exponent) {
    return `the number has to be ${Math.abs(x) > Math.abs(answer) ? "nearer to" : "farther from"} 0`;
  }
  const wrong = [...own.figures].findIndex((figure, n) => figure !== right.figures[n]);
  if (wrong >= typed) return `right so far: ${leading(x, typed)}…; more digits follow`;
  const start = typed > 4 ? `in four digits that is ${digits(x)}; ` : "";
  if (wrong === 0) return `${start}the first digit is not ${own.figures[0]}`;
  return `${start}first digits right: ${leading(x, wrong)}…; the next is not ${own.figures[wrong]}`;
}

// A number as it is written, up to so many of its significant digits.
function leading(x, count) {
  const text = digits(x), start = text.match(/^−?(0\.0*)?/)[0];
  let end = start.length;
  for (let seen = 0; seen < count && end < text.length; end += 1) if (text[end] !== ".") seen += 1;
  return text.slice(0, end);
}
