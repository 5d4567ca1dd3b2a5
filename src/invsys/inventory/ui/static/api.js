// @ts-check
/** Calls of the API: key, timeout, problems, pages, versions and the server's clock. */

const TIMEOUT = 10_000;
const KEY = "invsys-key";

/** The server's clock, from the Date header of the last response. */
export const server = { offset: 0, now: () => Date.now() + server.offset };

/** Whether the service responds; sends "change". */
export const connection = Object.assign(new EventTarget(), {
  /** @type {"ok" | "offline" | "limited" | "key"} */ state: "ok",
  since: 0,
  /** The last time that a response came. */ last: Date.now(),
  retryAfter: 0,
});

/** What the key may do; without a gateway everything. */
export const rights = { vehicles: true, allocate: true, ownOnly: false, client: "" };

/** Read the client and its scopes; the inventory alone has no such route. Raises Problem. */
export async function readRights(/** @type {string} */ collection, /** @type {string | undefined} */ secret = undefined) {
  try {
    const { data } = await call("GET", "/whoami", { key: secret });
    const has = (/** @type {string} */ scope) => data.scopes.some((/** @type {string} */ own) => own === scope || own === `${scope}@${collection}`);
    rights.client = data.client;
    rights.vehicles = has("resources:write");
    rights.allocate = has("allocations:write") || has("allocations:own");
    rights.ownOnly = has("allocations:own") && !has("allocations:read");
    return /** @type {string[]} */ (data.scopes);
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return null;
    throw error;
  }
}

/** A response that is an error, or none at all (status 0). */
export class Problem extends Error {
  /** @param {number} status @param {any} body @param {Headers} [headers] */
  constructor(status, body, headers) {
    super(body.detail || body.title || `The service answered ${status}.`);
    this.status = status;
    /** @type {string} */ this.code = body.code || "";
    /** @type {any[] | undefined} */ this.conflicts = body.conflicts;
    /** @type {Record<string, string[]>} */ this.errors = body.errors || {};
    this.retryAfter = Number(headers?.get("Retry-After")) || 0;
  }
  /** Nothing is known about the result: the same request with the same key settles it. */
  get isUnknown() {
    return [0, 502, 503, 504].includes(this.status);
  }
}

export const key = {
  get: () => sessionStorage.getItem(KEY),
  set: (/** @type {string} */ value) => sessionStorage.setItem(KEY, value),
  forget: () => sessionStorage.removeItem(KEY),
};

/** Return a random key. crypto.randomUUID exists only on pages from HTTPS and from the local host. */
const randomKey = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

/** @typedef {{body?: any, version?: number, idempotencyKey?: string, signal?: AbortSignal, key?: string}} Options */
/** @typedef {{data: any, headers: Headers}} Reply */

/** Call the API; raises Problem, or AbortError if the caller's signal ends the call. @returns {Promise<Reply>} */
export async function call(/** @type {string} */ method, /** @type {string} */ path, /** @type {Options} */ options = {}) {
  let response;
  try {
    response = await fetch(path, request(method, options));
  } catch (error) {
    if (options.signal?.aborted) throw error;
    setState("offline");
    throw new Problem(0, { title: "The service does not respond." });
  }
  // A key that is only tried says nothing about the stored one.
  return read(response, options.key !== undefined);
}

/** @returns {RequestInit} */
function request(/** @type {string} */ method, /** @type {Options} */ options) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json" };
  const secret = options.key ?? key.get();
  if (secret) headers.Authorization = `Bearer ${secret}`;
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  if (options.version !== undefined) headers["If-Match"] = `"${options.version}"`;
  if (options.idempotencyKey) headers["Idempotency-Key"] = options.idempotencyKey;
  const timeout = AbortSignal.timeout(TIMEOUT);
  const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
  const body = options.body === undefined ? undefined : JSON.stringify(options.body);
  // The browser's cache would answer another key with what the former one was allowed to see.
  return { method, headers, body, signal, cache: "no-store", credentials: "same-origin" };
}

/** @returns {Promise<Reply>} */
async function read(/** @type {Response} */ response, /** @type {boolean} */ isTrial) {
  const { status, headers } = response;
  const text = await response.text();
  const isJson = /json/.test(headers.get("Content-Type") || "");
  const data = text && isJson ? JSON.parse(text) : null;
  const date = Date.parse(headers.get("Date") || "");
  // The header has whole seconds; half a second is the mean of what it omits.
  if (date) server.offset = date + 500 - Date.now();
  if (response.ok) {
    setState("ok");
    return { data, headers };
  }
  const problem = new Problem(status, data || {}, headers);
  const isAway = problem.isUnknown && problem.code !== "busy";
  if (!(isTrial && status === 401)) setState(status === 429 ? "limited" : status === 401 ? "key" : isAway ? "offline" : "ok", problem.retryAfter);
  throw problem;
}

function setState(/** @type {typeof connection.state} */ state, retryAfter = 0) {
  const before = connection.state;
  if (state !== "offline") connection.last = Date.now();
  if (state !== "ok" && before === "ok") connection.since = connection.last;
  connection.state = state;
  connection.retryAfter = retryAfter;
  if (state !== before || state !== "ok") connection.dispatchEvent(new CustomEvent("change", { detail: before }));
}

/** Return the URL of the next page, or null. */
export function nextPage(/** @type {Headers} */ headers) {
  const match = /<([^>]+)>;\s*rel="next"/.exec(headers.get("Link") || "");
  return match ? match[1] : null;
}

/** Return the items of all pages. @returns {Promise<any[]>} */
export async function allPages(/** @type {string} */ path, /** @type {AbortSignal} */ signal) {
  const items = [];
  /** @type {string | null} */
  let next = path;
  while (next) {
    const { data, headers } = await call("GET", next, { signal });
    items.push(...data);
    next = nextPage(headers);
  }
  return items;
}

/**
 * A write that can be repeated: its Idempotency-Key stays the same while its body does and nothing is known of the
 * result, and is a new one after a refusal.
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
      if (error instanceof Problem && !error.isUnknown) idempotencyKey = randomKey();
      throw error;
    }
  };
}
