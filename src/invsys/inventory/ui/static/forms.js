// @ts-check
/** The forms of the side panel: allocate, edit an allocation, register and edit a vehicle, find a free one. */

import { call, Problem, repeatable, rights, server } from "./api.js";
import * as changes from "./changes.js";
import { button, byId, el, field, panel, showErrors, toast } from "./elements.js";
import { attributeFields, form, periodFields, textFields } from "./fields.js";
import { fleet } from "./fleet.js";
import { parse } from "./records.js";
import { details, rememberDraft, vehiclePanel } from "./panel.js";
import { timeline } from "./bars.js";
import { draw, flash, focusAt } from "./timeline.js";
import * as times from "./times.js";

/** @typedef {import("./records.js").Allocation} Allocation */
/** @typedef {import("./records.js").Vehicle} Vehicle */
/**
 * @typedef {{vehicle?: Vehicle | null, start?: number, end?: number, kind?: string, note?: string, quantity?: number,
 *   attributes?: Record<string, any>, despiteClosed?: boolean, title?: string}} Draft
 */

/** Return the hour that begins next, in the window if the window does not show the present, and free as far as is known. */
function nextHour(vehicle = "") {
  const now = server.now();
  const base = now >= fleet.range.from && now < fleet.range.to ? now : fleet.range.from + 8 * times.HOUR - 1;
  const hour = Math.ceil(base / times.HOUR) * times.HOUR;
  let free = hour;
  const own = fleet.allocations(vehicle).map(({ start, end }) => /** @type {[number, number]} */ ([start, end]));
  const busy = [...own, ...fleet.takenPeriods(vehicle)].sort((a, b) => (a[0] < b[0] ? -1 : 1));
  for (const [start, end] of busy) if (start < free + times.HOUR && end > free) free = end;
  return Number.isFinite(free) ? free : hour;
}

/** Allocate a vehicle, or any (vehicle: null). */
export function allocateForm(/** @type {Draft} */ draft, /** @type {any} */ above = null) {
  const vehicle = draft.vehicle ?? null;
  const start = draft.start ?? nextHour(vehicle?.id);
  const period = periodFields(start, draft.end ?? start + times.HOUR, (from, to) => showGhost(vehicle?.id, from, to));
  const texts = textFields(draft.kind ?? "booking", draft.note ?? "");
  const hold = el("input", { type: "checkbox", name: "hold" });
  const minutes = el("input", { type: "number", name: "hold_seconds", min: 1, max: 1440, value: 15 });
  const submit = el("button", { class: "primary", "data-write": true }, "Allocate");
  const name = () => (submit.textContent = hold.checked ? `Hold for ${minutes.value} min` : "Allocate");
  for (const input of [hold, minutes]) input.addEventListener("input", name);
  const path = vehicle ? changes.vehiclePath(vehicle.id) : `/api/${fleet.collection}/any`;
  const post = repeatable();
  const read = () => ({ ...period.read(), ...texts.read() });
  const element = form([
    above, ...period.nodes, ...texts.nodes,
    el("div", { class: "check" }, el("label", { class: "check" }, hold, "hold only,"), field("minutes", minutes)),
    el("p", { class: "buttons" }, submit, button("Cancel", () => panel.close())),
  ].filter(Boolean), async () => {
    const { start: from, end: to, ...rest } = read();
    /** @type {any} */ const body = { ...changes.periodBody(from, to), ...rest };
    if (hold.checked) body.hold_seconds = Math.round(Number(minutes.value) * 60);
    if (!vehicle && draft.attributes && Object.keys(draft.attributes).length) body.attributes = draft.attributes;
    if (!vehicle && (draft.quantity ?? 1) > 1) body.quantity = draft.quantity;
    if (draft.despiteClosed) body.despite_closed = true;
    try {
      allocated(await post(`${path}/allocations`, body));
    } catch (error) {
      if (!(error instanceof Problem && error.conflicts && vehicle)) throw error;
      rememberDraft({ ...draft, start: from, end: to, kind: rest.allocation_type, note: rest.description ?? "" });
      await changes.explain(error, null, { vehicle: vehicle.id, start: from, end: to }, () => {});
    }
  });
  panel.returnTo = () => (vehicle && focusAt(vehicle.id), null);
  panel.open(`allocate ${vehicle?.id ?? ""}`, draft.title ?? `Allocate ${vehicle ? vehicle.name : "any that is free"}`, element);
  panel.onclose = () => showGhost(undefined, 0, 0);
  if (vehicle) showGhost(vehicle.id, start, draft.end ?? start + times.HOUR);
}

