// @ts-check
/** Changes of allocations and vehicles that exist: with If-Match, an undo where there is one, and words for each refusal. */

import { call, Problem, repeatable, server } from "./api.js";
import { ask, panel, refuse, toast } from "./elements.js";
import { fleet } from "./fleet.js";
import { parse } from "./records.js";
import { allocateForm } from "./forms.js";
import { conflictPanel, details } from "./panel.js";
import { timeline } from "./bars.js";
import { drawRow } from "./timeline.js";
import * as times from "./times.js";

/** @typedef {import("./records.js").Allocation} Allocation */
/** @typedef {import("./records.js").Vehicle} Vehicle */
/** @typedef {{vehicle: string, start: number, end: number}} Place */

const itemPath = (/** @type {string} */ id) => `/api/${fleet.collection}/all/allocations/${id}`;
export const vehiclePath = (/** @type {string} */ id) => `/api/${fleet.collection}/${id}`;
const iso = (/** @type {number} */ at) => new Date(at).toISOString();

/** Return the four members of a period. */
export const periodBody = (/** @type {number} */ start, /** @type {number} */ end) => ({
  ...(start === -Infinity ? { from_infinity: true } : { from_datetime: iso(start) }),
  ...(end === Infinity ? { to_infinity: true } : { to_datetime: iso(end) }),
});

/** Change an allocation; return it, or null after the refusal was shown. @returns {Promise<Allocation | null>} */
export async function patch(/** @type {Allocation} */ row, /** @type {any} */ body, /** @type {Partial<Place>} */ wanted = {}) {
  timeline.pending.add(row.id);
  drawRow(wanted.vehicle ?? row.resource_id);
  try {
    const { data } = await call("PATCH", itemPath(row.id), { body, version: row.version });
    timeline.pending.delete(row.id);
    fleet.upsert(data);
    return parse(data);
  } catch (error) {
    timeline.pending.delete(row.id);
    fleet.preview(row);
    const place = { vehicle: row.resource_id, start: row.start, end: row.end, ...wanted };
    await explain(error, row, place, () => patch(row, body, wanted));
    return null;
  }
}

/** Move or resize an allocation at once; back if the service refuses. */
export async function move(/** @type {Allocation} */ row, /** @type {Place} */ place) {
  /** @type {any} */ const body = {};
  if (place.vehicle !== row.resource_id) body.resource_id = place.vehicle;
  if (place.start !== row.start) body.from_datetime = iso(place.start);
  if (place.end !== row.end) body.to_datetime = iso(place.end);
  if (!Object.keys(body).length) return;
  fleet.preview({ ...row, resource_id: place.vehicle, start: place.start, end: place.end });
  const changed = await patch(row, body, place);
  if (!changed) return;
  const name = fleet.vehicle(changed.resource_id)?.name ?? "another vehicle";
  const words = place.vehicle === row.resource_id ? "Moved to" : `Moved to ${name},`;
  toast(`${words} ${times.periodText(changed.start, changed.end)}.`, { Undo: () => undoMove(row, changed) });
}

async function undoMove(/** @type {Allocation} */ before, /** @type {Allocation} */ now) {
  const body = { resource_id: before.resource_id, ...periodBody(before.start, before.end) };
  if (await patch(now, body, { vehicle: before.resource_id, start: before.start, end: before.end })) toast("Moved back.");
}

/** Move an allocation to any other vehicle that is free. */
export async function moveToAny(/** @type {Allocation} */ row) {
  const changed = await patch(row, { resource_id: "any" });
  if (!changed) return null;
  const name = fleet.vehicle(changed.resource_id)?.name ?? "another vehicle";
  toast(`Moved to ${name}, ${times.periodText(changed.start, changed.end)}.`, { Undo: () => undoMove(row, changed) });
  return changed;
}

/** Cancel an allocation, or let a hold go. @returns {Promise<void>} */
export async function cancel(/** @type {Allocation} */ row) {
  try {
    await call("DELETE", itemPath(row.id), { version: row.version });
  } catch (error) {
    return explain(error, row, { vehicle: row.resource_id, start: row.start, end: row.end }, () => cancel(row));
  }
  fleet.remove(row.id);
  if (panel.subject === row.id) panel.close();
  toast(row.held ? "The hold is gone." : "Cancelled.", { Undo: () => allocateAgain(row) });
}

/** Allocate the same again, after a cancellation. */
async function allocateAgain(/** @type {any} */ row) {
  const { resource_id: vehicle, start, end, allocation_type, description, reference, dump } = row;
  const body = { ...periodBody(start, end), allocation_type, description, reference, dump };
  const left = Math.floor((row.until - server.now()) / 1000);
  if (row.held && left < 1) return refuse("The hold would have expired by now.");
  if (row.held) Object.assign(body, { hold_seconds: left });
  if (isClosed(vehicle, start, end)) Object.assign(body, { despite_closed: true });
  const post = repeatable();
  const send = async () => {
    try {
      fleet.upsert(await post(`${vehiclePath(vehicle)}/allocations`, body));
      toast("It is back.");
    } catch (error) {
      await explain(error, null, { vehicle, start, end }, send);
    }
  };
  await send();
}

