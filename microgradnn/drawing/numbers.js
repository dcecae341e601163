// Numbers: the functions of arrays that Math does not have, and how numbers are written. As NumPy and Python have them.

const power = (x, y) => (x === 1 || (x === -1 && Math.abs(y) === Infinity) ? 1 : x ** y);
const exp2 = (x) => 2 ** x;
const heaviside = (x, atZero) => (Number.isNaN(x) ? x : x === 0 ? atZero : x > 0 ? 1 : 0);

// The sign is that of y, as in Python.
function remainder(x, y) {
  const rest = x % y;
  if (rest === 0) return y < 0 ? -0 : 0;
  if (Number.isNaN(rest)) return rest;
  if (Math.abs(y) === Infinity && Math.sign(x) !== Math.sign(y)) return y;
  return Math.sign(rest) === Math.sign(y) ? rest : rest + y;
}

// exp(-x²), with the square in two parts, so that its rounding is not magnified.
function gauss(x) {
  const high = Math.round(x * 2 ** 20) / 2 ** 20;
  return Math.exp(-high * high) * Math.exp((high - x) * (high + x));
}

// 2/√π exp(-x²) Σ 2ⁿ x²ⁿ⁺¹ / (2n+1)!!, all of one sign; where erfc is small, what that leaves of 1.
function erf(x) {
  if (!(Math.abs(x) < 0.7)) return Number.isNaN(x) ? x : Math.sign(x) * (1 - erfc(Math.abs(x)));
  let term = x, sum = x;
  for (let n = 1; sum + term !== sum; n += 1) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * gauss(x) * sum;
}

// A continued fraction, which needs the more terms the smaller x is.
function erfc(x) {
  if (!(x > 0.5)) return 1 - erf(x);
  if (x > 30) return 0;
  let tail = 0;
  for (let n = Math.ceil(20 + 400 / (x * x)); n > 0; n -= 1) tail = n / 2 / (x + tail);
  return gauss(x) / Math.sqrt(Math.PI) / (x + tail);
}

// A number as people type it: also with a true minus and a decimal comma; nan where it is none.
function typedNumber(text) {
  const words = text.trim().replace(/[−–]/g, "-").replace(",", ".");
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(words) ? Number(words) : NaN;
}

let precision = 4; // digits

// So many digits and a true minus sign: Python's format(x, ".4g"), which rounds ties to the even digit.
function digits(x, count = precision) {
  if (Number.isNaN(x)) return "nan";
  if (!Number.isFinite(x)) return x > 0 ? "∞" : "−∞";
  if (x === 0) return "0";
  const [mantissa, tens] = rounded(Math.abs(x), count).split("e");
  const exponent = Number(tens);
  const text = exponent < -4 || exponent >= count
    ? `${withoutZeros(mantissa)}e${exponent}`
    : withoutZeros(Number(`${mantissa}e${exponent}`).toFixed(Math.max(0, count - 1 - exponent)));
  return (x < 0 ? "−" : "") + text.replace("-", "−");
}

const withoutZeros = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);

// toExponential takes the larger of two numbers that are as close.
function rounded(x, count) {
  const text = x.toExponential(count - 1);
  if (x.toExponential().split("e")[0].length !== count + 2) return text; // a tie has one figure more, a 5
  const [, beyond] = x.toExponential(60).split(".");
  const tie = /^50*$/.test(beyond.slice(count - 1).split("e")[0]);
  const [mantissa, exponent] = text.split("e");
  if (!tie || Number(mantissa.at(-1)) % 2 === 0) return text;
  const lower = BigInt(mantissa.replace(".", "")) - 1n;
  return `${String(lower).replace(/^(\d)/, "$1.")}e${exponent}`;
}

// A factor of a product: negative numbers in brackets.
const bracketed = (text) => (/^[−-]/.test(text) || text.includes(" ") ? `(${text})` : text);
