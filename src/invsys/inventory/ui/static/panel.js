// @ts-check
/** What the side panel shows: an allocation, a vehicle, a conflict, free vehicles. */

import { bounds, call, nextPage, now, parse, rights } from "./api.js";
import * as changes from "./changes.js";
import { fleet } from "./fleet.js";
import { allocateForm, editForm, findForm, vehicleForm } from "./forms.js";
import { act, bdi, button, buttons, byId, el, panel, refuse, toast } from "./shell.js";
import { barText, draw, focusAt, nameOf, scrollTo, timeline } from "./timeline.js";
import * as times from "./times.js";

/** @import { Allocation, Problem, Vehicle } from "./api.js" */
/** @import { Place } from "./changes.js" */

const pairs = (/** @type {[string, any][]} */ list) =>
  el("dl", list.map(([name, value]) => (value ? [el("dt", name), el("dd", bdi(value))] : [])).flat());

/** Show an allocation as it is now, and what can be done with it. The panel follows its changes by others. */
export function details(/** @type {Allocation} */ known) {
  const row = fleet.allocation(known.id) ?? known;
  const { id, start, end, changed, held } = row;
  const vehicle = fleet.vehicle(row.resource_id);
  const sides = [start, end].filter(Number.isFinite);
  const isRunning = row.kind === "maintenance" && end > now();
  const isGone = fleet.removed.has(id) && row.until > now();
  const update = () => {
    const current = fleet.allocation(id) ?? row;
    if (current.version !== row.version || isGone !== (fleet.removed.has(id) && row.until > now())) details(current);
  };
  panel.open(
    { subject: id, title: nameOf(row), back: () => focusAt(row.resource_id, id), update },
    pairs([
      ["Vehicle", vehicle?.name],
      ["Period", times.periodText(start, end)],
      ["Length", Number.isFinite(end - start) && times.durationText(end - start)],
      ["UTC", sides.some((at) => !times.isUtc(at)) && sides.map((at) => times.utcText(at)).join(" – ")],
      ["Kind", row.allocation_type],
      ["Note", row.description],
      ["Reference", row.reference],
      ["Status", isGone ? "cancelled" : held ? `held until ${times.clock(row.until)}` : "confirmed"],
      ["Client", row.client_id],
      ["Changed", changed && `by ${changed.by ?? "somebody"}, ${times.clock(changed.at)}`],
    ]),
    rights.allocate && !isGone && buttons(
      held && act("Confirm", () => changes.confirm(row), { class: "primary" }),
      held && act("+15 min", () => changes.extend(row)),
      held && act("Let go", () => changes.cancel(row)),
      isRunning && vehicle &&
        act("Back in service now", () => backInService(row, vehicle), { class: "primary" }),
      act("Edit…", () => editForm(row)),
      act("Move to any other", async () => {
        const moved = await changes.moveToAny(row);
        if (moved && panel.isOpen(id)) details(moved);
      }),
      !held && act("Cancel allocation", () => changes.cancel(row), { class: "danger" }),
    ),
  );
}

/** Show a vehicle, its allocations in the window, and what can be done with it. */
export function vehiclePanel(/** @type {Vehicle} */ vehicle) {
  const { id, name, attributes } = vehicle;
  const closed = vehicle.closed_from && Date.parse(vehicle.closed_from);
  const list = fleet.allocations(id);
  const state = () => JSON.stringify([fleet.vehicle(id), fleet.allocations(id)]);
  const before = state();
  const update = () => state() !== before && vehiclePanel(fleet.vehicle(id) ?? vehicle);
  panel.open(
    { subject: id, title: name, back: () => focusAt(id), update },
    pairs(Object.entries(attributes).map(([key, value]) => [key, String(value)])),
    closed && el("p", `Out of service from ${times.moment(closed)}: nothing new is booked on it.`),
    buttons(
      rights.allocate && act("Allocate…", () => allocateForm({ vehicle }), { class: "primary" }),
      rights.vehicles && [
        act("Edit…", () => vehicleForm(vehicle)),
        closed && act("Open it for bookings again", () => open(vehicle, () => panel.isOpen(id))),
        !closed && act("Out of service…", () => close(vehicle)),
        act("Take out of circulation…", () => changes.decommission(vehicle), { class: "danger" }),
      ],
    ),
    el("h3", list.length ? "Allocations of this window" : "Nothing allocated in this window"),
    el("ul.list", list.map((row) => item(row, button("Show", () => show(row))))),
  );
}

