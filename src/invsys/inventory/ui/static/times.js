// @ts-check
/** The days of the view, their scale and address, and times in words. Instants are milliseconds since 1970 (UTC). */

export const MINUTE = 60e3;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
// Pixels of the label of a tick.
const LABEL_WIDTH = 48;

/** @typedef {{from: number, to: number, span: number}} Window The days that the timeline shows. */

const format = (/** @type {Intl.DateTimeFormatOptions} */ options, locale = "en-GB") =>
  new Intl.DateTimeFormat(locale, options).format;
const time = /** @type {const} */ ({ hour: "2-digit", minute: "2-digit" });
const date = /** @type {const} */ ({ weekday: "short", day: "numeric", month: "short" });
const utc = /** @type {const} */ ({ ...time, timeZone: "UTC" });
const utcClock = format(utc);
const dateInWords = format(date);
const dateWithYear = format({ ...date, year: "numeric" });
const narrowDate = format({ weekday: "short", day: "numeric" });
export const clock = format(time);
export const longDay = format({ weekday: "long", day: "numeric", month: "long" });
/** Return "28 Nov, 08:00 UTC". */
export const utcText = format({ day: "numeric", month: "short", ...utc, timeZoneName: "short" });
/** Return "2026-11-28"; Swedish dates have the format of ISO 8601. */
export const dayText = format({}, "sv");
/** Return the value of a datetime-local field. */
export const inputText = (at) => `${dayText(at)}T${clock(at)}`;
/** Return an instant as the API reads it. */
export const iso = (at) => new Date(at).toISOString();
/** Return whether the local clock shows UTC at an instant. */
export const isUtc = (at) => !new Date(at).getTimezoneOffset();
const two = (n) => String(n).padStart(2, "0");

/** Return the same time of the clock n days later. The calendar decides, because days have 23 to 25 hours. */
export function laterDay(at, n) {
  const day = new Date(at);
  return day.setDate(day.getDate() + n);
}

/** Return the local midnight n days later. */
export const addDays = (at, n) => laterDay(new Date(at).setHours(0, 0, 0, 0), n);

/** Return the local midnight that begins the day of an instant. */
export const startOfDay = (at) => addDays(at, 0);

/** Return the local midnight of "2026-11-28", or NaN. */
export function parseDay(/** @type {string} */ text) {
  const at = Date.parse(`${text}T00:00`);
  return text >= "1900" && text < "9001" && !Number.isNaN(at) && dayText(at) === text ? at : NaN;
}

/** @returns {Window} */
export const windowOf = (day, span) => ({ from: day, to: addDays(day, span), span });

/** Return where an instant is in a window, in percent, also outside of it. */
export const percent = (/** @type {Window} */ { from, to }, at) => ((at - from) / (to - from)) * 100;

/** Return the ticks of the scale: hours of a day, or days; as many as have room for their labels. */
export function ticks(/** @type {Window} */ { from, to, span }, width) {
  const isDay = span === 1;
  const steps = isDay ? [1, 2, 3, 6] : [1, 2, 7];
  const step = steps.find((n) => (isDay ? 24 : span) / n <= width / LABEL_WIDTH) ?? steps[steps.length - 1];
  const name = isDay ? clock : (width / span) * step > 90 ? dateInWords : narrowDate;
  const list = [];
  // Real hours, so that the day on which the clocks change has 23 or 25.
  for (let at = from; at < to; at = isDay ? at + HOUR : addDays(at, step)) {
    if (!isDay || new Date(at).getHours() % step === 0) list.push({ at, label: name(at), utc: utcClock(at) });
  }
  return list;
}

/** Return the smallest step of dragging. */
export function snapStep(span, isFine) {
  const step = span === 1 ? 15 * MINUTE : span === 7 ? HOUR : DAY;
  return isFine ? step / 3 : step;
}

/** Round to a step of the local clock. */
export function snap(at, step) {
  const midnight = startOfDay(at);
  const next = addDays(at, 1);
  if (step >= DAY) return at - midnight > next - at ? next : midnight;
  return midnight + Math.round((at - midnight) / step) * step;
}

