// @ts-check
/** The forms of the side panel: allocate, edit an allocation, register and edit a vehicle, find a free one. */

import { call, connection, Problem, repeatable, rights, server } from "./api.js";
import * as changes from "./changes.js";
import { button, byId, el, field, panel, showErrors, toast } from "./elements.js";
import { fleet, parse } from "./fleet.js";
import { details, rememberDraft, vehiclePanel } from "./panel.js";
import { draw, flash, focusAt, timeline } from "./timeline.js";
import * as times from "./times.js";

/** @typedef {import("./fleet.js").Allocation} Allocation */
/** @typedef {import("./fleet.js").Vehicle} Vehicle */
/**
 * @typedef {{vehicle?: Vehicle | null, start?: number, end?: number, kind?: string, note?: string, quantity?: number,
 *   attributes?: Record<string, any>, despiteClosed?: boolean, title?: string}} Draft
 */

/**
 * Return a form with a message line. ``send`` does the work; what it raises is shown, and the texts stay.
 * @returns {HTMLFormElement}
 */
function form(/** @type {any[]} */ content, /** @type {(submitter: string) => Promise<unknown>} */ send) {
  const message = el("p", { class: "error", role: "alert" });
  const element = el("form", { novalidate: true }, ...content, message);
  element.addEventListener("submit", async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    if (element.getAttribute("aria-busy")) return;
    const offline = connection.state !== "ok";
    message.textContent = offline ? "The service is away. Your text stays here; send it when it is back." : "";
    if (offline) return;
    element.setAttribute("aria-busy", "true");
    try {
      showErrors(element, {});
      await send(/** @type {any} */ (event.submitter)?.value ?? "");
    } catch (error) {
      showFailure(element, message, error);
    } finally {
      element.removeAttribute("aria-busy");
    }
  });
  return element;
}

function showFailure(/** @type {HTMLFormElement} */ element, /** @type {HTMLElement} */ message, /** @type {unknown} */ error) {
  if (error instanceof FieldError) showErrors(element, { [error.field]: [error.message] });
  else if (!(error instanceof Problem)) throw error;
  else if (error.isUnknown && error.code !== "busy") message.replaceChildren("Not known yet whether it was done. ", el("button", {}, "Try again"));
  else if (error.status === 429) message.textContent = `Too many requests; try again in ${error.retryAfter || 1} s.`;
  else message.textContent = showErrors(element, error.errors) || (Object.keys(error.errors).length ? "" : changes.refusalText(error));
  /** @type {HTMLElement | null} */ (element.querySelector("[aria-invalid]"))?.focus();
}

class FieldError extends Error {
  constructor(/** @type {string} */ name, /** @type {string} */ message) {
    super(message);
    this.field = name;
  }
}

/** Fields of a period; ``read`` returns it, ``onchange`` is called with each valid one. */
function periodFields(/** @type {number} */ start, /** @type {number} */ end, /** @type {(start: number, end: number) => void} */ onchange) {
  const from = instantField("From", "from_datetime", start);
  const to = instantField("To", "to_datetime", end);
  const endless = el("input", { type: "checkbox", checked: end === Infinity });
  const ever = el("input", { type: "checkbox", checked: start === -Infinity });
  const length = el("p", { class: "hint" });
  const read = () => {
    const period = { start: ever.checked ? -Infinity : from.read(), end: endless.checked ? Infinity : to.read() };
    if (Number.isNaN(period.start)) throw new FieldError("from_datetime", "A date and a time.");
    if (Number.isNaN(period.end)) throw new FieldError("to_datetime", "A date and a time.");
    if (period.start >= period.end) throw new FieldError("to_datetime", "Must be after the start.");
    return period;
  };
  const update = () => {
    from.input.disabled = ever.checked;
    to.input.disabled = endless.checked;
    try {
      const period = read();
      const duration = period.end - period.start;
      length.textContent = Number.isFinite(duration) ? times.durationText(duration) : "open";
      onchange(period.start, period.end);
    } catch {
      length.textContent = "";
    }
  };
  for (const input of [from.input, to.input, endless, ever]) input.addEventListener("input", update);
  update();
  const check = (/** @type {any} */ input, /** @type {string} */ text) => el("label", { class: "check" }, input, text);
  const more = el("details", { open: start === -Infinity }, el("summary", {}, "More"), check(ever, "since ever"));
  return { nodes: [from.node, to.node, check(endless, "until further notice"), length, more], read };
}