/** Show what was allocated. */
function allocated(/** @type {any} */ data) {
  const list = [data].flat().map(parse);
  for (const item of [data].flat()) fleet.upsert(item);
  const [row] = list;
  const names = list.map((one) => fleet.vehicle(one.resource_id)?.name ?? "a vehicle").join(", ");
  details(fleet.allocation(row.id) ?? row);
  timeline.at = { vehicle: row.resource_id, allocation: row.id };
  toast(`${names}: ${row.held ? `held until ${times.clock(row.until)}` : "allocated"}.`, list.length === 1 ? { Undo: () => changes.cancel(row) } : {});
}

function showGhost(/** @type {string | undefined} */ vehicle, /** @type {number} */ start, /** @type {number} */ end) {
  timeline.ghost = vehicle ? { vehicle, start, end, except: "" } : null;
  draw();
}

/** Edit an allocation; ``stored`` is the state that the service has, if ``row`` is a proposal. */
export function editForm(/** @type {Allocation} */ row, stored = row) {
  const period = periodFields(row.start, row.end, () => {});
  const texts = textFields(row.allocation_type, row.description ?? "");
  const element = form([...period.nodes, ...texts.nodes,
    el("p", { class: "buttons" }, el("button", { class: "primary", "data-write": true }, "Save"), button("Cancel", () => details(stored)))], async () => {
    const { start, end, ...rest } = { ...period.read(), ...texts.read() };
    const moved = start !== stored.start || end !== stored.end;
    const body = { ...rest, ...(moved ? changes.periodBody(start, end) : {}) };
    const changed = await changes.patch(stored, body, { start, end });
    if (!changed) return;
    toast("Saved.");
    details(changed);
  });
  panel.returnTo = () => (focusAt(row.resource_id, row.id), null);
  panel.open(`edit ${row.id}`, "Edit allocation", element);
}

/** Register a vehicle, or edit one. */
export function vehicleForm(/** @type {Vehicle | null} */ vehicle = null) {
  const name = el("input", { name: "name", value: vehicle?.name ?? "", maxlength: 36, autocomplete: "off", "data-first": true });
  const count = el("small", {});
  const update = () => (count.textContent = `${[...name.value.trim()].length} of 36`);
  name.addEventListener("input", update);
  update();
  const attributes = attributeFields(vehicle?.attributes ?? {});
  const post = repeatable();
  const another = !vehicle && el("button", { value: "another", "data-write": true }, "Add and another");
  const element = form([field("Name", name, count), el("p", {}, "Attributes"), ...attributes.nodes,
    el("p", { class: "buttons" }, el("button", { class: "primary", value: "", "data-write": true }, vehicle ? "Save" : "Add"), another)], async (submitter) => {
    const body = { name: name.value.trim(), attributes: attributes.read() };
    try {
      const saved = vehicle ? (await call("PATCH", changes.vehiclePath(vehicle.id), { body, version: vehicle.version })).data : await post(`/api/${fleet.collection}`, body);
      savedVehicle(saved, !vehicle, submitter === "another");
    } catch (error) {
      nameTaken(error, element, body.name);
    }
  });
  panel.returnTo = () => (vehicle ? (focusAt(vehicle.id), null) : byId("add"));
  panel.open("vehicle", vehicle ? `Edit ${vehicle.name}` : `Add to ${fleet.collection}`, element);
}