const item = (/** @type {Allocation} */ row, action) =>
  el("li", el("span", bdi(barText(row)), `, ${row.allocation_type}, ${times.periodText(row.start, row.end)}`), action);

/** Bring an allocation into view and show its details; the window moves if it is outside. */
export function show(/** @type {Allocation} */ row) {
  const { id, resource_id: vehicle, start, end } = row;
  const at = Number.isFinite(start) ? start : Number.isFinite(end) ? end - 1 : now();
  if (!fleet.isInView(row)) return fleet.go({ day: times.startOfDay(at), focus: [vehicle, id] });
  focusAt(vehicle, id);
  if (fleet.allocation(id)) details(row);
}

/** Open a vehicle for bookings, and show it unless something else is shown by then. */
async function open(/** @type {Vehicle} */ vehicle, isShown = () => true) {
  const changed = await changes.patchVehicle(vehicle, { closed_from: null });
  if (!changed) return;
  toast(`${vehicle.name} can be booked again.`);
  if (isShown()) vehiclePanel(changed);
}

/** End the maintenance of a vehicle, and open the vehicle for bookings. */
async function backInService(/** @type {Allocation} */ row, /** @type {Vehicle} */ vehicle) {
  const present = Math.floor(now() / 1000) * 1000;
  const hasBegun = row.start < present;
  const changed = hasBegun && (await changes.patch(row, { to_datetime: times.iso(present) }));
  if (!hasBegun) await changes.cancel(row);
  else if (!changed) return;
  const current = fleet.vehicle(vehicle.id) ?? vehicle;
  if (current.closed_from && rights.vehicles && !(await changes.patchVehicle(current, { closed_from: null }))) return;
  toast(`${vehicle.name} is back in service.`);
  if (changed && panel.isOpen(row.id)) details(changed);
}

/** Close a vehicle for new bookings, and offer what is left to do: move its bookings, enter the maintenance. */
async function close(/** @type {Vehicle} */ vehicle) {
  const step = 5 * times.MINUTE;
  const start = Math.floor(now() / step) * step;
  const changed = await changes.patchVehicle(vehicle, { closed_from: times.iso(start) });
  if (!changed) return;
  toast(`Nothing new is booked on ${vehicle.name} from now on.`, { Undo: () => open(changed) });
  // If the user has left the vehicle, the form must not replace what is opened of it later.
  if (!panel.isOpen(vehicle.id)) return;
  const conflicts = el("div.conflicts");
  await showConflicts(conflicts, vehicle, start);
  const form = { title: `${vehicle.name}: out of service`, kind: "maintenance", despiteClosed: true };
  if (panel.isOpen(vehicle.id)) allocateForm({ vehicle, start, end: Infinity, ...form }, conflicts);
}

/** List in an element what is in the way; the list follows the moves. */
async function showConflicts(element, /** @type {Vehicle} */ vehicle, start) {
  const { data, headers } = await call(
    "GET",
    `${changes.vehiclePath(vehicle.id)}/allocations?from=${times.iso(start)}&limit=100`,
  );
  /** @type {Allocation[]} */ const list = data.map(parse);
  const again = async () => {
    await showConflicts(element, vehicle, start);
    const next = element.querySelector("button") ?? byId("panel-body").querySelector("[data-first]");
    // The button that was pressed is gone.
    if (document.activeElement === document.body) next?.focus();
  };
  const move = (row) => act("Move to any other", async () => (await changes.moveToAny(row)) && again());
  element.hidden = !list.length;
  element.replaceChildren(
    el("p", nextPage(headers) ? "The first 100 in the way:" : "In the way:"),
    el("ul.list", list.map((row) => item(row, move(row)))),
    list.length > 1 ? act("Move all", () => changes.moveAll(list, again)) : "",
  );
}

/**
 * Show what is in the way, at its place, and what else is possible.
 * @param {Problem} problem @param {Place} place @param {Allocation | null} row the allocation that was to be changed
 * @param {import("./forms.js").Draft} [draft] what else was asked for
 */
