// @ts-check
/** The forms of the side panel: allocate, edit an allocation, register and edit a vehicle, find a free one. */

import { now, parse, Problem, repeatable } from "./api.js";
import * as changes from "./changes.js";
import { views } from "./changes.js";
import { button, byId, makeForm, panel, showErrors, toast } from "./shell.js";
import { fleet } from "./fleet.js";
import { draw, flash, focusAt, focusGrid, timeline } from "./timeline.js";
import * as times from "./times.js";

/** @import { Allocation, Vehicle } from "./api.js" */

const wrong = (field, text) => new Problem(422, { errors: { [field]: [text] } });

/** Fill in the period of a form; return a function that reads it. ``onchange`` is called with each valid one. */
function watchPeriod(form, start, end, /** @type {(start: number, end: number) => void} */ onchange = () => {}) {
  const { from_datetime: from, to_datetime: to, ever, endless } = form.elements;
  ever.checked = form.querySelector("details").open = start === -Infinity;
  endless.checked = end === Infinity;
  const readStart = watchInstant(from, start);
  const readEnd = watchInstant(to, end);
  const read = () => {
    const period = { start: ever.checked ? -Infinity : readStart(), end: endless.checked ? Infinity : readEnd() };
    for (const [name, at] of [["from_datetime", period.start], ["to_datetime", period.end]]) {
      if (Number.isNaN(at)) throw wrong(name, "A date and a time.");
    }
    if (period.start >= period.end) throw wrong("to_datetime", "Must be after the start.");
    return period;
  };
  const update = () => {
    from.disabled = ever.checked;
    to.disabled = endless.checked;
    let words = "";
    try {
      const period = read();
      const duration = period.end - period.start;
      words = Number.isFinite(duration) ? times.durationText(duration) : "open";
      onchange(period.start, period.end);
    } catch (error) {
      // Submitting says what is wrong.
      if (!(error instanceof Problem)) throw error;
    }
    form.querySelector("[data-length]").textContent = words;
  };
  for (const input of [from, to, endless, ever]) input.addEventListener("input", update);
  update();
  return read;
}

/** Fill in a field of an instant; return a function that reads it. An unchanged field keeps its seconds. */
function watchInstant(input, /** @type {number} */ at) {
  const field = input.closest(".field");
  const set = (value) => (input.value = Number.isFinite(value) ? times.inputText(value) : "");
  const initial = set(at);
  const read = () => (initial && input.value === initial ? at : Date.parse(input.value));
  const show = () => {
    const at = read();
    field.querySelector("small").textContent = Number.isNaN(at) || times.isUtc(at) ? "" : times.utcText(at);
  };
  field.onclick = ({ target }) => {
    if (!target.dataset.step || Number.isNaN(read())) return;
    set(read() + target.dataset.step * times.MINUTE);
    input.dispatchEvent(new Event("input"));
  };
  input.addEventListener("input", show);
  show();
  return read;
}

/** Return the value that an attribute's text stands for. */
const typed = (/** @type {string} */ text, isText = false) =>
  !isText && /^(true|false|-?(0|[1-9]\d{0,14})(\.\d{1,9})?)$/.test(text) ? JSON.parse(text) : text;

/** Fill in the attributes of a form, a line each; return a function that reads them. */
function watchAttributes(form, /** @type {Record<string, any>} */ attributes) {
  const place = form.querySelector("[data-field=attributes]");
  const add = (name = "", /** @type {any} */ value = "") => {
    const line = byId("attribute-line").content.firstElementChild.cloneNode(true);
    const [nameInput, valueInput] = line.querySelectorAll("input");
    nameInput.value = name;
    valueInput.value = value;
    const text = line.querySelector("button");
    const press = (isText) => text.setAttribute("aria-pressed", isText);
    press(typeof value === "string" && typed(value) !== value);
    text.onclick = () => press(text.getAttribute("aria-pressed") === "false");
    place.append(line);
  };
  for (const [name, value] of Object.entries(attributes)) add(name, value);
  if (!Object.keys(attributes).length) add();
  form.querySelector("[data-more]").onclick = () => add();
  return () => {
    const pairs = [...place.querySelectorAll(".pair")].map((line) => {
      const [name, value] = [...line.querySelectorAll("input")].map((input) => input.value.trim());
      return [name, typed(value, line.querySelector("[aria-pressed=true]"))];
    });
    return Object.fromEntries(pairs.filter(([name]) => name));
  };
}

