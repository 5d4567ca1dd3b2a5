// @ts-check
/** Changes of allocations and vehicles: with If-Match, an undo where there is one, and words for each refusal. */

import { call, now, parse, Problem, repeatable } from "./api.js";
import { ask, panel, refuse, toast } from "./shell.js";
import { fleet } from "./fleet.js";
import { drawRow, focusAt, timeline } from "./timeline.js";
import * as times from "./times.js";

/** @import { Allocation, Vehicle } from "./api.js" */
/** @typedef {{vehicle: string, start: number, end: number}} Place A vehicle and a period, for an allocation */

// Milliseconds for which the keys that move a bar are collected.
const COLLECT = 800;

/** What lower modules open in the panel; panel.js sets them, because it imports those modules. */
export const views = /** @type {Record<string, (...args: any[]) => void>} */ ({});

const itemPath = (id) => `api/${fleet.collection}/all/allocations/${id}`;
export const vehiclePath = (id) => `api/${fleet.collection}/${id}`;
const vehicleName = (id) => fleet.vehicle(id)?.name ?? "another vehicle";
export const placeOf = ({ resource_id: vehicle, start, end }) => ({ vehicle, start, end });

/** Return the members of a period. */
export const periodBody = (start, end) => /** @type {any} */ ({
  ...(start === -Infinity ? { from_infinity: true } : { from_datetime: times.iso(start) }),
  ...(end === Infinity ? { to_infinity: true } : { to_datetime: times.iso(end) }),
});

/**
 * Do something that writes, and return its result. If it is refused: show why at its place, and return null. If its
 * response is lost, ``write`` can be tried again, with true.
 * @template Result @param {Allocation | null} row @param {Place} place
 * @param {(isAgain: boolean) => Promise<Result>} write @returns {Promise<Result | null>}
 */
export async function attempt(row, place, write, isAgain = false) {
  try {
    return await write(isAgain);
  } catch (error) {
    const again = () => attempt(row, place, write, true);
    if (error instanceof Problem && error.isUnknown) return new Promise((resolve) => {
      const settle = () => resolve(row ? settleRow(row, again) : again());
      refuse("Not known yet whether it was done.", { "Try again": settle });
      if (row) resolve(null);
    });
    await explain(error, row, place, again);
    return null;
  }
}

/** Change an allocation; return it, or null after the refusal was shown. */
export function patch(/** @type {Allocation} */ row, body, /** @type {Partial<Place>} */ wanted = {}) {
  timeline.pending.add(row.id);
  drawRow(wanted.vehicle ?? row.resource_id);
  return attempt(row, { ...placeOf(row), ...wanted }, async () => {
    try {
      const answer = call("PATCH", itemPath(row.id), { body, version: row.version });
      const { data } = await answer.finally(() => timeline.pending.delete(row.id));
      fleet.upsert(data);
      return parse(data);
    } catch (error) {
      fleet.preview(row);
      throw error;
    }
  });
}

/** Move or resize an allocation at once; back if the service refuses. */
export async function move(/** @type {Allocation} */ row, /** @type {Place} */ place) {
  /** @type {any} */ const body = {};
  if (place.vehicle !== row.resource_id) body.resource_id = place.vehicle;
  if (place.start !== row.start) body.from_datetime = times.iso(place.start);
  if (place.end !== row.end) body.to_datetime = times.iso(place.end);
  if (!Object.keys(body).length) return;
  fleet.preview({ ...row, resource_id: place.vehicle, start: place.start, end: place.end });
  moved(row, await patch(row, body, place));
}

/** A bar that the keyboard moves; it is sent when the keys rest. */
let nudged = /** @type {{row: Allocation, place: Place, timer: number} | null} */ (null);

