// @ts-check
/** What the side panel shows: an allocation, a vehicle, a conflict, a vehicle out of service. */

import { call, connection, nextPage, Problem, repeatable, rights, server } from "./api.js";
import * as changes from "./changes.js";
import { button, el, panel, refuse, toast } from "./elements.js";
import { fleet } from "./fleet.js";
import { bounds, parse } from "./records.js";
import { allocateForm, editForm, findForm, vehicleForm } from "./forms.js";
import { barText, timeline } from "./bars.js";
import { draw, focusAt, scrollTo } from "./timeline.js";
import * as times from "./times.js";

/** @typedef {import("./records.js").Allocation} Allocation */
/** @typedef {import("./records.js").Vehicle} Vehicle */

/** Return a button that writes: disabled while the service is away. */
function act(/** @type {string} */ text, /** @type {() => void} */ action, attributes = {}) {
  const away = () => refuse("The service is away; nothing can be changed until it is back.");
  return button(text, () => (connection.state === "ok" ? action() : away()), { "data-write": true, ...attributes });
}

/** @returns {Node[]} */
const pairs = (/** @type {[string, string | null | undefined | false][]} */ list) =>
  list.filter(([, value]) => value).map(([name, value]) => [el("dt", {}, name), el("dd", {}, el("bdi", {}, value || ""))]).flat();

const mayChange = (/** @type {Allocation} */ row) => rights.allocate && !row.id.startsWith("taken");

/** Show an allocation, and what can be done with it. */
export function details(/** @type {Allocation} */ row) {
  panel.returnTo = () => (focusAt(row.resource_id, row.id), null);
  const vehicle = fleet.vehicle(row.resource_id);
  const { changed } = row;
  const list = el("dl", {}, ...pairs([
    ["Vehicle", vehicle?.name],
    ["Period", times.periodText(row.start, row.end)],
    ["Length", Number.isFinite(row.end - row.start) && times.durationText(row.end - row.start)],
    ["UTC", !times.isUtc() && [row.start, row.end].filter(Number.isFinite).map(times.utcText).join(" – ")],
    ["Kind", row.allocation_type],
    ["Note", row.description],
    ["Reference", row.reference],
    ["Status", row.held ? `held until ${times.clock(row.until)}` : "confirmed"],
    ["Client", row.client_id],
    ["Changed", changed?.at ? `by ${changed.by ?? "somebody"}, ${times.clock(changed.at)}` : null],
  ]));
  panel.open(row.id, row.description || row.reference || row.allocation_type, list, mayChange(row) && buttons(row, vehicle));
}

function buttons(/** @type {Allocation} */ row, /** @type {Vehicle | undefined} */ vehicle) {
  const isRunning = row.kind === "maintenance" && row.end > server.now();
  return el("p", { class: "buttons" },
    row.held && act("Confirm", () => changes.confirm(row), { class: "primary" }),
    row.held && act("+15 min", () => changes.extend(row)),
    row.held && act("Let go", () => changes.cancel(row)),
    isRunning && vehicle && act("Back in service now", () => backInService(row, vehicle), { class: "primary" }),
    act("Edit…", () => editForm(row)),
    act("Move to any other", async () => {
      const changed = await changes.moveToAny(row);
      if (changed) details(changed);
    }),
    !row.held && act("Cancel allocation", () => changes.cancel(row), { class: "danger" }),
  );
}