function showGhost(/** @type {typeof timeline.ghost} */ ghost) {
  timeline.ghost = ghost;
  draw();
}

/** Fill in the kind and the note of a form; return a function that reads them. */
function watchTexts(form, kind, note) {
  const { allocation_type: type, description } = form.elements;
  type.value = kind;
  description.value = note;
  return () => ({ allocation_type: type.value.trim() || "booking", description: description.value.trim() || null });
}

/**
 * What a form begins with; without a vehicle, the service chooses one.
 * @typedef {{vehicle?: Vehicle | null, start?: number, end?: number, kind?: string, note?: string, quantity?: number,
 *   attributes?: Record<string, any>, despiteClosed?: boolean, title?: string}} Draft
 */

/** Allocate a vehicle, or any. */
export function allocateForm(/** @type {Draft} */ draft, /** @type {Node | false} */ above = false) {
  const { vehicle, quantity = 1, attributes = {}, despiteClosed } = draft;
  const start = draft.start ?? fleet.freeHour(vehicle?.id);
  const post = repeatable();
  const form = makeForm("allocate-form", async () => {
    const period = readPeriod();
    const texts = readTexts();
    const body = {
      ...changes.periodBody(period.start, period.end),
      ...texts,
      ...(hold.checked && { hold_seconds: Math.round(minutes.value * 60) }),
      ...(!vehicle && Object.keys(attributes).length && { attributes }),
      ...(!vehicle && quantity > 1 && { quantity }),
      ...(despiteClosed && { despite_closed: true }),
    };
    try {
      const path = vehicle ? changes.vehiclePath(vehicle.id) : `api/${fleet.collection}/any`;
      allocated(await post(`${path}/allocations`, body), form);
    } catch (error) {
      if (!(error instanceof Problem && error.conflicts && vehicle)) throw error;
      const asked = { ...draft, ...period, kind: texts.allocation_type, note: texts.description ?? "" };
      views.conflict(error, { vehicle: vehicle.id, ...period }, null, asked);
    }
  });
  const { hold, hold_seconds: minutes } = form.elements;
  const submit = form.querySelector(".primary");
  const rename = () => (submit.textContent = hold.checked ? `Hold for ${minutes.value} min` : "Allocate");
  hold.oninput = minutes.oninput = rename;
  const readTexts = watchTexts(form, draft.kind ?? "booking", draft.note ?? "");
  const title = draft.title ?? `Allocate ${vehicle ? vehicle.name : "any that is free"}`;
  panel.open({ title, back: () => vehicle && focusAt(vehicle.id), ended: () => showGhost(null) }, above, form);
  const follow = (from, to) => vehicle && showGhost({ vehicle: vehicle.id, start: from, end: to });
  const readPeriod = watchPeriod(form, start, draft.end ?? start + times.HOUR, follow);
}

/** Show what was allocated, unless the panel shows something else than the form by then. */
function allocated(data, form) {
  const list = [data].flat();
  for (const one of list) fleet.upsert(one);
  const row = parse(list[0]);
  const names = list.map((one) => fleet.vehicle(one.resource_id)?.name ?? "a vehicle").join(", ");
  const words = row.held ? `held until ${times.clock(row.until)}` : "allocated";
  toast(`${names}: ${words}.`, list.length === 1 ? { Undo: () => changes.cancel(row) } : {});
  if (!form.isConnected) return;
  views.details(row);
  timeline.at = { vehicle: row.resource_id, allocation: row.id };
}

