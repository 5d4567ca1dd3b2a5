// @ts-check
/** The timeline: the rows in view with their bars, the scale and the line of the present. */

import { server } from "./api.js";
import { bar, barText, ghostBar, placed, takenBar, timeline } from "./bars.js";
import { byId, el } from "./elements.js";
import { fleet } from "./fleet.js";
import * as times from "./times.js";

/** @typedef {import("./records.js").Allocation} Allocation */
/** @typedef {import("./records.js").Vehicle} Vehicle */

const OVERSCAN = 1;

/** @type {Map<string, HTMLElement>} */ const elements = new Map();
let rowHeight = 44;
// Measured once per frame: to measure after a change makes the browser lay the page out again.
let viewHeight = 0;
let scrollTop = 0;
let frame = 0;

const grid = () => byId("grid");

/** Draw everything in the next frame. */
export function draw() {
  cancelAnimationFrame(frame);
  frame = requestAnimationFrame(() => {
    for (const row of elements.values()) row.dataset.stale = "1";
    drawFrame();
    drawRows();
  });
}

/** Draw the rows that came into view. */
export function drawScrolled() {
  ({ scrollTop } = grid());
  drawRows();
}

/** Draw a row again. */
export function drawRow(/** @type {string} */ id) {
  const row = elements.get(id);
  if (!row) return;
  row.dataset.stale = "1";
  drawRows();
}

/** Return the indexes of the first and the last row in view. @returns {[number, number]} */
export function visibleRows() {
  const first = Math.floor(scrollTop / rowHeight);
  return [first, Math.max(first, first + Math.ceil(viewHeight / rowHeight) - 1)];
}

/** Draw what does not depend on a row: the height, the scale and the lines. */
function drawFrame() {
  const isPhone = matchMedia("(max-width: 45rem)").matches;
  const hasAttributes = fleet.vehicles.some((vehicle) => Object.keys(vehicle.attributes).length > 0);
  rowHeight = isPhone ? 54 : hasAttributes ? 44 : 34;
  grid().style.setProperty("--row", `${rowHeight}px`);
  byId("rows").style.height = `${Math.max(fleet.total ?? 0, fleet.vehicles.length) * rowHeight}px`;
  grid().setAttribute("aria-rowcount", String(fleet.total === null ? -1 : fleet.total + 1));
  timeline.trackWidth = byId("ticks").clientWidth;
  viewHeight = grid().clientHeight - byId("scale").offsetHeight;
  ({ scrollTop } = grid());
  document.body.style.setProperty("--track", `${timeline.trackWidth}px`);
  const ticks = times.ticks(fleet.range, timeline.trackWidth);
  byId("corner").replaceChildren("Vehicle", ...(times.isUtc() ? [] : [el("small", {}, "UTC")]));
  byId("ticks").replaceChildren(...ticks.map(tickElement));
  const lines = ticks.map((tick) => placed("div", "line", tick.at, tick.at));
  const now = server.now();
  const { free } = fleet.query;
  if (now > fleet.range.from) lines.unshift(placed("div", "past", fleet.range.from, now));
  if (free) lines.push(placed("div", "free-band", free.from, free.to));
  if (now >= fleet.range.from && now < fleet.range.to) lines.push(placed("div", "now", now, now));
  byId("lines").replaceChildren(...lines);
}

function tickElement(/** @type {times.Tick} */ tick) {
  const element = placed("span", times.startOfDay(tick.at) === tick.at ? "tick day" : "tick", tick.at, tick.at);
  element.append(tick.label);
  if (!times.isUtc()) element.append(el("small", {}, tick.utc));
  return element;
}

function drawRows() {
  const [first, last] = visibleRows();
  const from = Math.max(0, first - OVERSCAN);
  const wanted = fleet.vehicles.slice(from, last + OVERSCAN + 1);
  removeRows(new Set(wanted.map((vehicle) => vehicle.id)));
  let previous = byId("lines");
  for (const [offset, vehicle] of wanted.entries()) {
    const row = currentRow(vehicle, from + offset);
    if (previous.nextSibling !== row) previous.after(row);
    previous = row;
  }
  setTabStop(fleet.vehicles[first]?.id);
}

/** Remove the rows out of view, except the one with the focus: its removal would lose the focus. */
function removeRows(/** @type {Set<string>} */ wanted) {
  for (const [id, row] of elements) {
    if (wanted.has(id) || (row.contains(document.activeElement) && fleet.vehicle(id))) continue;
    row.remove();
    elements.delete(id);
  }
}

/** Return the element of a row, built again if it is stale. */
function currentRow(/** @type {Vehicle} */ vehicle, /** @type {number} */ index) {
  const stored = elements.get(vehicle.id);
  if (stored && !stored.dataset.stale) return stored;
  const row = buildRow(vehicle, index);
  const hadFocus = stored?.contains(document.activeElement);
  stored?.replaceWith(row);
  elements.set(vehicle.id, row);
  if (hadFocus) (cellOrBar(row) ?? row).focus({ preventScroll: true });
  return row;
}

