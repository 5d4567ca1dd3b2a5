// @ts-check
/** Calls of the API, the key and what it may do, whether the service responds, and the change feed. */

/**
 * @typedef {{id: string, name: string, attributes: Record<string, any>, version: number,
 *   closed_from: string | null}} Vehicle
 * @typedef {{id: string, resource_id: string, start: number, end: number, allocation_type: string, version: number,
 *   kind: string, held: boolean, until: number, description: string | null, reference: string | null,
 *   client_id: string | null, received?: number, changed?: {by: string | null, at: number, isShown?: boolean}
 * }} Allocation
 */

const TIMEOUT = 1e4;
const KEY = "invsys-key";
const EVENTS = 500;
/** Until when a standby, whose lists may be ten seconds old, must not answer: it would lack a change. */
let stale = 0;

/** The service; sends "change" (of its state or the next poll), "events" and "missed": the feed begins anew. */
export const service = Object.assign(new EventTarget(), {
  /** @type {"ok" | "offline" | "limited" | "key"} */ state: "ok",
  /** Since when it does not respond. */ since: 0,
  /** When the last response came. */ last: Date.now(),
  retryAfter: 0,
  /** What its clock is ahead, from the Date header of the last response. */ offset: 0,
  /** Whether a gateway answers. Only a gateway knows keys, and it announces its limits. */ hasGateway: false,
});

/** Return the present by the clock of the service. */
export const now = () => Date.now() + service.offset;

/** Send an event. @param {EventTarget} target @param {string} name @param {any} [detail] */
export const send = (target, name, detail) =>
  target.dispatchEvent(new CustomEvent(name, { detail }));

/** What the key may do; without a gateway everything. */
export const rights = { vehicles: true, allocate: true, ownOnly: false, client: "", scopes: "" };

export const key = {
  get: () => sessionStorage.getItem(KEY),
  set: (value) => sessionStorage.setItem(KEY, value),
  forget: () => sessionStorage.removeItem(KEY),
};

/** Read the client and its scopes. Raises Problem. @param {string} collection @param {string} [secret] */
export async function readRights(collection, secret) {
  const { data } = await call("GET", "whoami", { key: secret });
  const has = (scope) => [scope, `${scope}@${collection}`].some((name) => data.scopes.includes(name));
  rights.client = data.client;
  rights.scopes = data.scopes.join(", ");
  rights.vehicles = has("resources:write");
  rights.allocate = has("allocations:write") || has("allocations:own");
  rights.ownOnly = has("allocations:own") && !has("allocations:read");
}

/** A response that is an error, or none at all (status 0). */
export class Problem extends Error {
  /** @param {number} status @param {any} body @param {Headers} [headers] */
  constructor(status, body, headers) {
    super(body.detail || body.title || `The service answered ${status}.`);
    this.status = status;
    this.code = body.code || "";
    /** @type {any[] | undefined} */ this.conflicts = body.conflicts;
    /** @type {Record<string, string[]>} */ this.errors = body.errors || {};
    this.retryAfter = Number(headers?.get("Retry-After")) || 0;
    /** Nothing is known about the result: the same request with the same key settles it. */
    this.isUnknown = [0, 502, 503, 504].includes(status) && this.code !== "busy";
  }

  get words() {
    if (this.status === 403) return `Your key may not do this. ${this.message}`;
    if (this.status === 429) return `Too many requests; try again in ${this.retryAfter || 1} s.`;
    if (this.code === "none_available") return "No other vehicle is free for all of it.";
    if (this.code === "resource_closed") return "The vehicle is out of service then. Nothing was done.";
    return this.message;
  }
}

/** Return the start and the end of a period of the API. @returns {[number, number]} */
export const bounds = (data) => [
  data.from_infinity ? -Infinity : Date.parse(data.from_datetime),
  data.to_infinity ? Infinity : Date.parse(data.to_datetime),
];

/** Return an allocation of the API as the page holds it. @returns {Allocation} */
export function parse(data) {
  const [start, end] = bounds(data);
  const kind = ["booking", "maintenance"].includes(data.allocation_type) ? data.allocation_type : "other";
  const until = data.expires ? Date.parse(data.expires) : Infinity;
  return { ...data, start, end, kind, held: data.status === "held", until };
}

/** @typedef {{body?: any, version?: number, idempotencyKey?: string, signal?: AbortSignal, key?: string}} Options */

/** Call the API; raises Problem, or AbortError if the caller's signal ends the call. */
export async function call(method, path, /** @type {Options} */ options = {}) {
  let response;
  let text;
  try {
    response = await fetch(path, request(method, options));
    text = await response.text();
  } catch (error) {
    if (options.signal?.aborted) throw error;
    setState("offline");
    throw new Problem(0, { title: "The service does not respond." });
  }
  options.signal?.throwIfAborted();
  const { ok, status, headers } = response;
  const data = text && /json/.test(headers.get("Content-Type") || "") ? JSON.parse(text) : null;
  const date = Date.parse(headers.get("Date") || "");
  // The header has whole seconds; half a second is the mean of what it omits.
  if (date) service.offset = date + 500 - Date.now();
  service.hasGateway ||= headers.has("RateLimit-Policy");
  const problem = ok ? null : new Problem(status, data || {}, headers);
  // A key that is only tried says nothing about the stored one.
  if (!(status === 401 && options.key)) setState(stateOf(problem), problem?.retryAfter);
  if (problem) throw problem;
  return { data, headers };
}

