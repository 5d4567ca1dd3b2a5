// @ts-check
/** The vehicles and allocations that are loaded, kept up to date by the change feed. */

import { allPages, bounds, call, nextPage, now, parse, send } from "./api.js";
import { HOUR, iso } from "./times.js";

/** @import { Allocation, Vehicle } from "./api.js" */

const CHUNK = 100;
// Bars of rows that are further away are dropped.
const KEPT_ROWS = 500;

/** Sends "rows" (the list changed), "row" (the id of a vehicle), "busy", "problem" and "go". */
class Fleet extends EventTarget {
  collection = "";
  resourceType = "";
  /** @type {{find: string, filters: Record<string, string>, free: {from: number, to: number} | null}} */
  query = { find: "", filters: {}, free: null };
  /** @type {import("./times.js").Window} */ range = { from: 0, to: 1, span: 1 };
  /** @type {Vehicle[]} */ vehicles = [];
  /** The number of vehicles of all pages; null: more than the service counts. @type {number | null} */ total = 0;
  /** Whether the first page has come. */ isLoaded = false;
  isBusy = false;
  /** Whether the key shows only its own allocations. */ ownOnly = false;
  /** Allocations by vehicle. @type {Map<string, Map<string, Allocation>>} */ rows = new Map();
  /** Periods of others, if the key does not show them. @type {Map<string, [number, number][]>} */ taken = new Map();
  /** @type {Map<string, string>} */ vehicleOf = new Map();
  /** Vehicles whose allocations of the window are loaded. @type {Set<string>} */ complete = new Set();
  /** Allocations that are gone; a slower list must not bring them back. @type {Set<string>} */ removed = new Set();
  /** @type {string | null} */ next = null;
  abort = new AbortController();
  /** @type {Promise<void> | undefined} */ done;

