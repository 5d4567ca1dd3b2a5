// @ts-check
/** The keyboard in the grid. Single letters act only there (WCAG 2.1.4). */

import { connection, rights } from "./api.js";
import * as changes from "./changes.js";
import { byId, el, openDialog, panel } from "./elements.js";
import { fleet } from "./fleet.js";
import { allocateForm } from "./forms.js";
import { details, vehiclePanel } from "./panel.js";
import { timeline } from "./bars.js";
import { focusAt, setTabStop, target, visibleRows } from "./timeline.js";
import * as times from "./times.js";

const COLLECT = 800;
const PAGE = 15;

const HELP = [
  ["↑ ↓", "row"], ["Page up, Page down", "15 rows"], ["Ctrl+Home, Ctrl+End", "first, last row"], ["← →", "bar before, after; at the ends the row"],
  ["[ ]", "earlier, later"], ["t", "today"], ["g", "go to a date"], ["1 2 3", "day, week, 4 weeks"], ["/", "find by name"], ["f", "find a free one"],
  ["n", "allocate on this row"], ["Enter, Space", "details of the bar; on a row: allocate"], ["Alt+← Alt+→", "move the bar by a step"],
  ["Alt+Shift+← →", "its end earlier, later"], ["Alt+↑ Alt+↓", "to the row above, below"], ["c", "confirm a hold"], ["Delete", "cancel"],
  ["m", "the vehicle"], ["Escape", "close the panel, stop dragging"], ["?", "this list"],
];

/** A bar that the keyboard moves; it is sent when the keys rest. @type {{row: import("./records.js").Allocation, place: changes.Place, timer: number} | null} */
let moving = null;

export function showHelp() {
  const rows = HELP.map(([keys, words]) => el("tr", {}, el("td", {}, el("kbd", {}, keys)), el("td", {}, words)));
  const dialog = openDialog("Keys in the timeline", el("table", {}, ...rows), el("form", { method: "dialog" }, el("button", { autofocus: true }, "Close")));
  // The row that had the focus may have been drawn again meanwhile.
  dialog.onclose = () => target()?.focus();
}

/** @typedef {{earlier: () => void, later: () => void, today: () => void, span: (days: number) => void, day: () => void, find: () => void, findFree: () => void}} Acts */

export function watchKeys(/** @type {Acts} */ acts) {
  const grid = byId("grid");
  grid.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    if (!(event.altKey ? moveKey(event) : plainKey(event, acts))) return;
    event.preventDefault();
    event.stopPropagation();
  });
  grid.addEventListener("focusin", (/** @type {FocusEvent} */ event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    const row = /** @type {HTMLElement | null} */ (target.closest(".row"));
    if (!row) return;
    timeline.at = { vehicle: row.dataset.id ?? "", allocation: target.dataset.id && target !== row ? target.dataset.id : "" };
    setTabStop();
  });
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && panel.isOpen() && !byId("dialog").open) panel.close();
  });
}

/** @returns {boolean} whether the key was one of ours */
function plainKey(/** @type {KeyboardEvent} */ event, /** @type {Acts} */ acts) {
  const { key } = event;
  const index = Math.max(0, fleet.index(timeline.at.vehicle));
  if (event.ctrlKey || event.metaKey) {
    if (key === "Home") toRow(0);
    else if (key === "End") toLastRow();
    else return false;
    return true;
  }
  /** @type {Record<string, () => void>} */
  const actions = {
    ArrowUp: () => toRow(index - 1), ArrowDown: () => toRow(index + 1), PageUp: () => toRow(index - PAGE), PageDown: () => toRow(index + PAGE),
    ArrowLeft: () => toBar(-1), ArrowRight: () => toBar(1), "[": acts.earlier, "]": acts.later, t: acts.today, g: acts.day,
    1: () => acts.span(1), 2: () => acts.span(7), 3: () => acts.span(28), "/": acts.find, f: acts.findFree, "?": showHelp,
    n: allocateHere, Enter: open, " ": open, c: () => withBar((row) => row.held && changes.confirm(row)),
    Delete: () => withBar(cancelHere), m: () => withVehicle(vehiclePanel),
  };
  if (!Object.hasOwn(actions, key)) return false;
  actions[key]();
  return true;
}