/** @returns {HTMLElement} */
function buildRow(/** @type {Vehicle} */ vehicle, /** @type {number} */ index) {
  const list = fleet.allocations(vehicle.id);
  const track = el("div", { role: "gridcell", class: "track", tabindex: -1 });
  for (const [start, end] of fleet.takenPeriods(vehicle.id)) track.append(takenBar(start, end));
  for (const allocation of list) track.append(bar(allocation));
  const { ghost } = timeline;
  if (vehicle.closed_from) track.append(placed("div", "closed", Date.parse(vehicle.closed_from), fleet.range.to));
  if (ghost?.vehicle === vehicle.id) track.append(ghostBar(ghost));
  const attributes = Object.entries(vehicle.attributes).slice(0, 2).map(([, value]) => String(value)).join(" · ");
  const header = el("div", { role: "rowheader", class: "name", "aria-description": rowSummary(list) });
  header.append(el("button", { type: "button", tabindex: -1, title: vehicle.name }, el("bdi", {}, vehicle.name)));
  if (attributes) header.append(el("small", {}, el("bdi", {}, attributes)));
  const row = el("div", { role: "row", class: "row", "aria-rowindex": index + 2, "data-id": vehicle.id }, header, track);
  if (!fleet.complete.has(vehicle.id)) row.classList.add("loading");
  row.style.top = `${index * rowHeight}px`;
  return row;
}

function rowSummary(/** @type {Allocation[]} */ list) {
  const now = server.now();
  const current = list.find((row) => row.start <= now && row.end > now);
  const next = list.find((row) => row.start > now);
  const count = list.length === 1 ? "1 allocation" : `${list.length} allocations`;
  const until = current ? current.end : next ? next.start : Infinity;
  const words = until === Infinity ? "" : ` until ${times.shortDay(until)} ${times.clock(until)}`;
  return `${count}, ${current ? "in use" : "free"} now${words}`;
}

/** Update the countdowns in view; holds whose time is up go. */
export function tick() {
  for (const element of byId("rows").querySelectorAll(".bar.held")) {
    const row = fleet.allocation(element.dataset.id);
    if (!row || row.until <= server.now()) drawRow(element.closest(".row").dataset.id);
    else if (element.firstChild) element.firstChild.firstChild.textContent = barText(row);
  }
}

/** Return the bar or the cell at which the keyboard is, in its row. @returns {HTMLElement | null} */
function cellOrBar(/** @type {HTMLElement} */ row) {
  const { allocation } = timeline.at;
  return (allocation && row.querySelector(`.bar[data-id="${allocation}"]`)) || row.querySelector(".track");
}

/** Give the grid its one tab stop: where the keyboard is, or the first row in view. */
export function setTabStop(/** @type {string | undefined} */ firstId = fleet.vehicles[visibleRows()[0]]?.id) {
  for (const old of byId("rows").querySelectorAll('[tabindex="0"]')) old.tabIndex = -1;
  const row = elements.get(timeline.at.vehicle) ?? elements.get(firstId ?? "");
  const target = row && cellOrBar(row);
  if (target) target.tabIndex = 0;
}

/** Move the keyboard to a row, or to a bar in it. */
export function focusAt(/** @type {string} */ vehicle, allocation = "") {
  timeline.at = { vehicle, allocation };
  scrollTo(vehicle);
  drawRows();
  target()?.focus({ preventScroll: true });
}

/** Return the element at which the keyboard is. @returns {HTMLElement | null} */
export function target() {
  const row = elements.get(timeline.at.vehicle);
  return row ? cellOrBar(row) : byId("rows").querySelector('[tabindex="0"]');
}

/** Scroll the row of a vehicle into view. */
export function scrollTo(/** @type {string} */ id) {
  const index = fleet.index(id);
  if (index < 0) return;
  const top = index * rowHeight;
  if (top < scrollTop) scrollTop = top;
  else if (top + rowHeight > scrollTop + viewHeight) scrollTop = top + rowHeight - viewHeight;
  else return;
  grid().scrollTop = scrollTop;
}

/** Flash a row once. */
export function flash(/** @type {string} */ id) {
  const row = elements.get(id);
  row?.classList.add("flash");
  setTimeout(() => row?.classList.remove("flash"), 1000);
}

/** Return the instant at a position on the screen. */
export function timeAt(/** @type {number} */ x) {
  const box = byId("lines").getBoundingClientRect();
  return fleet.range.from + ((x - box.left) / box.width) * (fleet.range.to - fleet.range.from);
}

/** Return the vehicle at a position on the screen. @returns {Vehicle | undefined} */
export function vehicleAt(/** @type {number} */ y) {
  return fleet.vehicles[Math.floor((y - byId("rows").getBoundingClientRect().top) / rowHeight)];
}