/** Edit an allocation, with its period or a proposed one. */
export function editForm(/** @type {Allocation} */ row, { start, end } = { start: row.start, end: row.end }) {
  const form = makeForm("edit-form", async () => {
    const period = readPeriod();
    const isMoved = period.start !== row.start || period.end !== row.end;
    const body = { ...readTexts(), ...(isMoved && changes.periodBody(period.start, period.end)) };
    const changed = await changes.patch(row, body, period);
    if (changed) toast("Saved.");
    if (changed && form.isConnected) views.details(changed);
  });
  const readPeriod = watchPeriod(form, start, end);
  const readTexts = watchTexts(form, row.allocation_type, row.description ?? "");
  form.querySelector("[data-cancel]").onclick = () => views.details(row);
  panel.open({ title: "Edit allocation", back: () => focusAt(row.resource_id, row.id) }, form);
}

/** Register a vehicle, or edit one. */
export function vehicleForm(/** @type {Vehicle | null} */ vehicle = null) {
  const post = repeatable();
  let current = vehicle;
  const form = makeForm("vehicle-form", async (button) => {
    const body = { name: name.value.trim(), attributes: readAttributes() };
    const put = () => current && changes.putVehicle(current, body, button === "again");
    try {
      saved((await put()) ?? (await post(`api/${fleet.collection}`, body)), !vehicle, form, button === "another");
    } catch (error) {
      if (vehicle && error instanceof Problem && error.status === 412) {
        current = await changes.changedMeanwhile(null, vehicle.id);
      } else nameTaken(error, form, body.name);
    }
  });
  const { name } = form.elements;
  name.value = vehicle?.name ?? "";
  name.oninput = () => (form.querySelector("small").textContent = `${[...name.value.trim()].length} of 36`);
  name.oninput();
  const readAttributes = watchAttributes(form, vehicle?.attributes ?? {});
  if (vehicle) {
    form.querySelector(".primary").textContent = "Save";
    form.querySelector("[value=another]").remove();
  }
  const title = vehicle ? `Edit ${vehicle.name}` : `Add to ${fleet.collection}`;
  panel.open({ title, back: () => (vehicle ? focusAt(vehicle.id) : byId("add").focus()) }, form);
}

function saved(/** @type {Vehicle} */ vehicle, isNew, form, isAnotherNext) {
  fleet.upsertVehicle(vehicle, isNew);
  toast(isNew ? `${vehicle.name} is in circulation.` : "Saved.");
  if (!form.isConnected) return;
  focusAt(vehicle.id);
  flash(vehicle.id);
  isAnotherNext ? vehicleForm() : views.vehicle(vehicle);
}

function nameTaken(error, form, name) {
  if (!(form.isConnected && error instanceof Problem && error.code === "name_taken")) throw error;
  showErrors(form, { name: ["Another one has this name. "] });
  const showIt = button("Show it", () => fleet.go({ find: name, filters: {}, free: null }));
  form.querySelector('[data-field="name"] .error').append(showIt);
  form.elements.name.focus();
}

/** Find vehicles that are free for a whole period; the timeline then shows only these. */
export function findForm(/** @type {{start?: number, end?: number}} */ draft = {}) {
  const start = draft.start ?? fleet.freeHour();
  const form = makeForm("find-form", () => {
    const period = readPeriod();
    const { start: from, end: to } = period;
    const attributes = readAttributes();
    const quantity = Math.min(100, Math.max(1, Math.round(form.elements.quantity.value) || 1));
    const filters = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, String(value)]));
    const day = times.startOfDay(Number.isFinite(from) ? from : now());
    const loaded = () => views.free({ ...period, quantity, attributes });
    fleet.go({ free: { from, to }, filters, find: "", day, keepIfVisible: [from, to], loaded });
  });
  const readPeriod = watchPeriod(form, start, draft.end ?? start + times.HOUR);
  const readAttributes = watchAttributes(form, fleet.query.filters);
  form.querySelector(".hint").textContent = `Among ${fleet.collection}`;
  const back = byId("grid").contains(document.activeElement) ? focusGrid : () => byId("find-free").focus();
  panel.open({ title: "Find a free one", back }, form);
  form.elements.from_datetime.focus();
}