const stateOf = (/** @type {Problem | null} */ problem) =>
  problem?.status === 401 ? "key" : problem?.status === 429 ? "limited" : problem?.isUnknown ? "offline" : "ok";

/** @returns {RequestInit} */
function request(method, /** @type {Options} */ { body, version, idempotencyKey, signal, key: tried }) {
  // Twice, because the response may take as long.
  if (method !== "GET") stale = Date.now() + 2 * TIMEOUT;
  // Without Cache-Control, browsers add no-cache, because of no-store below.
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json", "Cache-Control": Date.now() < stale ? "no-cache" : "max-age=10" };
  const secret = tried ?? key.get();
  if (secret) headers.Authorization = `Bearer ${secret}`;
  if (body) headers["Content-Type"] = "application/json";
  if (version) headers["If-Match"] = `"${version}"`;
  if (idempotencyKey) headers["Idempotency-Key"] = idempotencyKey;
  const timeout = AbortSignal.timeout(TIMEOUT);
  return {
    method,
    headers,
    body: body && JSON.stringify(body),
    signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    // The browser's cache would answer another key with what the former one was allowed to see.
    cache: "no-store",
  };
}

function setState(/** @type {typeof service.state} */ state, retryAfter = 0) {
  const before = service.state;
  if (state !== "offline") service.last = Date.now();
  if (before === "ok") service.since = service.last;
  Object.assign(service, { state, retryAfter });
  if (state !== before || state !== "ok") send(service, "change", before);
}

/** Return the URL of the next page, or null. */
export const nextPage = (/** @type {Headers} */ headers) =>
  /<([^>]+)>;\s*rel="next"/.exec(headers.get("Link") || "")?.[1] ?? null;

/** Return the items of all pages. */
export async function allPages(/** @type {string | null} */ path, /** @type {AbortSignal} */ signal) {
  const items = [];
  while (path) {
    const { data, headers } = await call("GET", path, { signal });
    items.push(...data);
    path = nextPage(headers);
  }
  return items;
}

/** Return a random key. crypto.randomUUID exists only on pages from HTTPS and from the local host. */
const randomKey = () => crypto.getRandomValues(new Uint32Array(4)).join("-");

/**
 * Return a function that posts, and can repeat it: its Idempotency-Key stays the same while its body does and nothing
 * is known of the result, and is a new one after a refusal.
 */
export function repeatable() {
  let idempotencyKey = randomKey();
  let sent = "";
  return async (/** @type {string} */ path, /** @type {any} */ body) => {
    const text = path + JSON.stringify(body);
    if (sent && text !== sent) idempotencyKey = randomKey();
    sent = text;
    try {
      return (await call("POST", path, { body, idempotencyKey })).data;
    } catch (error) {
      if (!(error instanceof Problem && error.isUnknown)) idempotencyKey = randomKey();
      throw error;
    }
  };
}

/** The change feed: polled every 5 seconds, less often in the background and after failures. */
export const feed = {
  /** @type {string | null} */ cursor: null,
  nextAt: 0,
  isLive: false,
  /** Whether the key may not read events. */ isRefused: false,
  failures: 0,
  timer: 0,
  plan(seconds = document.hidden ? 30 : 5) {
    clearTimeout(feed.timer);
    feed.nextAt = Date.now() + seconds * 1000;
    feed.timer = setTimeout(feed.poll, seconds * 1000);
    send(service, "change", service.state);
  },
  async poll() {
    clearTimeout(feed.timer);
    try {
      const path = `api/events?after=${feed.cursor ?? "now"}&limit=${EVENTS}`;
      const { next, events } = (await call("GET", path)).data;
      const isNew = !feed.cursor;
      if (isNew || events.length) stale = Date.now() + 2 * TIMEOUT;
      Object.assign(feed, { cursor: next, isLive: true, failures: 0 });
      if (isNew) send(service, "missed");
      if (events.length) send(service, "events", events);
      feed.plan(events.length === EVENTS ? 0 : undefined);
    } catch (error) {
      feed.fail(error);
    }
  },
  /** Plan the next attempt, later after each failure. */
  fail(error) {
    const problem = error instanceof Problem ? error : new Problem(0, {});
    feed.isLive = false;
    feed.isRefused = problem.status === 403;
    if (problem.status === 401 || feed.isRefused) return send(service, "change", service.state);
    if (problem.code === "cursor_expired") feed.cursor = null;
    feed.plan(Math.max(problem.retryAfter, Math.min(60, 5 * 2 ** feed.failures)));
    feed.failures += 1;
  },
};
