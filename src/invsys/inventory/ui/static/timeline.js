// @ts-check
/** The timeline: the rows in view with their bars, the scale and the line of the present. */

import { now } from "./api.js";
import { bdi, byId, el, renew } from "./shell.js";
import { fleet } from "./fleet.js";
import * as times from "./times.js";

/** @import { Allocation, Vehicle } from "./api.js" */

// Narrower bars have no text.
const TEXT_WIDTH = 44;

/** What the rows show besides the data. */
export const timeline = {
  /** Where the keyboard is: a row, or a bar in it. */ at: { vehicle: "", allocation: "" },
  /** Ids of the allocations that are in the way. @type {Set<string>} */ rings: new Set(),
  /** Ids of allocations whose change is under way. @type {Set<string>} */ pending: new Set(),
  /** Where a drag or a form would put an allocation. */
  ghost: /** @type {{vehicle: string, start: number, end: number, except?: string} | null} */ (null),
};

/** @type {Map<string, any>} */ const elements = new Map();
// Measured once per frame: to measure after a change makes the browser lay the page out again.
let [rowHeight, trackWidth, viewHeight, scrollTop, frame] = [44, 0, 0, 0, 0];

/** Return an element that covers a period of the track. */
function placed(selector, start, end, ...parts) {
  const left = Math.max(0, times.percent(fleet.range, start));
  const width = Math.min(100, times.percent(fleet.range, end)) - left;
  const hasText = (width / 100) * trackWidth >= TEXT_WIDTH || !selector.includes(".bar");
  const element = el(selector, hasText ? parts : parts.slice(0, 1));
  element.style.left = `${left}%`;
  if (width > 0) element.style.width = `${width}%`;
  return element;
}

function bar(/** @type {Allocation} */ row) {
  const { id, kind, start, end, held, changed } = row;
  const [ring, pending] = [timeline.rings, timeline.pending].map((ids) => ids.has(id));
  const [isCutLeft, isCutRight] = [start < fleet.range.from, end > fleet.range.to];
  const pulse = changed && !changed.isShown;
  const classes = { held, "open-start": isCutLeft, "open-end": isCutRight, ring, pending, pulse };
  if (changed) changed.isShown = true;
  const names = ["button.bar", kind, ...Object.keys(classes).filter((name) => classes[name])];
  const title = `${barText(row)} · ${row.allocation_type}\n${times.periodText(start, end)}`;
  const attributes = { type: "button", tabindex: -1, "data-id": id, "aria-label": barLabel(row), title };
  const wrench = kind === "maintenance" && byId("wrench").content.cloneNode(true);
  return placed(names.join("."), start, end, attributes, el("span", wrench, bdi(barText(row))));
}

export const nameOf = (/** @type {Allocation} */ row) => row.description || row.reference || row.allocation_type;

export const barText = (/** @type {Allocation} */ row) =>
  row.held ? `held ${times.countdown(row.until - now())}` : nameOf(row);

function barLabel(/** @type {Allocation} */ row) {
  const { start, end } = row;
  const day = (at) => `${times.longDay(at)} ${times.clock(at)}`;
  const from = start === -Infinity ? "since ever" : day(start);
  const to = `to ${times.isSameDay(start, end) ? times.clock(end) : end < Infinity && day(end)}`;
  const name = row.description || row.reference || "no note";
  const parts = [name, row.allocation_type, `${from} ${end < Infinity ? to : "until further notice"}`];
  if (row.held) parts.push(`held until ${times.clock(row.until)}`);
  return [...parts, ...(timeline.rings.has(row.id) ? ["in the way"] : [])].join(", ");
}

function ghostBar(/** @type {any} */ { vehicle, start, end, except }) {
  const isTaken = fleet.busyPeriods(vehicle, except).some((busy) => busy.start < end && busy.end > start);
  const hours = () => `${times.clock(start)} – ${times.clock(end)} · ${times.durationText(end - start)}`;
  const words = Number.isFinite(end - start) ? hours() : times.periodText(start, end);
  return placed(isTaken ? "div.ghost.bad" : "div.ghost", start, end, el("span", isTaken ? "taken" : words));
}

