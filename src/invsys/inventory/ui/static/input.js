// @ts-check
/** The pointer and the keyboard in the grid. Single letters act only there (WCAG 2.1.4). */

import { rights, service } from "./api.js";
import * as changes from "./changes.js";
import { byId, panel } from "./shell.js";
import { fleet } from "./fleet.js";
import { allocateForm } from "./forms.js";
import { details, vehiclePanel } from "./panel.js";
import { drawRow, focusAt, setTabStop, timeAt, timeline, vehicleAt, visibleRows } from "./timeline.js";
import * as times from "./times.js";

/** @import { Allocation } from "./api.js" */
/** @typedef {{mode: string, x: number, y: number, at: number, vehicle: string, row?: Allocation}} Drag */

// Pixels that a press may move and still be a click, and milliseconds after which a touch begins to drag.
const THRESHOLD = 5;
const LONG_PRESS = 400;
// Pixels at the upper and the lower edge of the view in which a drag scrolls the rows.
const EDGE = 28;
// Rows of Page up and Page down.
const PAGE = 15;

/** @type {Drag | null} */ let drag = null;
let isActive = false;
let pointer = { x: 0, y: 0, isFine: false };
let [pressTimer, scrollTimer] = [0, 0];

const mayWrite = () => rights.allocate && service.state === "ok";
const barOf = ({ target }) => target.closest("button.bar");
const allocationOf = (bar) => fleet.allocation(bar?.dataset.id);

/** Watch the pointer: a new allocation on a free place, a bar to another time or row, and the ends of a bar. */
export function watchPointer() {
  const rows = byId("rows");
  rows.addEventListener("pointerdown", press);
  rows.addEventListener("pointermove", showEdge);
  rows.addEventListener("click", tap);
  addEventListener("pointermove", moved);
  addEventListener("pointerup", drop);
  addEventListener("pointercancel", stop);
  rows.addEventListener("touchmove", prevent, { passive: false });
  rows.addEventListener("contextmenu", prevent);
}

/** Without it, the browser scrolls the rows and ends a drag that began with a long press. */
const prevent = (event) => isActive && event.preventDefault();

const point = ({ clientX, clientY, altKey }) => (pointer = { x: clientX, y: clientY, isFine: altKey });

function press(event) {
  const { target, button, clientX: x, clientY: y, pointerType } = event;
  const track = target.closest(".track");
  const bar = barOf(event);
  const row = allocationOf(bar);
  if (button || !track || target.closest(".taken") || !mayWrite() || (bar && !row)) return;
  point(event);
  const isTouch = pointerType === "touch";
  const mode = !row ? "new" : isTouch ? "move" : zone(bar, row, x);
  drag = { mode, x, y, at: timeAt(x), vehicle: track.parentElement.dataset.id, row };
  if (!isTouch) return;
  // The drag draws the row again, and then touches of its former element do not reach the rows.
  target.addEventListener("touchmove", prevent, { passive: false });
  pressTimer = setTimeout(begin, LONG_PRESS);
}

function begin() {
  // Only telephones vibrate.
  navigator.vibrate?.(10);
  isActive = true;
  document.body.classList.add("dragging");
  scrollTimer = setInterval(scrollAtEdge, 60);
  show();
}

/** Return what a press on a bar moves: all of it, or one end that is in view. */
function zone(bar, /** @type {Allocation} */ { start, end }, x) {
  const { left, right, width } = bar.getBoundingClientRect();
  const edge = width < 24 ? 0 : width > 40 ? 11 : 7;
  if (x - left < edge && start >= fleet.range.from) return "start";
  return right - x < edge && end <= fleet.range.to ? "end" : "move";
}

function showEdge(event) {
  const bar = barOf(event);
  const row = allocationOf(bar);
  if (!row || drag || event.pointerType === "touch" || !rights.allocate) return;
  bar.classList.toggle("edge", zone(bar, row, event.clientX) !== "move");
}

function moved(event) {
  if (!drag) return;
  point(event);
  if (isActive) return show();
  if (Math.hypot(pointer.x - drag.x, pointer.y - drag.y) <= THRESHOLD) return;
  // A finger that moves before the long press scrolls.
  if (event.pointerType === "touch") stop();
  else begin();
}

/** Return where a drag would put the allocation. @returns {changes.Place} */
function place(/** @type {Drag} */ { mode, x, at, vehicle, row }) {
  const step = times.snapStep(fleet.range.span, pointer.isFine);
  const here = timeAt(pointer.x);
  const snapped = times.snap(here, step);
  if (!row) {
    const start = times.floor(Math.min(at, here), step);
    return { vehicle, start, end: Math.max(times.snap(Math.max(at, here), step), times.snap(start + step, step)) };
  }
  const { start, end } = row;
  const least = Math.min(step, end - start);
  if (mode === "start") return { vehicle, start: Math.min(snapped, end - least), end };
  if (mode === "end") return { vehicle, start, end: Math.max(snapped, start + least) };
  const anchor = Number.isFinite(start) ? start : end;
  // A bar that is only moved to another row keeps its time, also one that is not on a step.
  const isSideways = Math.abs(pointer.x - x) > THRESHOLD && Number.isFinite(anchor);
  const shift = isSideways ? times.snap(anchor + here - at, step) - anchor : 0;
  return { vehicle: vehicleAt(pointer.y)?.id ?? vehicle, start: start + shift, end: end + shift };
}

function show() {
  if (!drag) return;
  if (drag.row) timeline.pending.add(drag.row.id);
  showGhost({ ...place(drag), except: drag.row?.id }, drag.vehicle);
}