/** Return whether a vehicle is out of service at some time of a period. */
export function isClosed(/** @type {string} */ id, /** @type {number} */ start, /** @type {number} */ end) {
  const closed = fleet.vehicle(id)?.closed_from;
  return Boolean(closed) && Math.max(start, 0) < Infinity && end > Date.parse(closed ?? "");
}

export async function confirm(/** @type {Allocation} */ row) {
  const changed = await patch(row, { status: "confirmed" });
  if (!changed) return;
  toast("Confirmed.");
  details(changed);
}

export async function extend(/** @type {Allocation} */ row, minutes = 15) {
  const seconds = Math.ceil((row.until - server.now()) / 1000) + minutes * 60;
  const changed = await patch(row, { hold_seconds: Math.min(86_400, seconds) });
  if (!changed) return;
  toast(`Held until ${times.clock(changed.until)}.`);
  details(changed);
}

/** Change a vehicle; return it, or null after the refusal was shown. @returns {Promise<Vehicle | null>} */
export async function patchVehicle(/** @type {Vehicle} */ vehicle, /** @type {any} */ body) {
  try {
    const { data } = await call("PATCH", vehiclePath(vehicle.id), { body, version: vehicle.version });
    fleet.upsertVehicle(data);
    return data;
  } catch (error) {
    await explain(error, null, { vehicle: vehicle.id, start: -Infinity, end: Infinity }, () => patchVehicle(vehicle, body));
    return null;
  }
}

/** Take a vehicle out of circulation, after a question. @returns {Promise<void>} */
export async function decommission(/** @type {Vehicle} */ vehicle) {
  const title = `Take ${vehicle.name} out of circulation?`;
  if (!(await ask(title, "It cannot be allocated any more. Its past stays in the feed.", "Take it out"))) return;
  try {
    await call("DELETE", vehiclePath(vehicle.id), { version: vehicle.version });
  } catch (error) {
    return explain(error, null, { vehicle: vehicle.id, start: server.now(), end: Infinity }, () => decommission(vehicle));
  }
  fleet.removeVehicle(vehicle.id);
  panel.close();
  toast(`${vehicle.name} is out of circulation.`);
}

/** Show why something was not done, at its place. */
export async function explain(
  /** @type {unknown} */ error,
  /** @type {Allocation | null} */ row,
  /** @type {Place} */ place,
  /** @type {() => unknown} */ again,
) {
  if (!(error instanceof Problem)) throw error;
  if (error.isUnknown && error.code !== "busy") return refuse("Not known yet whether it was done.", { "Try again": () => retry(row, again) });
  if (error.conflicts) return conflictPanel(error, place, row);
  if (error.code === "hold_expired" && row) return expired(row);
  if (error.status === 412) return changedMeanwhile(row, place.vehicle);
  if (error.status === 404 && row) {
    fleet.remove(row.id);
    return refuse("It is cancelled already. Nothing was done.");
  }
  if (error.status === 429) return refuse(`Too many requests. Nothing was done; try again in ${error.retryAfter || 1} s.`, { "Try again": again });
  const words = Object.entries(error.errors).map(([name, list]) => `${name}: ${list.join(" ")}`);
  refuse(refusalText(error) + (words.length ? ` (${words.join(" ")})` : ""));
}

export function refusalText(/** @type {Problem} */ problem) {
  if (problem.status === 403) return `Your key may not do this. ${problem.message}`;
  if (problem.code === "none_available") return "No other vehicle is free for all of it.";
  if (problem.code === "resource_closed") return "The vehicle is out of service then. Nothing was done.";
  return problem.message;
}

/** After a lost response: change it again if nothing has changed since, or show what became of it. */
async function retry(/** @type {Allocation | null} */ row, /** @type {() => unknown} */ again) {
  if (!row) return again();
  try {
    const { data } = await call("GET", itemPath(row.id));
    if (data.version === row.version) return again();
    fleet.upsert(data);
    toast("It was changed; this is how it is now.", { Show: () => details(parse(data)) });
  } catch (error) {
    await explain(error, row, { vehicle: row.resource_id, start: row.start, end: row.end }, again);
  }
}

function expired(/** @type {Allocation} */ row) {
  fleet.remove(row.id);
  const vehicle = fleet.vehicle(row.resource_id);
  const again = () => allocateForm({ vehicle, start: row.start, end: row.end, kind: row.allocation_type, note: row.description ?? "" });
  refuse(`The hold expired at ${times.clock(row.until)}.`, { "Allocate again": again });
}

async function changedMeanwhile(/** @type {Allocation | null} */ row, /** @type {string} */ vehicle) {
  if (!row) {
    fleet.upsertVehicle((await call("GET", vehiclePath(vehicle))).data);
    return refuse("Somebody changed the vehicle. Nothing was done; this is how it is now.");
  }
  const { data } = await call("GET", itemPath(row.id));
  fleet.upsert(data);
  const at = fleet.allocation(row.id)?.changed?.at;
  refuse(`Somebody changed it${at ? ` at ${times.clock(at)}` : ""}. Nothing was done.`, { Show: () => details(parse(data)) });
}