/** A field of an instant with its UTC time and steps of 15 minutes. An unchanged field keeps its seconds. */
function instantField(/** @type {string} */ label, /** @type {string} */ name, /** @type {number} */ at) {
  const initial = Number.isFinite(at) ? times.inputText(at) : "";
  const input = el("input", { type: "datetime-local", name, value: initial, min: "1900-01-01T00:00", max: "9000-12-31T00:00" });
  const utc = el("small", {});
  const read = () => (input.value === initial && Number.isFinite(at) ? at : times.parseInput(input.value));
  const show = () => (utc.textContent = times.isUtc() || Number.isNaN(read()) ? "" : times.utcText(read()));
  const step = (/** @type {number} */ minutes) => () => {
    const value = read();
    if (Number.isNaN(value)) return;
    input.value = times.inputText(value + minutes * times.MINUTE);
    input.dispatchEvent(new Event("input"));
  };
  input.addEventListener("input", show);
  show();
  const steps = el("span", { class: "steps" }, button("−15 min", step(-15)), button("+15 min", step(15)));
  return { node: field(label, input, el("div", {}, utc, steps)), input, read };
}

/** Fields of the kind and the note. */
function textFields(/** @type {string} */ kind, /** @type {string} */ note) {
  const kindInput = el("input", { name: "allocation_type", value: kind, list: "kinds", maxlength: 20, autocomplete: "off" });
  const noteInput = el("input", { name: "description", value: note, maxlength: 100, autocomplete: "off", "data-first": true });
  const read = () => ({ allocation_type: kindInput.value.trim() || "booking", description: noteInput.value.trim() || null });
  return { nodes: [field("Kind", kindInput), field("Note", noteInput)], read };
}

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

/** Return the value that an attribute's text stands for. */
const typed = (/** @type {string} */ text, /** @type {boolean} */ isText) =>
  !isText && /^(true|false|-?(0|[1-9]\d{0,14})(\.\d{1,9})?)$/.test(text) ? JSON.parse(text) : text;

/** Lines of attributes: a key, a value, and whether the value is a text. */
function attributeFields(/** @type {Record<string, any>} */ attributes, filterOnly = false) {
  const lines = el("div", { class: "list", "data-field": "attributes" }, el("span", { class: "error" }));
  const add = (name = "", /** @type {any} */ value = "") => {
    const isText = typeof value === "string" && typed(value, false) !== value;
    const text = button("“ ”", (event) => {
      const target = /** @type {HTMLElement} */ (event.currentTarget);
      target.setAttribute("aria-pressed", String(target.getAttribute("aria-pressed") !== "true"));
    }, { "aria-pressed": String(isText), "aria-label": "keep as text", title: "keep as text, although it reads as a number or true/false" });
    lines.append(el("div", { class: "pair" },
      el("input", { "aria-label": "attribute", list: "attribute-keys", maxlength: 64, value: name, autocomplete: "off" }),
      el("input", { "aria-label": "value", maxlength: 256, value: String(value), autocomplete: "off" }), !filterOnly && text));
  };
  for (const [name, value] of Object.entries(attributes)) add(name, value);
  if (!Object.keys(attributes).length) add();
  const read = () => Object.fromEntries([...lines.querySelectorAll(".pair")].map((line) => {
    const [name, value] = line.querySelectorAll("input");
    return [name.value.trim(), typed(value.value.trim(), line.querySelector("button")?.getAttribute("aria-pressed") === "true")];
  }).filter(([name]) => name));
  return { nodes: [lines, button("+ attribute", () => add())], read };
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
