// @ts-check
/** Dragging: a new allocation on a free place, a bar to another time or row, and the ends of a bar. */

import { connection, rights } from "./api.js";
import * as changes from "./changes.js";
import { byId } from "./elements.js";
import { fleet } from "./fleet.js";
import { allocateForm } from "./forms.js";
import { timeline } from "./bars.js";
import { drawRow, timeAt, vehicleAt } from "./timeline.js";
import * as times from "./times.js";

/** @typedef {import("./records.js").Allocation} Allocation */
/** @typedef {"new" | "move" | "start" | "end"} Mode */
/** @typedef {{mode: Mode, x: number, y: number, at: number, vehicle: string, row: Allocation | null, active: boolean}} Drag */

const THRESHOLD = 5;
const LONG_PRESS = 400;
// Pixels at the upper and the lower edge of the view in which a drag scrolls the rows.
const EDGE = 28;

/** @type {Drag | null} */ let drag = null;
/** @type {{x: number, y: number, fine: boolean}} */ let pointer = { x: 0, y: 0, fine: false };
let pressTimer = 0;
let scrollTimer = 0;

export function watchDragging() {
  const rows = byId("rows");
  rows.addEventListener("pointerdown", press);
  rows.addEventListener("pointermove", hoverEdge);
  addEventListener("pointermove", moved);
  addEventListener("pointerup", drop);
  addEventListener("pointercancel", stop);
  addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !drag?.active) return;
    event.stopPropagation();
    stop();
  }, true);
  // Without it, the browser scrolls the rows and ends a drag that began with a long press.
  rows.addEventListener("touchmove", (/** @type {TouchEvent} */ event) => drag?.active && event.preventDefault(), { passive: false });
  rows.addEventListener("contextmenu", (/** @type {Event} */ event) => drag?.active && event.preventDefault());
  rows.addEventListener("click", tapFreePlace);
}

function press(/** @type {PointerEvent} */ event) {
  const target = /** @type {HTMLElement} */ (event.target);
  const track = target.closest(".track");
  if (event.button || !track || target.closest(".taken") || !rights.allocate || connection.state !== "ok") return;
  const bar = /** @type {HTMLElement | null} */ (target.closest(".bar"));
  const row = bar ? fleet.allocation(bar.dataset.id ?? "") ?? null : null;
  const vehicle = /** @type {HTMLElement} */ (track.parentElement).dataset.id ?? "";
  if (bar && !row) return;
  pointer = { x: event.clientX, y: event.clientY, fine: event.altKey };
  const mode = bar && row ? (event.pointerType === "touch" ? "move" : zone(bar, row, event.clientX)) : "new";
  drag = { mode, x: event.clientX, y: event.clientY, at: timeAt(event.clientX), vehicle, row, active: false };
  if (event.pointerType === "touch") pressTimer = setTimeout(longPress, LONG_PRESS);
}

function longPress() {
  navigator.vibrate?.(10);
  begin();
  show();
}

function begin() {
  if (!drag) return;
  drag.active = true;
  document.body.classList.add("dragging");
  scrollTimer = setInterval(scrollAtEdge, 60);
}

/** Return what a press on a bar moves: all of it, or one end that is in view. @returns {Mode} */
function zone(/** @type {HTMLElement} */ bar, /** @type {Allocation} */ row, /** @type {number} */ x) {
  const box = bar.getBoundingClientRect();
  if (box.width < 24) return "move";
  const edge = box.width > 40 ? 11 : 7;
  if (x - box.left < edge && row.start >= fleet.range.from) return "start";
  if (box.right - x < edge && row.end <= fleet.range.to) return "end";
  return "move";
}

function hoverEdge(/** @type {PointerEvent} */ event) {
  const bar = /** @type {HTMLElement | null} */ (/** @type {HTMLElement} */ (event.target).closest(".bar"));
  const row = bar && fleet.allocation(bar.dataset.id ?? "");
  if (!bar || !row || drag || event.pointerType === "touch" || !rights.allocate) return;
  bar.classList.toggle("edge", zone(bar, row, event.clientX) !== "move");
}

