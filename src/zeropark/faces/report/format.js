// Numbers and times as a person reads them, by the rules of shown.py.

const MINUS = "−";
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** Decimals of a column by its largest value. @param {number} largest */
export function places(largest) {
  return largest >= 100 ? 0 : largest >= 10 ? 1 : 2;
}

/** A number with thousands and a true minus. @param {number} value @param {number} decimals */
export function number(value, decimals) {
  const text = Math.abs(value).toLocaleString("en-US", {
    minimumFractionDigits: decimals, maximumFractionDigits: decimals,
  });
  return value < 0 && /[1-9]/.test(text) ? MINUS + text : text;
}

/** A number on an axis: as many decimals as the axis' step needs. @param {number} value @param {number} step */
export function onAxis(value, step) {
  const exact = (decimals) => Math.abs(step * 10 ** decimals - Math.round(step * 10 ** decimals)) < 1e-6;
  return number(value, [0, 1, 2, 3].find(exact) ?? 4);
}

/** The clock of an instant, given as minutes of the park's wall clock. @param {number} minutes */
export function clock(minutes) {
  return new Date(minutes * 60000).toISOString().slice(11, 16);
}

/** A short date. @param {number} minutes @param {string} lang */
export function date(minutes, lang) {
  const day = new Date(minutes * 60000);
  const [month, of] = [day.getUTCMonth(), day.getUTCDate()];
  return lang === "zh" ? `${month + 1}/${of}` : `${of} ${MONTHS[month]}`;
}

/** An interval: date, start and end. @param {number[]} clocks @param {number} index @param {string} lang */
export function interval(clocks, index, lang) {
  if (clocks[index + 1] - clocks[index] >= 1380) return date(clocks[index], lang);
  return `${date(clocks[index], lang)} ${clock(clocks[index])}–${clock(clocks[index + 1])}`;
}

/** The largest size among values, absent ones left out. @param {(number|null)[]} values */
export function largest(values) {
  return values.reduce((most, value) => (value === null ? most : Math.max(most, Math.abs(value))), 0);
}

/** An upper end of an axis and its step that hold `most`. @param {number} most @param {number} parts */
export function axisEnd(most, parts = 3) {
  if (!(most > 0)) return { end: 1, step: 0.5 };
  const power = 10 ** Math.floor(Math.log10(most / (parts + 1)));
  const step = [1, 2, 2.5, 4, 5, 10, 20].map((m) => m * power).find((s) => Math.ceil(most / s - 1e-9) <= parts + 1);
  return { end: Math.ceil(most / step - 1e-9) * step, step };
}