  /** Load the first vehicles and their allocations. */
  async load() {
    this.complete.clear();
    Object.assign(this, { vehicles: [], isLoaded: false });
    const { find, filters, free } = this.query;
    const query = new URLSearchParams({ order: "name", count: "true", limit: String(CHUNK) });
    if (find) query.set("name_prefix", find);
    for (const [name, value] of Object.entries(filters)) query.set(`attribute.${name}`, value);
    for (const side of /** @type {const} */ (["from", "to"]))
      if (Number.isFinite(free?.[side])) query.set(`available_${side}`, iso(free?.[side]));
    await this.#work(async (signal) => {
      const headers = await this.#loadPage(`api/${this.collection}?${query}`, signal);
      const total = headers.get("X-Total-Count");
      this.total = /** @type {any} */ (total && Number(total));
      this.isLoaded = true;
      send(this, "rows");
      await this.#loadAllocations(0, 30, signal);
    });
  }

  /** Load what is missing of these rows, or all of it again; ends the former call. */
  async ensure(first, last, isAgain = false) {
    if (isAgain) this.complete.clear();
    const lacksRows = () => this.next && this.vehicles.length <= last;
    const isComplete = this.vehicles.slice(Math.max(0, first), last + 1).every(({ id }) => this.complete.has(id));
    if (!this.isLoaded || (isComplete && !lacksRows())) return;
    await this.#work(async (signal) => {
      while (lacksRows()) await this.#loadPage(this.next?.replace(/limit=\d+/, "limit=1000"), signal);
      await this.#loadAllocations(first, last, signal);
    });
  }

  async #loadPage(path, /** @type {AbortSignal} */ signal) {
    const { data, headers } = await call("GET", path, { signal });
    const known = new Set(this.vehicles.map(({ id }) => id));
    this.vehicles.push(...data.filter(({ id }) => !known.has(id)));
    this.next = nextPage(headers);
    return headers;
  }

  async #loadAllocations(first, last, /** @type {AbortSignal} */ signal) {
    send(this, "rows");
    const middle = Math.round((first + last) / 2);
    const near = this.vehicles.slice(Math.max(0, Math.min(middle - CHUNK / 2, first))).slice(0, 2 * CHUNK);
    const ids = near.map(({ id }) => id).filter((id) => !this.complete.has(id)).slice(0, CHUNK);
    if (!ids.length) return;
    const query = new URLSearchParams(ids.map((id) => ["resource_id", id]));
    for (const side of /** @type {const} */ (["from", "to"])) query.set(side, iso(this.range[side]));
    query.set("limit", "1000");
    const path = `api/${this.collection}/all/`;
    const began = performance.now();
    const list = await allPages(`${path}allocations?${query}`, signal);
    const busy = this.ownOnly ? await allPages(`${path}availability?${query}`, signal) : [];
    for (const id of ids) {
      // What the feed brought meanwhile is newer than the list.
      const newer = [...(this.rows.get(id)?.values() ?? [])].filter((row) => (row.received ?? 0) > began);
      this.rows.set(id, new Map());
      this.complete.add(id);
      for (const row of newer) this.#put(row);
    }
    for (const data of list) this.#put(parse(data));
    for (const item of busy) this.taken.set(item.resource_id, item.busy.map(bounds));
    this.#prune(middle);
    send(this, "rows");
  }

  #prune(middle) {
    if (this.rows.size <= KEPT_ROWS) return;
    const near = this.vehicles.slice(Math.max(0, middle - KEPT_ROWS / 2), middle + KEPT_ROWS / 2);
    const kept = new Set(near.map(({ id }) => id));
    for (const [id, row] of this.rows) {
      if (kept.has(id)) continue;
      for (const allocation of row.keys()) this.vehicleOf.delete(allocation);
      this.rows.delete(id);
      this.complete.delete(id);
    }
  }

  /** Return the allocations of a vehicle by start; expired holds do not count. */
  allocations(id) {
    const list = [...(this.rows.get(id)?.values() ?? [])].filter((row) => row.until > now());
    return list.sort((a, b) => (a.start < b.start ? -1 : 1));
  }

  /** Return the periods of a vehicle that others have taken and that are not the key's own. */
  takenPeriods(id) {
    const without = (periods, { start, end }) => {
      const rest = ([from, to]) => [[from, Math.min(to, start)], [Math.max(from, end), to]];
      return periods.flatMap(rest).filter(([from, to]) => from < to);
    };
    return this.allocations(id).reduce(without, this.taken.get(id) ?? []);
  }

  /** Return the known periods in which a vehicle is not free, by start. */
  busyPeriods(id, except = "") {
    const own = this.allocations(id).filter((row) => row.id !== except);
    const others = this.takenPeriods(id).map(([start, end]) => ({ start, end }));
    return [...own, ...others].sort((a, b) => (a.start < b.start ? -1 : 1));
  }

  /** Return the hour that begins next, in the window if it does not show the present; free as far as is known. */
  freeHour(id = "") {
    const { from, to } = this.range;
    const start = now() >= from && now() < to ? now() : from + 8 * HOUR - 1;
    const hour = Math.ceil(start / HOUR) * HOUR;
    const after = (/** @type {number} */ at, busy) => (busy.start < at + HOUR && busy.end > at ? busy.end : at);
    const free = this.busyPeriods(id).reduce(after, hour);
    return Number.isFinite(free) ? free : hour;
  }

  /** Return whether the window shows a part of a period. */
  isInView = ({ start, end }) => start < this.range.to && end > this.range.from;
  index = (id) => this.vehicles.findIndex((vehicle) => vehicle.id === id);
  vehicle = (id) => /** @type {Vehicle | undefined} */ (this.vehicles[this.index(id)]);
  allocation = (id) => this.rows.get(this.vehicleOf.get(id) ?? "")?.get(id);

  /** Apply an event of the feed to what is loaded. */
  apply({ kind, data, resource_type: type, resource_id: vehicle, allocation_id: id, client_id: by, at }) {
    if (type !== this.resourceType) return;
    if (kind === "resource_decommissioned") this.removeVehicle(vehicle);
    else if (kind.startsWith("resource_")) this.upsertVehicle(data, kind === "resource_registered");
    else if (kind === "deallocated" || kind === "expired") this.remove(id);
    else if (id) this.upsert(data, { by, at: Date.parse(at) });
  }

  /** Take over an allocation as the API describes it. @param {any} data @param {Allocation["changed"]} [changed] */
  upsert(data, changed) {
    const row = { ...parse(data), received: performance.now(), changed };
    const before = this.vehicleOf.get(row.id);
    if (this.#put(row)) this.#sendRows(before, row.resource_id);
  }

  /** Store a row if it is newer than the stored one; return whether it was. */
  #put(/** @type {Allocation} */ row) {
    const stored = this.allocation(row.id);
    if (this.removed.has(row.id) || (stored && stored.version >= row.version)) return false;
    this.#place(row, this.isInView(row) ? row.resource_id : "");
    return true;
  }

  /** Move an allocation from the row where it is to another one, if that is loaded. */
  #place(/** @type {any} */ row, vehicle) {
    this.rows.get(this.vehicleOf.get(row.id) ?? "")?.delete(row.id);
    this.vehicleOf.delete(row.id);
    if (this.rows.get(vehicle)?.set(row.id, row)) this.vehicleOf.set(row.id, vehicle);
  }

  /** Show an allocation elsewhere while its change is under way, or back where it was. */
  preview(/** @type {Allocation} */ row) {
    const before = this.vehicleOf.get(row.id);
    this.#place(row, row.resource_id);
    this.#sendRows(before, row.resource_id);
  }

  remove(id) {
    const vehicle = this.vehicleOf.get(id);
    this.removed.add(id);
    if (this.removed.size > 5000) this.removed.delete(this.removed.values().next().value ?? "");
    this.#place({ id }, "");
    this.#sendRows(vehicle);
  }

  /** Take over a vehicle; a new one gets its place by name if the list has it. */
  upsertVehicle(/** @type {Vehicle} */ vehicle, isNew = false) {
    const index = this.index(vehicle.id);
    if (index < 0 ? !isNew || !this.#matches(vehicle) : this.vehicles[index].version > vehicle.version) return;
    if (index >= 0) this.vehicles.splice(index, 1);
    else if (this.total !== null) this.total += 1;
    const place = this.vehicles.findIndex((other) => other.name > vehicle.name);
    // A name after the loaded ones comes with its page.
    if (index >= 0 || place >= 0 || !this.next) this.vehicles.splice(place < 0 ? Infinity : place, 0, vehicle);
    if (index < 0) {
      this.rows.set(vehicle.id, new Map());
      this.complete.add(vehicle.id);
    }
    send(this, "rows");
  }

  /** Return whether the list has a new vehicle; of the free ones, only the service can tell. */
  #matches(/** @type {Vehicle} */ { name, attributes }) {
    const { find, filters, free } = this.query;
    const hasAll = Object.entries(filters).every(([key, text]) => String(attributes[key]) === text);
    return !free && name.startsWith(find) && hasAll;
  }

  removeVehicle(id) {
    if (!this.vehicle(id)) return;
    this.vehicles.splice(this.index(id), 1);
    if (this.total !== null) this.total -= 1;
    send(this, "rows");
  }

  #sendRows = (...ids) => new Set(ids).forEach((id) => id && send(this, "row", id));

  /** Ask the page for another view: members of the view, and "focus". */
  go = (/** @type {Record<string, any>} */ changes) => send(this, "go", changes);

  /** Do some loading in place of the one that is under way. */
  #work(/** @type {(signal: AbortSignal) => Promise<void>} */ load) {
    this.abort.abort();
    this.abort = new AbortController();
    this.isBusy = true;
    send(this, "busy");
    return (this.done = this.#run(load(this.abort.signal), this.abort.signal));
  }

  async #run(/** @type {Promise<void>} */ work, /** @type {AbortSignal} */ signal) {
    await work.catch((error) => signal.aborted || send(this, "problem", error));
    // Who waits for it needs what took its place.
    if (signal.aborted) return this.done;
    this.isBusy = false;
    send(this, "busy");
  }
}

export const fleet = new Fleet();