/** Move a bar by some steps and rows, or only its end; several moves become one change. */
export function nudge(/** @type {Allocation} */ current, steps, rows, isEnd) {
  const row = nudged?.row ?? current;
  const place = { ...(nudged?.place ?? placeOf(row)) };
  const step = times.snapStep(fleet.range.span, false);
  // Days follow the calendar.
  const later = (at) => (step === times.DAY && Number.isFinite(at) ? times.laterDay(at, steps) : at + steps * step);
  if (!isEnd) place.start = later(place.start);
  place.end = later(place.end);
  place.vehicle = fleet.vehicles[fleet.index(place.vehicle) + rows]?.id ?? place.vehicle;
  if (place.start >= place.end) return;
  clearTimeout(nudged?.timer);
  nudged = { row, place, timer: setTimeout(() => ((nudged = null), move(row, place)), COLLECT) };
  fleet.preview({ ...row, resource_id: place.vehicle, start: place.start, end: place.end });
  focusAt(place.vehicle, row.id);
}

/** Move an allocation to any other vehicle that is free. */
export const moveToAny = async (/** @type {Allocation} */ row) => moved(row, await patch(row, { resource_id: "any" }));

/** Say where an allocation is now, and offer to move it back. */
function moved(/** @type {Allocation} */ row, /** @type {Allocation | null} */ changed) {
  if (!changed) return null;
  const vehicle = changed.resource_id === row.resource_id ? "" : `${vehicleName(changed.resource_id)}, `;
  const undo = async () => {
    const body = { resource_id: row.resource_id, ...periodBody(row.start, row.end) };
    if (await patch(changed, body, placeOf(row))) toast("Moved back.");
  };
  toast(`Moved to ${vehicle}${times.periodText(changed.start, changed.end)}.`, { Undo: undo });
  return changed;
}

/** Move all allocations to other vehicles, or none. */
export function moveAll(/** @type {Allocation[]} */ list, done) {
  const body = { changes: list.map(({ id, version }) => ({ id, version, resource_id: "any" })) };
  const post = repeatable();
  return attempt(null, placeOf(list[0]), async () => {
    const changed = await post(itemPath("changes"), body);
    for (const data of changed) fleet.upsert(data);
    toast(`${changed.length} allocations moved.`);
    done();
  });
}

/** Delete what has this path; after a lost response, it may be gone already. */
const remove = (path, version, isAgain) =>
  call("DELETE", path, { version }).catch((error) => {
    if (!isAgain || error.status !== 404) throw error;
  });

/** Cancel an allocation, or let a hold go. */
export const cancel = (/** @type {Allocation} */ row) =>
  attempt(row, placeOf(row), async (isAgain) => {
    await remove(itemPath(row.id), row.version, isAgain);
    if (panel.isOpen(row.id)) panel.close();
    const list = fleet.allocations(row.resource_id);
    const next = list[list.findIndex(({ id }) => id === row.id) + 1];
    const isFocused = timeline.at.allocation === row.id;
    fleet.remove(row.id);
    if (isFocused) focusAt(row.resource_id, next?.id);
    toast(row.held ? "The hold is gone." : "Cancelled.", { Undo: () => allocateAgain(row) });
  });

/** Allocate the same again, after a cancellation. */
function allocateAgain(/** @type {any} */ row) {
  const { start, end, allocation_type, description, reference, dump, held } = row;
  const seconds = Math.floor((row.until - now()) / 1000);
  if (held && seconds < 1) return refuse("The hold would have expired by now.");
  const closed = fleet.vehicle(row.resource_id)?.closed_from;
  const body = { ...periodBody(start, end), allocation_type, description, reference, dump };
  if (held) body.hold_seconds = seconds;
  if (closed && end > Date.parse(closed)) body.despite_closed = true;
  const post = repeatable();
  return attempt(null, placeOf(row), async () => {
    fleet.upsert(await post(`${vehiclePath(row.resource_id)}/allocations`, body));
    toast("It is back.");
  });
}

export const confirm = (row) => patchHold(row, { status: "confirmed" }, () => "Confirmed.");

/** Give a hold 15 minutes more. */
export function extend(/** @type {Allocation} */ row) {
  const seconds = Math.ceil((row.until - now()) / 1000) + 15 * 60;
  const body = { hold_seconds: Math.min(86_400, seconds) };
  return patchHold(row, body, ({ until }) => `Held until ${times.clock(until)}.`);
}

