// @ts-check
/** The vehicles and allocations that are loaded, kept up to date by the change feed. */

import { allPages, call, nextPage, server } from "./api.js";
import { bounds, listParameters, matches, parse, without } from "./records.js";

/** @typedef {import("./times.js").Window} Window */
/** @typedef {import("./records.js").Vehicle} Vehicle */
/** @typedef {import("./records.js").Allocation} Allocation */
/** @typedef {import("./records.js").Query} Query */

const CHUNK = 100;
// Bars of rows that are further away are dropped.
const KEPT_ROWS = 500;

/** Sends "rows" (the list changed), "row" (the id of a vehicle), "busy", "problem" and "go". */
class Fleet extends EventTarget {
  collection = "";
  resourceType = "";
  /** @type {Query} */ query = { find: "", filters: {}, free: null };
  /** @type {Window} */ range = { from: 0, to: 1, span: 1 };
  /** @type {Vehicle[]} */ vehicles = [];
  /** The number of vehicles of all pages; null if there are more than the service counts. @type {number | null} */ total = 0;
  /** Whether the first page has come. */ isLoaded = false;
  isBusy = false;
  /** Whether the key shows only its own allocations. */ ownOnly = false;
  /** @type {Map<string, Map<string, Allocation>>} */ rows = new Map();
  /** Periods that belong to others, for a key that sees only its own. @type {Map<string, [number, number][]>} */ taken = new Map();
  /** @type {Map<string, string>} */ vehicleOf = new Map();
  /** The ids of vehicles whose allocations of the window are loaded. @type {Set<string>} */ complete = new Set();
  /** Allocations that the feed removed; a slower list must not bring them back. @type {Set<string>} */ removed = new Set();
  /** @type {string | null} */ next = null;
  abort = new AbortController();

