// @ts-check
/** Vehicles and allocations as the page holds them. */

/** @typedef {{id: string, name: string, attributes: Record<string, any>, version: number, closed_from: string | null}} Vehicle */
/**
 * @typedef {{id: string, resource_id: string, start: number, end: number, allocation_type: string, version: number,
 *   kind: "booking" | "maintenance" | "other", held: boolean, until: number, description: string | null,
 *   reference: string | null, client_id: string | null, received?: number, changed?: {by: string | null, at: number, isShown?: boolean}}} Allocation
 */
/** @typedef {{find: string, filters: Record<string, string>, free: {from: number, to: number} | null}} Query */

/** Return the start and the end of a period of the API. @returns {[number, number]} */
export function bounds(/** @type {any} */ data) {
  return [
    data.from_infinity ? -Infinity : Date.parse(data.from_datetime),
    data.to_infinity ? Infinity : Date.parse(data.to_datetime),
  ];
}

/** @returns {Allocation} */
export function parse(/** @type {any} */ data) {
  const [start, end] = bounds(data);
  const kind = ["booking", "maintenance"].includes(data.allocation_type) ? data.allocation_type : "other";
  return { ...data, start, end, kind, held: data.status === "held", until: data.expires ? Date.parse(data.expires) : Infinity };
}

/** Return what remains of a period. @returns {[number, number][]} */
export function without(/** @type {[number, number]} */ [from, to], /** @type {number} */ start, /** @type {number} */ end) {
  /** @type {[number, number][]} */
  const rest = [
    [from, Math.min(to, start)],
    [Math.max(from, end), to],
  ];
  return rest.filter(([left, right]) => left < right);
}

/** Return the parameters of a list of vehicles. */
export function listParameters(/** @type {Query} */ { find, filters, free }, /** @type {number} */ limit) {
  const query = new URLSearchParams({ order: "name", count: "true", limit: String(limit) });
  if (find) query.set("name_prefix", find);
  for (const [name, value] of Object.entries(filters)) query.set(`attribute.${name}`, value);
  if (free && free.from !== -Infinity) query.set("available_from", new Date(free.from).toISOString());
  if (free && free.to !== Infinity) query.set("available_to", new Date(free.to).toISOString());
  return query;
}

/** Return whether a list with these parameters has the vehicle; false if only the service can tell. */
export function matches(/** @type {Vehicle} */ vehicle, /** @type {Query} */ { find, filters, free }) {
  if (free || !vehicle.name.startsWith(find)) return false;
  return Object.entries(filters).every(([name, value]) => String(vehicle.attributes[name]) === value);
}