/** Draw everything in the next frame. */
export function draw() {
  // At once, so that a row that is new can be scrolled to.
  byId("rows").style.setProperty("--count", Math.max(fleet.total ?? 0, fleet.vehicles.length));
  cancelAnimationFrame(frame);
  frame = requestAnimationFrame(() => {
    for (const row of elements.values()) row.isStale = true;
    drawFrame();
    drawRows();
  });
}

/** Draw the rows that came into view. */
export const drawScrolled = () => ((scrollTop = byId("grid").scrollTop), drawRows());

/** Draw a row again. */
export function drawRow(id) {
  const row = elements.get(id);
  if (!row) return;
  row.isStale = true;
  drawRows();
}

/** Return the indexes of the first and the last row in view. @returns {[number, number]} */
export function visibleRows() {
  const first = Math.floor(scrollTop / rowHeight);
  return [first, Math.max(first, first + Math.ceil(viewHeight / rowHeight) - 1)];
}

/** Draw what does not depend on a row: the height (the same rows stay in view), the scale and the lines. */
function drawFrame() {
  const { range, total, vehicles, query: { free } } = fleet;
  const hasAttributes = vehicles.some((vehicle) => Object.keys(vehicle.attributes).length > 0);
  const grid = byId("grid");
  const first = grid.scrollTop / rowHeight;
  rowHeight = matchMedia("(max-width: 45rem)").matches ? 54 : hasAttributes ? 44 : 34;
  trackWidth = byId("ticks").clientWidth;
  viewHeight = grid.clientHeight - byId("scale").offsetHeight;
  grid.style.setProperty("--row", `${rowHeight}px`);
  scrollTop = grid.scrollTop = first * rowHeight;
  grid.setAttribute("aria-rowcount", total === null ? -1 : total + 1);
  document.body.style.setProperty("--track", `${trackWidth}px`);
  const ticks = times.ticks(range, trackWidth);
  const hasUtc = ticks.some(({ at }) => !times.isUtc(at));
  byId("corner").replaceChildren("Vehicle", hasUtc ? el("small", "UTC") : "");
  const tick = ({ at, label, utc }) =>
    placed(at === times.startOfDay(at) ? "span.tick.day" : "span.tick", at, at, label, hasUtc && el("small", utc));
  byId("ticks").replaceChildren(...ticks.map(tick));
  const present = now();
  byId("lines").replaceChildren(
    ...(present > range.from ? [placed("div.past", range.from, present)] : []),
    ...ticks.map(({ at }) => placed("div.line", at, at)),
    ...(free ? [placed("div.free-band", free.from, free.to)] : []),
    ...(present >= range.from && present < range.to ? [placed("div.now", present, present)] : []),
  );
}

function drawRows() {
  const [first, last] = visibleRows();
  const from = Math.max(0, first - 1);
  const wanted = fleet.vehicles.slice(from, last + 2);
  const ids = new Set(wanted.map(({ id }) => id));
  for (const [id, row] of elements) {
    if (ids.has(id)) continue;
    // To remove the row with the focus would lose the focus.
    const vehicle = row.contains(document.activeElement) && fleet.vehicle(id);
    if (vehicle) currentRow(vehicle, fleet.index(id));
    else row.remove(), elements.delete(id);
  }
  clearTabStop();
  let previous = byId("lines");
  for (const [offset, vehicle] of wanted.entries()) {
    const row = currentRow(vehicle, from + offset);
    if (previous.nextSibling !== row) previous.after(row);
    previous = row;
  }
  setTabStop();
}

/** Return the element of a row, renewed if it is stale. */
function currentRow(/** @type {Vehicle} */ vehicle, index) {
  const stored = elements.get(vehicle.id);
  if (stored && !stored.isStale) return stored;
  const row = buildRow(vehicle, index);
  if (!stored) return elements.set(vehicle.id, row), row;
  const hadFocus = stored.contains(document.activeElement);
  renew(stored, row);
  stored.isStale = false;
  if (hadFocus && !stored.contains(document.activeElement)) barOrTrack(stored).focus({ preventScroll: true });
  return stored;
}