async function patchHold(/** @type {Allocation} */ row, body, /** @type {(row: Allocation) => string} */ words) {
  const changed = await patch(row, body);
  if (!changed) return;
  toast(words(changed));
  if (!panel.isOpen() || panel.isOpen(row.id)) views.details(changed);
}

/** Change a vehicle; return it. Raises Problem. @returns {Promise<Vehicle>} */
export async function putVehicle(/** @type {Vehicle} */ { id, version }, body, isAgain = false) {
  const path = vehiclePath(id);
  const current = isAgain && (await call("GET", path)).data;
  const isDone = current && Object.keys(body).every((name) => text(current[name]) === text(body[name]));
  const data = isDone ? current : (await call("PATCH", path, { body, version })).data;
  fleet.upsertVehicle(data);
  return data;
}

/** Return a text that two equal members of a vehicle have: names, instants and attributes. */
const text = (value) =>
  /^\d{4}-\d\d-\d\dT/.test(value) ? String(Date.parse(value)) : JSON.stringify(Object.entries(value ?? {}).sort());

/** Change a vehicle; return it, or null after the refusal was shown. */
export function patchVehicle(/** @type {Vehicle} */ vehicle, body) {
  const place = { vehicle: vehicle.id, start: -Infinity, end: Infinity };
  return attempt(null, place, (isAgain) => putVehicle(vehicle, body, isAgain));
}

/** Take a vehicle out of circulation, after a question. */
export async function decommission({ id, name, version }) {
  const words = "It cannot be allocated any more. Its past stays in the feed.";
  if (!(await ask(`Take ${name} out of circulation?`, words, "Take it out"))) return;
  await attempt(null, { vehicle: id, start: now(), end: Infinity }, async (isAgain) => {
    await remove(vehiclePath(id), version, isAgain);
    panel.close();
    fleet.removeVehicle(id);
    toast(`${name} is out of circulation.`);
  });
}

/** Show why something was not done, at its place. */
export async function explain(error, /** @type {Allocation | null} */ row, /** @type {Place} */ place, again) {
  if (!(error instanceof Problem)) throw error;
  const { code, status, errors, words } = error;
  if (error.conflicts) return views.conflict(error, place, row);
  if (code === "hold_expired" && row) return expired(row);
  if (status === 412) return changedMeanwhile(row, place.vehicle);
  if (status === 404 && row) return fleet.remove(row.id), refuse("It is cancelled already. Nothing was done.");
  const fields = Object.entries(errors).map(([name, list]) => ` (${name}: ${list.join(" ")})`);
  refuse(words + fields.join(""), status === 429 ? { "Try again": again } : {});
}

/** After a lost response: change it again if nothing has changed since, or show what became of it. */
async function settleRow(/** @type {Allocation} */ row, again) {
  const { data } = await call("GET", itemPath(row.id)).catch(() => ({ data: row }));
  if (data.version === row.version) return again();
  fleet.upsert(data);
  toast("It was changed; this is how it is now.", { Show: () => views.details(parse(data)) });
  return null;
}

function expired(/** @type {Allocation} */ row) {
  fleet.remove(row.id);
  const { start, end, allocation_type: kind, description } = row;
  const draft = { vehicle: fleet.vehicle(row.resource_id), start, end, kind, note: description ?? "" };
  refuse(`The hold expired at ${times.clock(row.until)}.`, { "Allocate again": () => views.allocate(draft) });
}

/** Say that somebody else was faster, and return what there is now. */
export async function changedMeanwhile(/** @type {Allocation | null} */ row, vehicle) {
  const { data } = await call("GET", row ? itemPath(row.id) : vehiclePath(vehicle));
  if (!row) {
    fleet.upsertVehicle(data);
    refuse("Somebody changed the vehicle. Nothing was done.", { Show: () => views.vehicle(data) });
    return data;
  }
  fleet.upsert(data);
  const at = fleet.allocation(row.id)?.changed?.at;
  const time = at ? ` at ${times.clock(at)}` : "";
  refuse(`Somebody changed it${time}. Nothing was done.`, { Show: () => views.details(parse(data)) });
}
