// @ts-check
/** The bars of a row: allocations, what others have taken, and the ghost of a change. */

import { server } from "./api.js";
import { el } from "./elements.js";
import { fleet } from "./fleet.js";
import * as times from "./times.js";

/** @typedef {import("./records.js").Allocation} Allocation */
/** @typedef {{vehicle: string, start: number, end: number, except: string}} Ghost */

// Narrower bars have no text.
const TEXT_WIDTH = 44;

/** What the rows show besides the data. */
export const timeline = {
  /** Where the keyboard is: a row, or a bar in it. */ at: { vehicle: "", allocation: "" },
  /** Ids of the allocations that are in the way. @type {Set<string>} */ rings: new Set(),
  /** Ids of allocations whose change is under way. @type {Set<string>} */ pending: new Set(),
  /** Where a drag or a form would put an allocation. @type {Ghost | null} */ ghost: null,
  trackWidth: 0,
};

/** Return an element that covers a period of the track. @returns {HTMLElement} */
export function placed(/** @type {string} */ tag, /** @type {string} */ name, /** @type {number} */ start, /** @type {number} */ end) {
  const left = Math.max(0, times.percent(fleet.range, start));
  const right = Math.min(100, times.percent(fleet.range, end));
  const element = el(tag, { class: name });
  element.style.left = `${left}%`;
  if (right > left) element.style.width = `${right - left}%`;
  return element;
}

/** @returns {HTMLElement} */
export function bar(/** @type {Allocation} */ row) {
  const element = placed("button", `bar ${row.kind}`, row.start, row.end);
  element.tabIndex = -1;
  element.dataset.id = row.id;
  element.setAttribute("type", "button");
  element.setAttribute("aria-label", barLabel(row));
  element.title = `${barText(row)} · ${row.allocation_type}\n${times.periodText(row.start, row.end)}`;
  element.classList.toggle("held", row.held);
  element.classList.toggle("open-start", row.start < fleet.range.from);
  element.classList.toggle("open-end", row.end > fleet.range.to);
  element.classList.toggle("ring", timeline.rings.has(row.id));
  element.classList.toggle("pending", timeline.pending.has(row.id));
  const isNews = Boolean(row.changed && !row.changed.isShown);
  element.classList.toggle("pulse", isNews);
  if (row.changed) row.changed.isShown = true;
  if (hasRoom(element)) element.append(el("span", {}, el("bdi", {}, barText(row))));
  return element;
}

const hasRoom = (/** @type {HTMLElement} */ element) =>
  (parseFloat(element.style.width) / 100) * timeline.trackWidth >= TEXT_WIDTH;

export const barText = (/** @type {Allocation} */ row) =>
  row.held ? `held ${times.countdown(row.until - server.now())}` : row.description || row.reference || row.allocation_type;

function barLabel(/** @type {Allocation} */ row) {
  const day = (/** @type {number} */ at) => `${times.longDay(at)} ${times.clock(at)}`;
  const start = row.start === -Infinity ? "since ever" : day(row.start);
  const sameDay = Number.isFinite(row.start) && Number.isFinite(row.end) && times.startOfDay(row.start) === times.startOfDay(row.end);
  const end = row.end === Infinity ? "until further notice" : `to ${sameDay ? times.clock(row.end) : day(row.end)}`;
  const held = row.held ? `, held until ${times.clock(row.until)}` : "";
  const conflict = timeline.rings.has(row.id) ? ", in the way" : "";
  return `${row.description || row.reference || "no note"}, ${row.allocation_type}, ${start} ${end}${held}${conflict}`;
}

export function takenBar(/** @type {number} */ start, /** @type {number} */ end) {
  const element = placed("div", "bar taken", start, end);
  element.title = `taken by somebody else\n${times.periodText(start, end)}`;
  if (hasRoom(element)) element.append(el("span", {}, "taken"));
  return element;
}

export function ghostBar(/** @type {Ghost} */ { vehicle, start, end, except }) {
  const isTaken = fleet.overlaps(vehicle, start, end, except);
  const element = placed("div", isTaken ? "ghost bad" : "ghost", start, end);
  const isFinite = Number.isFinite(end - start);
  const words = isFinite ? `${times.clock(start)} – ${times.clock(end)} · ${times.durationText(end - start)}` : times.periodText(start, end);
  element.append(el("span", {}, isTaken ? "taken" : words));
  return element;
}