function conflict(problem, place, row, draft = {}, isMoved = false) {
  const vehicle = fleet.vehicle(place.vehicle);
  const name = vehicle?.name ?? "The vehicle";
  const isInUse = problem.code === "resource_in_use";
  const list = (problem.conflicts ?? []).map((data) => {
    const parsed = parse({ resource_id: place.vehicle, description: null, ...data });
    return { ...parsed, ...fleet.allocation(parsed.id) };
  });
  const inUse = "It stays in circulation until nothing is allocated on it any more.";
  const words = isInUse ? inUse : "Nothing was done. In the way:";
  const title = `${name} is ${isInUse ? "in use" : "taken"}`;
  const ended = () => {
    timeline.rings.clear();
    draw();
  };
  panel.open(
    { title, back: () => focusAt(place.vehicle, row?.id), ended },
    el("p.error", { role: "alert" }, list.length ? words : "Taken by somebody else. Nothing was done."),
    list.length > 0 && el("ul.conflicts", list.map((one) => item(one, button("Show", () => show(one))))),
    !isInUse && buttons(
      vehicle && !row && button("Back to the form", () => allocateForm({ ...draft, vehicle })),
      vehicle && button(`Next free time on ${name}`, () => nextFree(vehicle, place, row, draft)),
      button("Another vehicle that is free", () => findForm(place)),
    ),
  );
  timeline.rings = new Set(list.map(({ id }) => id));
  scrollTo(place.vehicle);
  draw();
  // What others have taken has changed since it was loaded.
  if (!list.length) return fleet.go({});
  if (isMoved || fleet.isInView(list[0])) return;
  // The response has no notes; they come with the window.
  fleet.go({ day: times.startOfDay(list[0].start), loaded: () => conflict(problem, place, row, draft, true) });
}

/** Look for the first gap of the same length, and fill in the form. */
async function nextFree(/** @type {Vehicle} */ vehicle, /** @type {Place} */ place, row, draft) {
  const length = place.end - place.start;
  const from = times.iso(Math.max(place.start, now()));
  const { data } = await call("GET", `${changes.vehiclePath(vehicle.id)}/availability?from=${from}`);
  const gap = data.free.map(bounds).find(([left, right]) => right - left >= length);
  if (!gap) return refuse(`${vehicle.name} has no free time of this length.`);
  const start = Math.ceil(gap[0] / times.MINUTE) * times.MINUTE;
  const wanted = { start, end: start + length };
  if (row) editForm(row, wanted);
  else allocateForm({ ...draft, vehicle, ...wanted });
  fleet.go({ day: times.startOfDay(start), keepIfVisible: [start, wanted.end] });
}

/** List the vehicles that are free. */
function free(/** @type {{start: number, end: number, quantity: number, attributes: object}} */ wanted) {
  const { start, end, quantity } = wanted;
  const { vehicles, total, collection } = fleet;
  const words = el("p", times.periodText(start, end));
  const another = (text, period) => button(text, () => findForm(period));
  const later = (at) => (Number.isFinite(at) ? times.laterDay(at, 1) : at);
  const loaded = () => free({ ...wanted, attributes: {} });
  const among = (type) => button(`Among ${type}`, () => fleet.go({ type, filters: {}, loaded }));
  const types = [...byId("type-list").options].map(({ value }) => value);
  const others = types.filter((type) => type !== collection);
  if (!vehicles.length) {
    return panel.open({ title: "None is free for all of it" }, words, buttons(
      end - start > times.HOUR && another("One hour shorter", { start, end: end - times.HOUR }),
      another("A day later", { start: later(start), end: later(end) }),
      others.map(among)));
  }
  const allocate = (text, draft, attributes = {}) =>
    rights.allocate && button(text, () => allocateForm({ start, end, ...draft }), attributes);
  const any = quantity > 1 ? `Any ${quantity} of them` : "Any of them";
  const rows = vehicles.slice(0, 20).map((vehicle) => el("li", bdi(vehicle.name), allocate("Allocate", { vehicle })));
  const first = buttons(allocate(any, wanted, { class: "primary", "data-first": true }));
  panel.open({ title: `${total ?? "Many"} free` }, words, first, el("ul.list", rows));
}

Object.assign(changes.views, { details, free, conflict, vehicle: vehiclePanel, allocate: allocateForm });