function buildRow(/** @type {Vehicle} */ { id, name, attributes, closed_from: closed }, index) {
  const list = fleet.allocations(id);
  const { ghost } = timeline;
  const taken = ([start, end]) => placed("div.bar.taken", start, end,
    { title: `taken by somebody else\n${times.periodText(start, end)}` }, el("span", "taken"));
  const words = Object.values(attributes).slice(0, 2).join(" · ");
  const row = el(
    fleet.complete.has(id) ? "div.row" : "div.row.loading",
    { role: "row", "aria-rowindex": index + 2, "data-id": id },
    el("div.name", { role: "rowheader", "aria-description": rowSummary(list) },
      el("button", { type: "button", tabindex: -1, title: name }, bdi(name)), words && el("small", bdi(words))),
    el("div.track", { role: "gridcell", tabindex: -1 },
      fleet.takenPeriods(id).map(taken),
      list.map(bar),
      closed && placed("div.closed", Date.parse(closed), fleet.range.to),
      ghost?.vehicle === id && ghostBar(ghost)),
  );
  row.style.top = `${index * rowHeight}px`;
  return row;
}

function rowSummary(/** @type {Allocation[]} */ list) {
  const present = now();
  const current = list.find(({ start, end }) => start <= present && end > present);
  const until = current ? current.end : list.find((row) => row.start > present)?.start ?? Infinity;
  const words = until < Infinity ? ` until ${times.moment(until)}` : "";
  return `${list.length} allocation${list.length === 1 ? "" : "s"}, ${current ? "in use" : "free"} now${words}`;
}

/** Update the countdowns in view; holds whose time is up go. */
export function tick() {
  for (const element of byId("rows").querySelectorAll(".bar.held")) {
    const row = fleet.allocation(element.dataset.id);
    if (!row || row.until <= now()) drawRow(element.closest(".row").dataset.id);
    else if (element.firstChild) element.querySelector("bdi").textContent = barText(row);
  }
}

/** Return the bar or the track at which the keyboard is, in its row. */
const barOrTrack = (row) =>
  row.querySelector(`.bar[data-id="${timeline.at.allocation}"]`) || row.querySelector(".track");

const clearTabStop = () => byId("rows").querySelectorAll('[tabindex="0"]').forEach((old) => (old.tabIndex = -1));

/** Give the grid its one tab stop: where the keyboard is, or the first row in view. */
export function setTabStop() {
  clearTabStop();
  const row = elements.get(timeline.at.vehicle) ?? elements.get(fleet.vehicles[visibleRows()[0]]?.id);
  if (row) barOrTrack(row).tabIndex = 0;
}

/** Move the keyboard to a row, or to a bar in it. */
export function focusAt(vehicle, allocation = "") {
  timeline.at = { vehicle, allocation };
  scrollTo(vehicle);
  drawRows();
  focusGrid();
}

/** Move the focus to where the keyboard is. */
export const focusGrid = () => byId("rows").querySelector('[tabindex="0"]')?.focus({ preventScroll: true });

/** Scroll the row of a vehicle into view. */
export function scrollTo(id) {
  const top = fleet.index(id) * rowHeight;
  if (top < 0) return;
  const wanted = Math.min(top, Math.max(scrollTop, top + rowHeight - viewHeight));
  if (wanted !== scrollTop) byId("grid").scrollTop = scrollTop = wanted;
}

/** Flash a row once. */
export const flash = (id) => elements.get(id)?.classList.add("flash");

/** Return the instant at a position on the screen. */
export function timeAt(x) {
  const { left, width } = byId("lines").getBoundingClientRect();
  return fleet.range.from + ((x - left) / width) * (fleet.range.to - fleet.range.from);
}

/** Return the vehicle at a position on the screen. @returns {Vehicle | undefined} */
export const vehicleAt = (y) =>
  fleet.vehicles[Math.floor((y - byId("rows").getBoundingClientRect().top) / rowHeight)];
