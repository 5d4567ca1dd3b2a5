// @ts-check
/** Local days, ticks of the scale, and times in words. All instants are milliseconds since 1970 (UTC). */

export const MINUTE = 60e3;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
// Pixels of the label of a tick.
const LABEL_WIDTH = 48;

/** @typedef {{from: number, to: number, span: number}} Window */
/** @typedef {{at: number, label: string, utc: string}} Tick */

const locale = "en-GB";
/** @param {Intl.DateTimeFormatOptions} options */
const format = (options) => new Intl.DateTimeFormat(locale, options);
const clockFormat = format({ hour: "2-digit", minute: "2-digit" });
const utcFormat = format({ hour: "2-digit", minute: "2-digit", timeZone: "UTC" });
const utcDayFormat = format({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZone: "UTC" });
const dayFormat = format({ weekday: "short", day: "numeric", month: "short" });
const yearFormat = format({ weekday: "short", day: "numeric", month: "short", year: "numeric" });
const longFormat = format({ weekday: "long", day: "numeric", month: "long" });
const narrowFormat = format({ weekday: "short", day: "numeric" });

/** Return the local midnight n days later. The calendar decides, because days have 23 to 25 hours. */
export function addDays(/** @type {number} */ day, /** @type {number} */ n) {
  const date = new Date(day);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + n).getTime();
}

/** Return the local midnight that begins the day of an instant. */
export const startOfDay = (/** @type {number} */ at) => addDays(at, 0);

/** Return the local midnight of "2026-11-28", or NaN. */
export function parseDay(/** @type {string} */ text) {
  const match = /^(\d{4})-(\d\d)-(\d\d)$/.exec(text);
  if (!match) return NaN;
  const [year, month, day] = match.slice(1).map(Number);
  const date = new Date(year, month - 1, day);
  return date.getMonth() === month - 1 && year >= 1900 && year <= 9000 ? date.getTime() : NaN;
}

const two = (/** @type {number} */ n) => String(n).padStart(2, "0");

/** Return "2026-11-28". */
export function dayText(/** @type {number} */ at) {
  const date = new Date(at);
  return `${String(date.getFullYear()).padStart(4, "0")}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

/** Return the value of a datetime-local field. */
export function inputText(/** @type {number} */ at) {
  const date = new Date(at);
  return `${dayText(at)}T${two(date.getHours())}:${two(date.getMinutes())}`;
}

/** Return the instant of the value of a datetime-local field, or NaN. */
export const parseInput = (/** @type {string} */ text) => (text ? new Date(text).getTime() : NaN);

/** @returns {Window} */
export function windowOf(/** @type {number} */ day, /** @type {number} */ span) {
  return { from: day, to: addDays(day, span), span };
}

/** Return where an instant is in a window, in percent, also outside of it. */
export const percent = (/** @type {Window} */ range, /** @type {number} */ at) =>
  ((at - range.from) / (range.to - range.from)) * 100;

/** Return the ticks of the scale: hours of a day, or days; as many as have room for their labels. @returns {Tick[]} */
export function ticks(/** @type {Window} */ range, /** @type {number} */ width) {
  const list = [];
  const room = Math.max(1, width / LABEL_WIDTH);
  if (range.span === 1) {
    const step = [1, 2, 3, 6].find((hours) => 24 / hours <= room) ?? 6;
    for (let at = range.from; at < range.to; at += HOUR) {
      // Real hours, so that the day on which the clocks change has 23 or 25.
      if (new Date(at).getHours() % step === 0) list.push({ at, label: clock(at), utc: utcFormat.format(at) });
    }
    return list;
  }
  const step = [1, 2, 7].find((days) => range.span / days <= room) ?? 7;
  const name = (width / range.span) * step > 90 ? dayFormat : narrowFormat;
  for (let n = 0; n < range.span; n += step) {
    const at = addDays(range.from, n);
    list.push({ at, label: name.format(at), utc: utcFormat.format(at) });
  }
  return list;
}

/** Return the smallest step of dragging. */
export function snapStep(/** @type {number} */ span, /** @type {boolean} */ fine) {
  const step = span === 1 ? 15 * MINUTE : span === 7 ? HOUR : DAY;
  return fine ? step / 3 : step;
}

/** Round to a step of the local clock. */
export function snap(/** @type {number} */ at, /** @type {number} */ step) {
  const midnight = startOfDay(at);
  if (step >= DAY) return at - midnight > (addDays(midnight, 1) - midnight) / 2 ? addDays(midnight, 1) : midnight;
  return midnight + Math.round((at - midnight) / step) * step;
}

export const clock = (/** @type {number} */ at) => clockFormat.format(at);
export const shortDay = (/** @type {number} */ at) =>
  (new Date(at).getFullYear() === new Date().getFullYear() ? dayFormat : yearFormat).format(at).replace(",", "");
export const longDay = (/** @type {number} */ at) => longFormat.format(at);
export const utcText = (/** @type {number} */ at) => `${utcDayFormat.format(at)} UTC`;
export const isUtc = () => new Date().getTimezoneOffset() === 0;

/** Return "Sat 28 Nov 08:00 – 15:30"; open sides are in words. */
export function periodText(/** @type {number} */ start, /** @type {number} */ end) {
  const from = start === -Infinity ? "since ever" : `${shortDay(start)} ${clock(start)}`;
  if (end === Infinity) return `${from}, until further notice`;
  const sameDay = start !== -Infinity && startOfDay(start) === startOfDay(end);
  return `${from} – ${sameDay ? "" : `${shortDay(end)} `}${clock(end)}`;
}

/** Return "2 h 15", "45 min" or "3 days 4 h". */
export function durationText(/** @type {number} */ length) {
  const minutes = Math.round(length / MINUTE);
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h${minutes % 60 ? ` ${two(minutes % 60)}` : ""}`;
  const hours = Math.round(minutes / 60);
  return `${Math.floor(hours / 24)} days${hours % 24 ? ` ${hours % 24} h` : ""}`;
}

/** Return "12:04", the minutes and seconds that a hold has left. */
export function countdown(/** @type {number} */ left) {
  const seconds = Math.max(0, Math.round(left / 1000));
  const hours = Math.floor(seconds / 3600);
  return `${hours ? `${hours}:` : ""}${hours ? two(Math.floor(seconds / 60) % 60) : Math.floor(seconds / 60)}:${two(seconds % 60)}`;
}

/** Return "Europe/London, UTC+0". */
export function zoneText() {
  const minutes = -new Date().getTimezoneOffset();
  const rest = Math.abs(minutes % 60);
  const hours = Math.trunc(minutes / 60);
  const sign = minutes < 0 ? "−" : "+";
  return `${Intl.DateTimeFormat().resolvedOptions().timeZone}, UTC${sign}${Math.abs(hours)}${rest ? `:${two(rest)}` : ""}`;
}