/** Show a vehicle, its allocations in the window, and what can be done with it. */
export function vehiclePanel(/** @type {Vehicle} */ vehicle) {
  panel.returnTo = () => (focusAt(vehicle.id), null);
  const attributes = Object.entries(vehicle.attributes).map(([name, value]) => /** @type {[string, string]} */ ([name, String(value)]));
  const closed = vehicle.closed_from && Date.parse(vehicle.closed_from);
  const list = fleet.allocations(vehicle.id);
  panel.open(vehicle.id, vehicle.name,
    el("dl", {}, ...pairs(attributes)),
    closed && el("p", {}, `Out of service from ${times.shortDay(closed)} ${times.clock(closed)}: nothing new is booked on it.`),
    el("p", { class: "buttons" },
      rights.allocate && act("Allocate…", () => allocateForm({ vehicle }), { class: "primary" }),
      rights.vehicles && act("Edit…", () => vehicleForm(vehicle)),
      rights.vehicles && !closed && act("Out of service…", () => outOfService(vehicle)),
      rights.vehicles && closed && act("Open it for bookings again", () => open(vehicle)),
      rights.vehicles && act("Take out of circulation…", () => changes.decommission(vehicle), { class: "danger" }),
    ),
    el("h3", {}, list.length ? "Allocations of this window" : "Nothing allocated in this window"),
    el("ul", { class: "list" }, ...list.map((row) => item(row, button("Show", () => show(row))))),
  );
}

const item = (/** @type {Allocation} */ row, /** @type {Node[]} */ ...actions) =>
  el("li", {}, el("span", {}, el("bdi", {}, barText(row)), `, ${row.allocation_type}, ${times.periodText(row.start, row.end)}`), el("span", { class: "buttons" }, ...actions));

/** Bring an allocation into view and show its details; the window moves if it is outside. */
export function show(/** @type {Allocation} */ row) {
  const isInView = row.start < fleet.range.to && row.end > fleet.range.from;
  const day = Number.isFinite(row.start) ? row.start : Number.isFinite(row.end) ? row.end - 1 : server.now();
  if (!isInView) return fleet.go({ day: times.startOfDay(day), focus: [row.resource_id, row.id] });
  focusAt(row.resource_id, row.id);
  const stored = fleet.allocation(row.id);
  if (stored) details(stored);
}

async function open(/** @type {Vehicle} */ vehicle) {
  const changed = await changes.patchVehicle(vehicle, { closed_from: null });
  if (!changed) return;
  toast(`${vehicle.name} can be booked again.`);
  vehiclePanel(changed);
}

async function backInService(/** @type {Allocation} */ row, /** @type {Vehicle} */ vehicle) {
  const now = Math.floor(server.now() / 1000) * 1000;
  const changed = row.start < now ? await changes.patch(row, { to_datetime: new Date(now).toISOString() }) : null;
  if (row.start >= now) await changes.cancel(row);
  else if (!changed) return;
  const current = fleet.vehicle(vehicle.id) ?? vehicle;
  if (current.closed_from && rights.vehicles && !(await changes.patchVehicle(current, { closed_from: null }))) return;
  toast(`${vehicle.name} is back in service.`);
  if (changed) details(changed);
}

/** Close a vehicle for new bookings, and offer what is left to do: move its bookings, enter the maintenance. */
async function outOfService(/** @type {Vehicle} */ vehicle) {
  const now = Math.floor(server.now() / (5 * times.MINUTE)) * 5 * times.MINUTE;
  const changed = await changes.patchVehicle(vehicle, { closed_from: new Date(now).toISOString() });
  if (!changed) return;
  toast(`Nothing new is booked on ${vehicle.name} from now on.`, { Undo: () => open(changed) });
  await outOfServicePanel(changed, now);
}

async function outOfServicePanel(/** @type {Vehicle} */ vehicle, /** @type {number} */ now) {
  const from = encodeURIComponent(new Date(now).toISOString());
  const { data, headers } = await call("GET", `${changes.vehiclePath(vehicle.id)}/allocations?from=${from}&limit=100`);
  /** @type {Allocation[]} */ const list = data.map(parse);
  const again = () => outOfServicePanel(vehicle, now);
  const moveOne = async (/** @type {Allocation} */ row) => (await changes.moveToAny(row)) && again();
  const inTheWay = list.length > 0 && el("div", { class: "conflicts" },
    el("p", {}, nextPage(headers) ? "The first 100 allocations in the way:" : "In the way:"),
    el("ul", { class: "list" }, ...list.map((row) => item(row, act("Move to any other", () => moveOne(row))))),
    list.length > 1 && act("Move all", () => moveAll(list, again)),
  );
  allocateForm({ vehicle, start: now, end: Infinity, kind: "maintenance", despiteClosed: true, title: `${vehicle.name}: out of service` }, inTheWay);
}