  /** Load the first vehicles and their allocations. */
  async load() {
    this.#restart();
    this.vehicles = [];
    this.isLoaded = false;
    const { signal } = this.abort;
    await this.#work(async () => {
      const { data, headers } = await call("GET", `/api/${this.collection}?${listParameters(this.query, CHUNK)}`, { signal });
      this.vehicles = data;
      this.next = nextPage(headers);
      const total = headers.get("X-Total-Count");
      this.total = total === null ? null : Number(total);
      this.isLoaded = true;
      this.send("rows");
      await this.#loadAllocations(0, 30, signal);
    });
  }

  /** Load the allocations of another window, or again, for the rows in view. */
  async reload(/** @type {number} */ first, /** @type {number} */ last) {
    this.#restart();
    await this.ensure(first, last);
  }

  /** Load what is missing of these rows; ends the former call. */
  async ensure(/** @type {number} */ first, /** @type {number} */ last) {
    if (!this.isLoaded || !this.#misses(first, last)) return;
    this.abort.abort();
    this.abort = new AbortController();
    const { signal } = this.abort;
    await this.#work(async () => {
      while (this.next && this.vehicles.length <= last) await this.#loadPage(signal);
      await this.#loadAllocations(first, last, signal);
    });
  }

  #misses(/** @type {number} */ first, /** @type {number} */ last) {
    if (this.next && this.vehicles.length <= last) return true;
    return this.vehicles.slice(Math.max(0, first), last + 1).some((vehicle) => !this.complete.has(vehicle.id));
  }

  #restart() {
    this.abort.abort();
    this.abort = new AbortController();
    this.complete.clear();
  }

  async #loadPage(/** @type {AbortSignal} */ signal) {
    const page = /** @type {string} */ (this.next).replace(/limit=\d+/, "limit=1000");
    const { data, headers } = await call("GET", page, { signal });
    const known = new Set(this.vehicles.map((vehicle) => vehicle.id));
    this.vehicles.push(...data.filter((/** @type {Vehicle} */ vehicle) => !known.has(vehicle.id)));
    this.next = nextPage(headers);
    this.send("rows");
  }

  async #loadAllocations(/** @type {number} */ first, /** @type {number} */ last, /** @type {AbortSignal} */ signal) {
    const middle = Math.round((first + last) / 2);
    const start = Math.max(0, Math.min(middle - CHUNK / 2, first));
    const missing = this.vehicles.slice(start, start + 2 * CHUNK).filter((vehicle) => !this.complete.has(vehicle.id));
    const ids = missing.slice(0, CHUNK).map((vehicle) => vehicle.id);
    if (!ids.length) return;
    const query = new URLSearchParams(ids.map((id) => ["resource_id", id]));
    query.set("from", new Date(this.range.from).toISOString());
    query.set("to", new Date(this.range.to).toISOString());
    query.set("limit", "1000");
    const began = performance.now();
    const list = await allPages(`/api/${this.collection}/all/allocations?${query}`, signal);
    const busy = this.ownOnly ? await allPages(`/api/${this.collection}/all/availability?${query}`, signal) : [];
    this.#replace(ids, list.map(parse), busy, began);
    this.#prune(middle);
    this.send("rows");
  }

  #replace(/** @type {string[]} */ ids, /** @type {Allocation[]} */ list, /** @type {any[]} */ busy, /** @type {number} */ began) {
    for (const id of ids) {
      const newer = [...(this.rows.get(id)?.values() ?? [])].filter((row) => (row.received ?? 0) > began);
      this.rows.set(id, new Map());
      this.complete.add(id);
      list.push(...newer.filter((row) => row.start < this.range.to && row.end > this.range.from));
    }
    for (const row of list) this.#put(row);
    for (const item of busy) this.taken.set(item.resource_id, item.busy.map((/** @type {any} */ side) => bounds(side)));
  }

  #prune(/** @type {number} */ middle) {
    if (this.rows.size <= KEPT_ROWS) return;
    const near = this.vehicles.slice(Math.max(0, middle - KEPT_ROWS / 2), middle + KEPT_ROWS / 2);
    const kept = new Set(near.map((vehicle) => vehicle.id));
    for (const [id, row] of this.rows) {
      if (kept.has(id)) continue;
      for (const allocation of row.keys()) this.vehicleOf.delete(allocation);
      this.rows.delete(id);
      this.complete.delete(id);
    }
  }

  /** Return the allocations of a vehicle by start; expired holds do not count. */
  allocations(/** @type {string} */ id) {
    const now = server.now();
    const list = [...(this.rows.get(id)?.values() ?? [])].filter((row) => !row.held || row.until > now);
    return list.sort((a, b) => (a.start < b.start ? -1 : 1));
  }

  /** Return the periods of a vehicle that others have taken and that are not the key's own. */
  takenPeriods(/** @type {string} */ id) {
    let periods = this.taken.get(id) ?? [];
    for (const { start, end } of this.allocations(id)) periods = periods.flatMap((period) => without(period, start, end));
    return periods;
  }

  /** Return whether a period lies over a known bar of a vehicle, except one. */
  overlaps(/** @type {string} */ id, /** @type {number} */ start, /** @type {number} */ end, except = "") {
    const own = this.allocations(id).some((row) => row.id !== except && row.start < end && row.end > start);
    return own || this.takenPeriods(id).some(([from, to]) => from < end && to > start);
  }

  /** @returns {Allocation | undefined} */
  allocation(/** @type {string} */ id) {
    return this.rows.get(this.vehicleOf.get(id) ?? "")?.get(id);
  }

  vehicle(/** @type {string} */ id) {
    return this.vehicles.find((vehicle) => vehicle.id === id);
  }

  index(/** @type {string} */ id) {
    return this.vehicles.findIndex((vehicle) => vehicle.id === id);
  }

  /** Take over an allocation as the API describes it. */
  upsert(/** @type {any} */ data, /** @type {{by: string | null, at: number} | undefined} */ changed = undefined) {
    const row = parse(data);
    row.received = performance.now();
    row.changed = changed;
    const before = this.vehicleOf.get(row.id);
    if (this.#put(row)) this.#sendRows(before, row.resource_id);
  }

  /** Store a row if it is newer than the stored one; return whether it was. */
  #put(/** @type {Allocation} */ row) {
    const stored = this.allocation(row.id);
    if (this.removed.has(row.id) || (stored && stored.version >= row.version)) return false;
    this.rows.get(stored?.resource_id ?? "")?.delete(row.id);
    this.vehicleOf.delete(row.id);
    const target = this.rows.get(row.resource_id);
    if (!target || row.start >= this.range.to || row.end <= this.range.from) return Boolean(stored);
    target.set(row.id, row);
    this.vehicleOf.set(row.id, row.resource_id);
    return true;
  }

  /** Show an allocation elsewhere while its change is under way, or back where it was. */
  preview(/** @type {Allocation} */ row) {
    const before = this.vehicleOf.get(row.id);
    this.rows.get(before ?? "")?.delete(row.id);
    this.rows.get(row.resource_id)?.set(row.id, row);
    this.vehicleOf.set(row.id, row.resource_id);
    this.#sendRows(before, row.resource_id);
  }

  /** Remove an allocation. */
  remove(/** @type {string} */ id) {
    const vehicle = this.vehicleOf.get(id);
    this.removed.add(id);
    if (this.removed.size > 5000) this.removed.delete(this.removed.values().next().value ?? "");
    this.rows.get(vehicle ?? "")?.delete(id);
    this.vehicleOf.delete(id);
    this.#sendRows(vehicle);
  }

  /** Take over a vehicle; a new one gets its place by name if the list has it. */
  upsertVehicle(/** @type {Vehicle} */ vehicle, isNew = false) {
    const index = this.index(vehicle.id);
    if (index < 0 && !(isNew && matches(vehicle, this.query))) return;
    if (index >= 0 && this.vehicles[index].version > vehicle.version) return;
    if (index >= 0) this.vehicles.splice(index, 1);
    let place = this.vehicles.findIndex((other) => other.name > vehicle.name);
    if (place < 0) place = this.vehicles.length;
    if (index < 0 && this.total !== null) this.total += 1;
    // A name after the loaded ones comes with its page.
    if (index < 0 && place === this.vehicles.length && this.next) return this.send("rows");
    this.vehicles.splice(place, 0, vehicle);
    if (index < 0) this.rows.set(vehicle.id, new Map());
    if (index < 0) this.complete.add(vehicle.id);
    this.send("rows");
  }

  removeVehicle(/** @type {string} */ id) {
    const index = this.index(id);
    if (index < 0) return;
    this.vehicles.splice(index, 1);
    if (this.total !== null) this.total -= 1;
    this.send("rows");
  }

  #sendRows(/** @type {(string | undefined)[]} */ ...ids) {
    for (const id of new Set(ids)) if (id) this.send("row", id);
  }

  /** Ask the page for another view: members of the view, and "focus". */
  go(/** @type {Record<string, any>} */ changes) {
    this.send("go", changes);
  }

  send(/** @type {string} */ name, /** @type {any} */ detail = undefined) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  async #work(/** @type {() => Promise<void>} */ work) {
    this.isBusy = true;
    this.send("busy");
    const { abort } = this;
    try {
      await work();
    } catch (error) {
      if (abort.signal.aborted) return;
      this.send("problem", error);
    } finally {
      if (abort === this.abort) {
        this.isBusy = false;
        this.send("busy");
      }
    }
  }
}

export const fleet = new Fleet();