function showGhost(/** @type {typeof timeline.ghost} */ ghost, vehicle) {
  const rows = new Set([timeline.ghost?.vehicle, ghost?.vehicle, vehicle]);
  timeline.ghost = ghost;
  for (const id of rows) drawRow(id);
}

function scrollAtEdge() {
  const grid = byId("grid");
  const { top, bottom } = grid.getBoundingClientRect();
  if (pointer.y < top + byId("scale").offsetHeight + EDGE) grid.scrollTop -= 16;
  else if (pointer.y > bottom - EDGE) grid.scrollTop += 16;
  else return;
  show();
}

function drop() {
  const dropped = isActive && drag;
  stop();
  if (!dropped) return;
  // The browser sends a click after a drag; it must not open the bar on which the drag ended.
  const swallow = (event) => event.stopPropagation();
  addEventListener("click", swallow, { capture: true, once: true });
  setTimeout(() => removeEventListener("click", swallow, { capture: true }), 0);
  const wanted = place(dropped);
  if (dropped.row) changes.move(dropped.row, wanted);
  else allocateForm({ ...wanted, vehicle: fleet.vehicle(wanted.vehicle) });
}

function stop() {
  clearTimeout(pressTimer);
  clearInterval(scrollTimer);
  document.body.classList.remove("dragging");
  if (isActive && drag) {
    if (drag.row) timeline.pending.delete(drag.row.id);
    showGhost(null, drag.vehicle);
  }
  drag = null;
  isActive = false;
}

/** Show what was clicked. A tap on a free place asks for the hour that was tapped. */
function tap(event) {
  const { target, pointerType, clientX } = event;
  const row = allocationOf(barOf(event));
  const vehicle = fleet.vehicle(target.closest(".row")?.dataset.id);
  if (row) return details(row);
  if (vehicle && target.closest(".name")) return vehiclePanel(vehicle);
  if (!vehicle || pointerType !== "touch" || !target.matches(".track") || !rights.allocate) return;
  const start = times.floor(timeAt(clientX), times.HOUR);
  allocateForm({ vehicle, start, end: start + times.HOUR });
}

/** Watch the keyboard; ``acts`` are those of the toolbar. */
export function watchKeys(/** @type {Record<string, (span?: any) => unknown>} */ acts) {
  const grid = byId("grid");
  grid.addEventListener("keydown", (event) => {
    if (!(event.altKey ? moveKey(event) : plainKey(event, acts))) return;
    event.preventDefault();
    event.stopPropagation();
  });
  grid.addEventListener("focusin", ({ target }) => {
    const row = target.closest(".row");
    if (!row) return;
    timeline.at = { vehicle: row.dataset.id, allocation: target.dataset.id ?? "" };
    setTabStop();
  });
  const escape = (event) => {
    if (event.key !== "Escape" || document.querySelector("dialog[open]")) return;
    if (!isActive) return panel.close();
    event.stopPropagation();
    stop();
  };
  addEventListener("keydown", escape, true);
}

/** @returns {boolean} whether the key was one of ours */
function plainKey({ key, ctrlKey, metaKey }, acts) {
  const index = Math.max(0, fleet.index(timeline.at.vehicle));
  const vehicle = fleet.vehicle(timeline.at.vehicle) ?? fleet.vehicles[visibleRows()[0]];
  const row = fleet.allocation(timeline.at.allocation);
  const to = (change) => () => toRow(index + change);
  const allocate = () => vehicle && rights.allocate && allocateForm({ vehicle });
  const open = () => (row ? details(row) : allocate());
  const span = (days) => () => acts.span(days);
  const ofRow = { c: () => row?.held && changes.confirm(row), Delete: () => row && changes.cancel(row) };
  const actions = ctrlKey || metaKey ? { Home: to(-Infinity), End: to(Infinity) } : {
    ArrowUp: to(-1), ArrowDown: to(1), PageUp: to(-PAGE), PageDown: to(PAGE),
    ArrowLeft: () => toBar(vehicle, -1), ArrowRight: () => toBar(vehicle, 1),
    "[": acts.earlier, "]": acts.later, t: acts.today, g: acts.day, 1: span(1), 2: span(7), 3: span(28),
    "/": acts.find, f: acts["find-free"], "?": acts.help, n: allocate, Enter: open, " ": open,
    m: () => vehicle && vehiclePanel(vehicle), ...(mayWrite() && ofRow),
  };
  if (!Object.hasOwn(actions, key)) return false;
  actions[key]();
  return true;
}

async function toRow(index) {
  // Without a total, all pages must be read to know the last row.
  if (index === Infinity && fleet.total === null) await fleet.ensure(0, Infinity);
  const wanted = Math.max(0, Math.min((fleet.total ?? fleet.vehicles.length) - 1, index));
  if (wanted >= fleet.vehicles.length) await fleet.ensure(wanted - PAGE, wanted);
  const vehicle = fleet.vehicles[Math.min(wanted, fleet.vehicles.length - 1)];
  if (!vehicle) return;
  focusAt(vehicle.id);
  await fleet.ensure(...visibleRows());
}

function toBar(vehicle, step) {
  const list = vehicle ? fleet.allocations(vehicle.id).filter(fleet.isInView) : [];
  const index = list.findIndex(({ id }) => id === timeline.at.allocation);
  const next = list[index >= 0 ? index + step : step > 0 ? 0 : list.length - 1];
  if (vehicle) focusAt(vehicle.id, next?.id);
}

/** Move the bar at the keyboard, or its end, by a step or a row. */
function moveKey({ key, shiftKey }) {
  const row = fleet.allocation(timeline.at.allocation);
  if (!key.startsWith("Arrow")) return false;
  const [steps, rows] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key] ?? [0, 0];
  if (row && mayWrite()) changes.nudge(row, steps, rows, shiftKey);
  return true;
}
