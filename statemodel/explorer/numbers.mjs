/**
 * Numbers as Python has them: their texts, and the next one up. Arithmetic itself is the same in both
 * languages (IEEE 754), as long as it is done in the same order.
 */

/** The digits and the decimal exponent of a finite number, as short as can be read back. */
function digitsOf(number, places) {
  const [mantissa, exponent] = Math.abs(number).toExponential(places).split('e');
  return [mantissa.replace('.', ''), Number(exponent)];
}

function scientific(digits, exponent) {
  const fraction = digits.length > 1 ? `.${digits.slice(1)}` : '';
  const size = String(Math.abs(exponent)).padStart(2, '0');
  return `${digits[0]}${fraction}e${exponent < 0 ? '-' : '+'}${size}`;
}

function positional(digits, exponent) {
  if (exponent < 0) return `0.${'0'.repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
  const fraction = digits.slice(exponent + 1);
  return fraction ? `${whole}.${fraction}` : whole;
}

function unusual(number) {
  if (Number.isNaN(number)) return 'nan';
  return number > 0 ? 'inf' : '-inf';
}

/** A number as `repr(float)` writes it: `30.0`, `1e-07`. */
export function pythonFloat(number) {
  if (!Number.isFinite(number)) return unusual(number);
  const sign = number < 0 || Object.is(number, -0) ? '-' : '';
  const [digits, exponent] = digitsOf(number);
  if (exponent < -4 || exponent >= 16) return sign + scientific(digits, exponent);
  const text = positional(digits, exponent);
  return sign + (text.includes('.') ? text : `${text}.0`);
}

/** A number as scripts have it: `30`, `29.5`. */
export function scriptNumber(number) {
  return pythonFloat(number).replace(/\.0$/, '');
}

/** A number as `f"{number:g}"` writes it: six digits, no zeros at the end. */
export function general(number) {
  if (!Number.isFinite(number)) return unusual(number);
  const sign = number < 0 || Object.is(number, -0) ? '-' : '';
  const [padded, exponent] = digitsOf(number, 5);
  const digits = padded.replace(/0+$/, '') || '0';
  if (exponent < -4 || exponent >= 6) return sign + scientific(digits, exponent);
  return sign + positional(digits, exponent);
}

/** The next number above a finite one that is not negative. */
export function nextUp(number) {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, number + 0);
  view.setBigInt64(0, view.getBigInt64(0) + 1n);
  return view.getFloat64(0);
}

/** Read a number as scripts have it; `null` if it is none. */
export function readNumber(word) {
  const plain = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
  const number = plain.test(word) ? Number(word) : Number.NaN;
  return Number.isFinite(number) ? number : null;
}
