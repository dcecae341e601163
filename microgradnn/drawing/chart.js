// The root against one leaf, with the tangent where it stands.

// A name may hold what HTML means otherwise.
const escaped = (text) => text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);

const CHART = { width: 300, height: 150, points: 81 };

function chartOf(f, name, root, x, slope, centre) {
  const reach = 2 * Math.max(1, Math.abs(centre), Math.abs(x - centre)), low = centre - reach, high = centre + reach;
  const at = Array.from({ length: CHART.points }, (_, n) => low + (n / (CHART.points - 1)) * (high - low));
  const curve = at.map(f), finite = [...curve, f(x)].filter(Number.isFinite);
  if (!finite.length) return "";
  const bottom = Math.min(...finite), top = Math.max(...finite), span = top - bottom || 1;
  const px = (value) => (((value - low) / (high - low)) * CHART.width).toFixed(1);
  const py = (value) => (25 + (1 - (value - bottom) / span) * (CHART.height - 50)).toFixed(1);
  const to = (y, n) => `${n && Number.isFinite(curve[n - 1]) ? "L" : "M"}${px(at[n])} ${py(y)}`; // with gaps at nan
  const path = curve.map((y, n) => (Number.isFinite(y) ? to(y, n) : "")).join("");
  const right = `x="${CHART.width}" text-anchor="end"`, title = `${escaped(root)} against ${escaped(name)}`;
  const wide = (text) => 8 * text.length, room = (space, end) => space - wide(digits(x)) / 2 - 6 > wide(digits(end));
  const ends = [room(px(x), low) && `<text y="${CHART.height}">${digits(low)}</text>`,
    room(CHART.width - px(x), high) && `<text y="${CHART.height}" ${right}>${digits(high)}</text>`]; // where x leaves room
  return `<svg viewBox="0 -8 ${CHART.width} ${CHART.height + 16}" role="img" aria-label="${title}, slope ${digits(slope)}">
    <text y="4">${title.length < 24 ? title : escaped(name)}</text><text class="slope" y="4" ${right}>tangent: slope ${digits(slope)}</text>
    <path class="curve" d="${path}"/>${tangent(f(x), x, slope, reach, span, px, py)}
    <text y="${CHART.height}" x="${px(x)}" text-anchor="middle">${digits(x)}</text>
    ${ends.filter(Boolean).join("")}</svg>`;
}

// A line as long as a third of the chart in its longer direction.
function tangent(y, x, slope, reach, span, px, py) {
  if (!Number.isFinite(y)) return "";
  const dot = `<circle cx="${px(x)}" cy="${py(y)}" r="4.5"/>`;
  if (!Number.isFinite(slope)) return dot;
  const dx = Math.min(reach / 3, slope ? (0.4 * span) / Math.abs(slope) : Infinity);
  return `<path class="tangent" d="M${px(x - dx)} ${py(y - slope * dx)}L${px(x + dx)} ${py(y + slope * dx)}"/>${dot}`;
}
