// A neuron or a box opens as a table below the picture, by click, Enter or Space; the rest dims but for what is connected
// to it. Click elsewhere, on it again, or Escape closes. Tab reaches the picture once; arrow keys move in it.

// `parts` are the ids of all that stands for groups, `tables` those of them that open: title, notes, head and rows.
function opening(element, svg, parts, tables) {
  const part = partsOf(svg);
  let open = null;
  element.insertAdjacentHTML("beforeend", '<div class="opened" role="region" hidden></div>');
  const place = element.querySelector(".opened");

  const show = (name) => {
    if (open !== null) part(open).setAttribute("aria-expanded", "false");
    open = name;
    place.hidden = name === null;
    if (name !== null) {
      part(name).setAttribute("aria-expanded", "true");
      place.setAttribute("aria-label", tables[name].title);
      place.replaceChildren(...openedParts(tables[name], () => close(true)));
      place.firstChild.scrollIntoView({ block: "nearest" });
    }
    dim(svg, part, parts, name);
  };
  const close = (back) => {
    const opener = open;
    show(null);
    if (back) part(opener).focus({ preventScroll: true });
  };

  const openers = Object.keys(tables).map(part);
  Object.keys(tables).forEach((name, index) => {
    const opener = part(name), texts = [...opener.querySelectorAll("text")].map((text) => text.textContent.trim());
    opener.classList.add("opener");
    const label = [tables[name].title, ...texts].join(" ");
    const roles = { tabindex: index ? "-1" : "0", role: "button", "aria-expanded": "false", "aria-label": label };
    Object.entries(roles).forEach(([role, value]) => opener.setAttribute(role, value));
    opener.addEventListener("click", () => show(open === name ? null : name));
    opener.addEventListener("focus", () => {
      openers.forEach((each) => each.setAttribute("tabindex", each === opener ? "0" : "-1"));
    });
    opener.addEventListener("keydown", (event) => {
      const opens = event.key === "Enter" || event.key === " ";
      if ((!opens && !(event.key in TOWARDS)) || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      event.stopPropagation();
      if (opens) show(open === name ? null : name);
      else neighbour(opener, openers, ...TOWARDS[event.key])?.focus();
    });
  });
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || open === null) return;
    event.stopPropagation();
    close(place.contains(document.activeElement));
  });
  document.addEventListener("click", ({ target }) => {
    const inside = element.contains(target) && target.closest(".opener, .opened, .controls, .zoom");
    if (open !== null && target.isConnected && !inside) close(false);
  });
}

const TOWARDS = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] };

// The part beside another one: up and down among those above and below it, else in the nearest column, at the same height.
function neighbour(from, openers, dx, dy) {
  const boxes = new Map(openers.map((each) => [each, each.getBoundingClientRect()])), here = boxes.get(from);
  const beside = (one, other) => (one.right <= other.left ? 1 : other.right <= one.left ? -1 : 0);
  const nearest = (those, distance) => those.sort((one, other) => distance(boxes.get(one)) - distance(boxes.get(other)))[0];
  const those = openers.filter((each) => each !== from && beside(here, boxes.get(each)) === dx);
  const height = (box) => Math.abs(box.top - here.top);
  if (dy) return nearest(those.filter((each) => (boxes.get(each).top - here.top) * dy > 0), height);
  const first = nearest(those, (box) => (dx > 0 ? box.left : -box.right));
  return first && nearest(those.filter((each) => beside(boxes.get(each), boxes.get(first)) === 0), height);
}

