// A line of source and the gates that were made while it ran light each other up: by pointer, finger or keyboard.

function showMargin(element, gatesOf) {
  if (!element || element.dataset.ready) return;
  element.dataset.ready = "true";
  element.classList.add("microgradnn-live");
  followTheme(element);
  const svg = element.querySelector("svg.microgradnn");
  if (!svg) return; // too large a circuit to be drawn
  const part = partsOf(svg);
  const drawn = (gate) => [part(`g${gate}`), part(`w${gate}`)];
  const rows = (line) => [...element.querySelectorAll(`[data-line="${line}"]`)];
  const light = (...parts) => {
    element.querySelectorAll(".lit").forEach((lit) => lit.classList.remove("lit"));
    parts.forEach((lit) => lit.classList.add("lit"));
  };

  for (const [line, made] of Object.entries(gatesOf)) {
    const all = [...rows(line), ...made.flatMap(drawn)];
    rows(line).forEach((row) => {
      row.addEventListener("pointerenter", () => light(...all));
      row.addEventListener("pointerleave", () => light());
      row.addEventListener("focus", () => {
        light(...all);
        follow(element, drawn(made[0])[0]);
      });
    });
  }
  new Set(Object.values(gatesOf).flat()).forEach((gate) => {
    const lines = Object.keys(gatesOf).filter((line) => gatesOf[line].includes(gate));
    drawn(gate).forEach((own) => {
      own.addEventListener("pointerenter", () => light(...lines.flatMap(rows), ...drawn(gate)));
      own.addEventListener("pointerleave", () => light());
    });
  });
  element.addEventListener("focusout", () => light());
}