/** Return the step of the local clock at or before an instant. */
export const floor = (at, step) => (snap(at, step) > at ? snap(snap(at, step) - step, step) : snap(at, step));

/** Return "Sat 28 Nov", in other years with the year. */
export const shortDay = (at) =>
  (dayText(at).slice(0, 4) === dayText().slice(0, 4) ? dateInWords : dateWithYear)(at).replace(",", "");

export const moment = (at) => `${shortDay(at)} ${clock(at)}`;

/** Return "Sat 28 Nov 08:00 – 15:30"; open sides are in words. */
export function periodText(start, end) {
  const from = start === -Infinity ? "since ever" : moment(start);
  if (end === Infinity) return `${from}, until further notice`;
  return `${from} – ${isSameDay(start, end) ? clock(end) : moment(end)}`;
}

export const isSameDay = (start, end) => Number.isFinite(end - start) && startOfDay(start) === startOfDay(end);

/** Return "2 h 15", "45 min" or "3 days 4 h". */
export function durationText(length) {
  const minutes = Math.round(length / MINUTE);
  const hours = Math.floor(minutes / 60);
  if (hours < 1) return `${minutes} min`;
  if (hours < 48) return minutes % 60 ? `${hours} h ${two(minutes % 60)}` : `${hours} h`;
  const days = `${Math.floor(hours / 24)} days`;
  return hours % 24 ? `${days} ${hours % 24} h` : days;
}

/** Return "12:04", the minutes and seconds that a hold has left. */
export function countdown(left) {
  const seconds = Math.max(0, Math.round(left / 1000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  return [...(hours ? [hours, two(minutes % 60)] : [minutes]), two(seconds % 60)].join(":");
}

/** Return "Europe/London, UTC+0", the zone at an instant. */
export function zoneText(at) {
  const minutes = -new Date(at).getTimezoneOffset();
  const size = Math.abs(minutes);
  const hours = `UTC${minutes < 0 ? "−" : "+"}${Math.floor(size / 60)}`;
  const offset = size % 60 ? `${hours}:${two(size % 60)}` : hours;
  return `${Intl.DateTimeFormat().resolvedOptions().timeZone}, ${offset}`;
}

/** Return whether a name or an attribute can be such a text. */
const isText = (text, length) => [...text].length <= length && !/\p{Cc}/u.test(text);

/** How the parameters of the view are read; undefined: wrong. @type {Record<string, (text: string) => any>} */
const PARAMETERS = {
  day: (text) => (Number.isNaN(parseDay(text)) ? undefined : parseDay(text)),
  span: (text) => [1, 7, 28].find((span) => String(span) === text),
  find: (text) => (isText(text, 36) ? text : undefined),
  free(text) {
    const [from, to] = text.split("/").map((at, n) => (at === ".." ? [-Infinity, Infinity][n] : Date.parse(at)));
    return from < to ? { from, to } : undefined;
  },
};

/** Return the view of an address; the names of parameters that are wrong or unknown go into ``wrong``. */
export function readView(/** @type {string} */ search, types, wrong) {
  const view = { find: "", free: null };
  const filters = [];
  const readers = { ...PARAMETERS, type: (text) => types.find((type) => type === text) };
  for (const [name, text] of new URLSearchParams(search)) {
    const value = Object.hasOwn(readers, name) ? readers[name](text) : undefined;
    const [, key] = /^attribute\.(.+)$/.exec(name) ?? [];
    if (key && isText(key, 64) && isText(text, 256)) filters.push([key, text]);
    else if (value === undefined) wrong.push(name);
    else view[name] = value;
  }
  return { ...view, filters: Object.fromEntries(filters) };
}

/** Return the address of a view. */
export function viewText({ type, day, span, find, filters, free }) {
  const query = new URLSearchParams({ type, day: dayText(day), span });
  const instant = (at) => (Number.isFinite(at) ? iso(at) : "..");
  if (find) query.set("find", find);
  for (const [name, value] of Object.entries(filters)) query.set(`attribute.${name}`, value);
  if (free) query.set("free", `${instant(free.from)}/${instant(free.to)}`);
  return `?${query}`;
}