// All but one part, what is joined to it by an edge, and those edges; nothing where `name` is null. A gate alone stands before
// its wire; the row n1-5 of a matrix lies in m1.
function dim(svg, part, parts, name) {
  const home = (row) => row.replace(/^n(\d+)-\d+$/, "m$1"), ends = (each) => [each, `${each}-gate`, home(each)];
  const lit = new Set();
  if (name !== null) {
    [...ends(name), `${name}-out`].forEach((each) => lit.add(part(each)));
    parts.forEach((other) => {
      const edges = ends(name).flatMap((here) => ends(other).flatMap((there) => [`${here}-${there}`, `${there}-${here}`]))
        .flatMap((edge) => [part(edge), part(`${edge}-w`)]).filter(Boolean);
      if (edges.length) [...[other, `${other}-gate`, `${other}-out`].map(part), ...edges].forEach((each) => lit.add(each));
    });
  }
  svg.querySelectorAll(".lit, .open").forEach((each) => each.classList.remove("lit", "open"));
  svg.querySelectorAll(":is(.edge, .gate)").forEach((each) => each.classList.toggle("dim", name !== null && !lit.has(each)));
  parts.forEach((each) => part(each).classList.toggle("dim", name !== null && !lit.has(part(each))));
  svg.querySelectorAll(".row").forEach((copy) => copy.remove());
  if (name === null) return;
  part(name).classList.add("open");
  if (part(name).matches(".neuron:has([stroke=none])")) lightRow(part(name), part(home(name)));
}

// What a matrix paints dims but for one row: a copy of it is clipped to where the row lies.
function lightRow(row, matrix) {
  const copy = document.createElementNS("http://www.w3.org/2000/svg", "g"), clip = document.createElementNS(copy.namespaceURI, "clipPath");
  copy.classList.add("row");
  clip.id = `${row.id}-clip`;
  clip.append(...[...row.querySelectorAll("polygon")].map((polygon) => polygon.cloneNode()));
  const painted = document.createElementNS(copy.namespaceURI, "g");
  painted.setAttribute("clip-path", `url(#${clip.id})`);
  painted.append(...[...matrix.querySelectorAll(":scope > path:not(.row path)")].map((path) => path.cloneNode()));
  copy.append(clip, painted);
  matrix.append(copy);
}

// The heading with a button that closes, the notes, and the table, which scrolls where it is too wide.
function openedParts({ title, notes, head, rows }, close) {
  const top = newElement("p"), cross = newElement("button", "✕"), frame = newElement("div", "", "rows");
  Object.assign(cross, { type: "button", title: "close", ariaLabel: "close" });
  cross.addEventListener("click", close);
  top.append(newElement("b", title), cross);
  frame.tabIndex = 0;
  frame.setAttribute("role", "group");
  frame.setAttribute("aria-label", title);
  frame.append(tableOf(head, rows));
  return [top, ...notes.map((note) => newElement("p", note)), frame];
}

function tableOf(head, rows) {
  const table = newElement("table");
  const cells = rows.split("\n").map((row) => row.split("\t"));
  const largest = head.map((_, index) => Math.max(...cells.map((row) => sizeOf(row[index]))));
  const line = (texts, scope) => {
    const row = newElement("tr");
    row.append(...texts.map((text, index) => {
      const cell = newElement(scope === "col" || index === 0 ? "th" : "td", text);
      if (cell.tagName === "TH") cell.scope = scope;
      const [, kind] = head[index];
      if (kind) cell.append(barOf(scope === "row" ? text : "", kind, largest[index]));
      return cell;
    }));
    return row;
  };
  const top = newElement("thead"), body = newElement("tbody");
  top.append(line(head.map(([name]) => name), "col"));
  body.append(...cells.map((row) => line(row, "row")));
  table.append(top, body);
  return table;
}

const LONGEST = 32; // pixels

// A number as a bar, as long as its share of the largest in its column; hollow where it is below 0.
function barOf(text, kind, largest) {
  const bar = newElement("i", "", text.startsWith("−") ? `${kind} negative` : kind);
  const size = sizeOf(text), width = size > 0 ? Math.max(1, (LONGEST * size) / largest) : 0;
  Object.assign(bar.style, { width: `${width}px`, marginRight: `${LONGEST - width}px` });
  return bar;
}

// |x| of a number as it is written; nan and what is no number count as nothing.
function sizeOf(text) {
  if (text.endsWith("∞")) return Number.MAX_VALUE;
  return Math.abs(Number(text.replaceAll("−", "-"))) || 0;
}

function newElement(tag, text = "", className = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}