const current = () => fleet.allocation(timeline.at.allocation);

function withBar(/** @type {(row: import("./records.js").Allocation) => unknown} */ action) {
  const row = current();
  if (row && rights.allocate && connection.state === "ok") action(row);
}

function withVehicle(/** @type {(vehicle: import("./records.js").Vehicle) => unknown} */ action) {
  const vehicle = fleet.vehicle(timeline.at.vehicle) ?? fleet.vehicles[visibleRows()[0]];
  if (vehicle) action(vehicle);
}

async function cancelHere(/** @type {import("./records.js").Allocation} */ row) {
  const list = fleet.allocations(row.resource_id);
  const next = list[list.findIndex((one) => one.id === row.id) + 1];
  await changes.cancel(row);
  if (!fleet.allocation(row.id)) focusAt(row.resource_id, next?.id);
}

function allocateHere() {
  withVehicle((vehicle) => rights.allocate && allocateForm({ vehicle }));
}

function open() {
  const row = current();
  if (row) details(row);
  else allocateHere();
}

async function toRow(/** @type {number} */ index) {
  const last = (fleet.total ?? fleet.vehicles.length) - 1;
  const wanted = Math.max(0, Math.min(last, index));
  if (wanted >= fleet.vehicles.length) await fleet.ensure(wanted - PAGE, wanted);
  const vehicle = fleet.vehicles[Math.min(wanted, fleet.vehicles.length - 1)];
  if (!vehicle) return;
  focusAt(vehicle.id);
  await fleet.ensure(...visibleRows());
}

async function toLastRow() {
  // Without a total, all pages must be read to know the last row.
  if (fleet.total === null) while (fleet.next) await fleet.ensure(fleet.vehicles.length, fleet.vehicles.length + PAGE);
  await toRow(Infinity);
}

function toBar(/** @type {number} */ step) {
  const { vehicle, allocation } = timeline.at;
  const list = fleet.allocations(vehicle).filter((row) => row.start < fleet.range.to && row.end > fleet.range.from);
  const index = list.findIndex((row) => row.id === allocation);
  const next = index < 0 ? (step > 0 ? 0 : list.length - 1) : index + step;
  withVehicle(({ id }) => focusAt(id, list[next]?.id ?? ""));
}

/** Move the bar at the keyboard; several keys become one change. */
function moveKey(/** @type {KeyboardEvent} */ event) {
  if (!event.key.startsWith("Arrow")) return false;
  const row = moving?.row ?? current();
  if (!row || !rights.allocate || connection.state !== "ok") return true;
  const place = moving?.place ?? { vehicle: row.resource_id, start: row.start, end: row.end };
  const step = times.snapStep(fleet.range.span, false);
  const by = event.key === "ArrowLeft" ? -1 : event.key === "ArrowRight" ? 1 : 0;
  const next = { ...place };
  if (by && event.shiftKey) next.end = shifted(place.end, by, step);
  else if (by) Object.assign(next, { start: shifted(place.start, by, step), end: shifted(place.end, by, step) });
  else next.vehicle = fleet.vehicles[fleet.index(place.vehicle) + (event.key === "ArrowUp" ? -1 : 1)]?.id ?? place.vehicle;
  if (next.start >= next.end) return true;
  clearTimeout(moving?.timer);
  moving = { row, place: next, timer: setTimeout(send, COLLECT) };
  fleet.preview({ ...row, resource_id: next.vehicle, start: next.start, end: next.end });
  focusAt(next.vehicle, row.id);
  return true;
}

/** Return an instant a step later or earlier; days follow the calendar. */
function shifted(/** @type {number} */ at, /** @type {number} */ by, /** @type {number} */ step) {
  if (!Number.isFinite(at)) return at;
  return step === times.DAY ? times.addDays(at, by) + (at - times.startOfDay(at)) : at + by * step;
}

function send() {
  const done = moving;
  moving = null;
  if (done) changes.move(done.row, done.place);
}