/** Move all allocations to other vehicles, or none. */
async function moveAll(/** @type {Allocation[]} */ list, /** @type {() => void} */ done) {
  const body = { changes: list.map(({ id, version }) => ({ id, version, resource_id: "any" })) };
  try {
    const moved = await repeatable()(`/api/${fleet.collection}/all/allocations/changes`, body);
    for (const data of moved) fleet.upsert(data);
    toast(`${moved.length} allocations moved.`);
    done();
  } catch (error) {
    await changes.explain(error, null, { vehicle: list[0].resource_id, start: list[0].start, end: list[0].end }, () => moveAll(list, done));
  }
}

/** Show what is in the way, at its place, and what else is possible. */
export async function conflictPanel(
  /** @type {Problem} */ problem,
  /** @type {import("./changes.js").Place} */ place,
  /** @type {Allocation | null} */ row,
  hasJumped = false,
) {
  const list = (problem.conflicts ?? []).map((data) => ({ ...parse({ resource_id: place.vehicle, ...data }), description: null }));
  const known = list.map((conflict) => ({ ...conflict, ...fleet.allocation(conflict.id) }));
  const vehicle = fleet.vehicle(place.vehicle);
  const name = vehicle?.name ?? "The vehicle";
  panel.returnTo = () => (focusAt(place.vehicle, row?.id), null);
  const inUse = problem.code === "resource_in_use";
  const title = inUse ? `${name} is in use` : `${name} is taken`;
  const words = inUse ? "It stays in circulation until nothing is allocated on it any more." : "Nothing was done. In the way:";
  panel.open("conflict", title,
    el("p", { class: "error", role: "alert" }, list.length ? words : "Taken by somebody else. Nothing was done."),
    list.length > 0 && el("ul", { class: "conflicts" }, ...known.map((conflict) => item(conflict, button("Show", () => show(conflict))))),
    !inUse && el("p", { class: "buttons" },
      vehicle && !row && button("Back to the form", () => allocateForm({ ...draft, vehicle })),
      vehicle && button(`Next free time on ${name}`, () => nextFree(vehicle, place, row)),
      button("Another vehicle that is free", () => findForm({ start: place.start, end: place.end })),
    ),
  );
  timeline.rings = new Set(list.map((conflict) => conflict.id));
  panel.onclose = () => {
    timeline.rings.clear();
    draw();
  };
  const [first] = known;
  // What others have taken has changed since it was loaded.
  if (!list.length) fleet.go({});
  scrollTo(place.vehicle);
  if (!first || hasJumped || (first.start < fleet.range.to && first.end > fleet.range.from)) return draw();
  // The response has no notes; they come with the window.
  fleet.go({ day: times.startOfDay(first.start), loaded: () => conflictPanel(problem, place, row, true) });
}

/** Look for the first gap of the same length, and fill in the form. */
async function nextFree(/** @type {Vehicle} */ vehicle, /** @type {import("./changes.js").Place} */ place, /** @type {Allocation | null} */ row) {
  const length = place.end - place.start;
  const start = Math.max(place.start, server.now());
  const from = encodeURIComponent(new Date(start).toISOString());
  const { data } = await call("GET", `${changes.vehiclePath(vehicle.id)}/availability?from=${from}`);
  const gap = data.free.map(bounds).find((/** @type {[number, number]} */ [left, right]) => right - left >= length);
  if (!gap) return refuse(`${vehicle.name} has no free time of this length.`);
  const begin = Math.ceil(gap[0] / times.MINUTE) * times.MINUTE;
  const wanted = { start: begin, end: begin + length };
  if (row) editForm({ ...row, resource_id: vehicle.id, ...wanted }, row);
  else allocateForm({ ...draft, vehicle, ...wanted });
  fleet.go({ day: times.startOfDay(begin), keepIfVisible: [wanted.start, wanted.end] });
}

/** @type {any} */ let draft = {};
/** Remember what was asked for, so that the next attempt is filled in. */
export const rememberDraft = (/** @type {any} */ values) => (draft = values);