function savedVehicle(/** @type {Vehicle} */ saved, /** @type {boolean} */ isNew, /** @type {boolean} */ another) {
  fleet.upsertVehicle(saved, isNew);
  toast(isNew ? `${saved.name} is in circulation.` : "Saved.");
  if (another) return vehicleForm();
  focusAt(saved.id);
  flash(saved.id);
  vehiclePanel(saved);
}

function nameTaken(/** @type {unknown} */ error, /** @type {HTMLFormElement} */ element, /** @type {string} */ name) {
  if (!(error instanceof Problem && error.code === "name_taken")) throw error;
  showErrors(element, { name: ["Another one has this name. "] });
  element.querySelector('[data-field="name"] .error')?.append(button("Show it", () => fleet.go({ find: name, filters: {}, free: null })));
  element.querySelector("input")?.focus();
}

/** Find vehicles that are free for a whole period; the timeline then shows only these. */
export function findForm(/** @type {{start?: number, end?: number}} */ draft = {}) {
  const start = draft.start ?? nextHour();
  const period = periodFields(start, draft.end ?? start + times.HOUR, () => {});
  const attributes = attributeFields(fleet.query.filters, true);
  const quantity = el("input", { type: "number", name: "quantity", min: 1, max: 100, value: 1 });
  const element = form([el("p", { class: "hint" }, `Among ${fleet.collection}`), ...period.nodes, el("p", {}, "Only with"), ...attributes.nodes, field("How many", quantity),
    el("p", { class: "buttons" }, el("button", { class: "primary" }, "Find"), button("Cancel", () => panel.close()))], async () => {
    const { start: from, end: to } = period.read();
    const wanted = { from, to, quantity: Math.min(100, Math.max(1, Math.round(Number(quantity.value)) || 1)), attributes: attributes.read() };
    fleet.go({ free: { from, to }, filters: Object.fromEntries(Object.entries(wanted.attributes).map(([name, value]) => [name, String(value)])), find: "",
      day: times.startOfDay(Number.isFinite(from) ? from : server.now()), keepIfVisible: [from, to], loaded: () => freePanel(wanted) });
  });
  panel.returnTo = () => byId("find-free");
  panel.open("find", "Find a free one", element);
  /** @type {HTMLElement | null} */ (element.querySelector("input"))?.focus();
}

/** List the vehicles that are free. */
function freePanel(/** @type {{from: number, to: number, quantity: number, attributes: Record<string, any>}} */ wanted) {
  const { from, to, quantity } = wanted;
  const some = fleet.vehicles.slice(0, 20);
  const draft = { start: from, end: to };
  const again = (/** @type {any} */ other) => () => findForm({ start: other.start ?? from, end: other.end ?? to });
  const later = (/** @type {number} */ at) => (Number.isFinite(at) ? times.addDays(at, 1) + (at - times.startOfDay(at)) : at);
  if (!fleet.vehicles.length) {
    return panel.open("find", "None is free for all of it", el("p", {}, times.periodText(from, to)), el("p", { class: "buttons" },
      to - from > times.HOUR && button("One hour shorter", again({ end: to - times.HOUR })),
      button("A day later", again({ start: later(from), end: later(to) })),
      ...Object.keys(JSON.parse(document.body.dataset.collections ?? "{}")).filter((other) => other !== fleet.collection).map((other) => button(`Among ${other}`, () => fleet.go({ type: other, filters: {}, loaded: () => freePanel(wanted) })))));
  }
  const any = rights.allocate && button(quantity > 1 ? `Any ${quantity} of them` : "Any of them", () => allocateForm({ ...draft, vehicle: null, quantity, attributes: wanted.attributes }), { class: "primary", "data-first": true });
  panel.open("find", `${fleet.total ?? "Many"} free`, el("p", {}, times.periodText(from, to)), el("p", { class: "buttons" }, any),
    el("ul", { class: "list" }, ...some.map((vehicle) => el("li", {}, el("bdi", {}, vehicle.name), rights.allocate && button("Allocate", () => allocateForm({ ...draft, vehicle }))))));
}