function moved(/** @type {PointerEvent} */ event) {
  if (!drag) return;
  pointer = { x: event.clientX, y: event.clientY, fine: event.altKey };
  const distance = Math.hypot(event.clientX - drag.x, event.clientY - drag.y);
  if (!drag.active) {
    if (distance <= THRESHOLD) return;
    // A finger that moves before the long press scrolls.
    if (event.pointerType === "touch") return stop();
    begin();
  }
  show();
}

/** Return where the drag would put the allocation. @returns {changes.Place} */
function place(/** @type {Drag} */ { mode, at, vehicle, row }) {
  const step = times.snapStep(fleet.range.span, pointer.fine);
  const now = timeAt(pointer.x);
  if (mode === "new" || !row) {
    const first = floor(Math.min(at, now), step);
    return { vehicle, start: first, end: Math.max(times.snap(Math.max(at, now), step), times.snap(first + step, step)) };
  }
  const { start, end } = row;
  if (mode === "start") return { vehicle, start: Math.min(times.snap(now, step), end - Math.min(step, end - start)), end };
  if (mode === "end") return { vehicle, start, end: Math.max(times.snap(now, step), start + Math.min(step, end - start)) };
  const target = vehicleAt(pointer.y)?.id ?? vehicle;
  const anchor = Number.isFinite(start) ? start : end;
  // A bar that is only moved to another row keeps its time, also one that is not on a step.
  const isSideways = Math.abs(pointer.x - (drag?.x ?? 0)) > THRESHOLD && Number.isFinite(anchor);
  const shift = isSideways ? times.snap(anchor + now - at, step) - anchor : 0;
  return { vehicle: target, start: start + shift, end: end + shift };
}

function floor(/** @type {number} */ at, /** @type {number} */ step) {
  const snapped = times.snap(at, step);
  return snapped > at ? times.snap(snapped - step, step) : snapped;
}

function show() {
  if (!drag?.active) return;
  const wanted = place(drag);
  const before = timeline.ghost?.vehicle;
  timeline.ghost = { ...wanted, except: drag.row?.id ?? "" };
  if (drag.row) timeline.pending.add(drag.row.id);
  for (const id of new Set([before, wanted.vehicle, drag.vehicle])) if (id) drawRow(id);
}

function scrollAtEdge() {
  const box = byId("grid").getBoundingClientRect();
  const top = box.top + byId("scale").offsetHeight;
  if (pointer.y < top + EDGE) byId("grid").scrollTop -= 16;
  else if (pointer.y > box.bottom - EDGE) byId("grid").scrollTop += 16;
  else return;
  show();
}

function drop() {
  const dropped = drag;
  stop();
  if (!dropped?.active) return;
  swallowClick();
  const wanted = place(dropped);
  if (dropped.row) return changes.move(dropped.row, wanted);
  const vehicle = fleet.vehicle(wanted.vehicle);
  if (vehicle) allocateForm({ vehicle, start: wanted.start, end: wanted.end });
}

/** The browser sends a click after a drag; it must not open the bar on which the drag ended. */
function swallowClick() {
  const swallow = (/** @type {Event} */ event) => event.stopPropagation();
  addEventListener("click", swallow, { capture: true, once: true });
  setTimeout(() => removeEventListener("click", swallow, { capture: true }), 0);
}

function stop() {
  clearTimeout(pressTimer);
  clearInterval(scrollTimer);
  const stopped = drag;
  drag = null;
  if (!stopped?.active) return;
  document.body.classList.remove("dragging");
  const ghost = timeline.ghost?.vehicle;
  timeline.ghost = null;
  if (stopped.row) timeline.pending.delete(stopped.row.id);
  for (const id of new Set([ghost, stopped.vehicle])) if (id) drawRow(id);
}

/** A tap on a free place asks for the hour that was tapped. */
function tapFreePlace(/** @type {PointerEvent} */ event) {
  const target = /** @type {HTMLElement} */ (event.target);
  if (event.pointerType !== "touch" || !target.classList.contains("track") || !rights.allocate) return;
  const vehicle = fleet.vehicle(/** @type {HTMLElement} */ (target.parentElement).dataset.id ?? "");
  const start = floor(timeAt(event.clientX), times.HOUR);
  if (vehicle) allocateForm({ vehicle, start, end: start + times.HOUR });
}
