// @ts-check
/** The change feed: polls it, and applies its events. */

import { call, Problem } from "./api.js";
import { fleet } from "./fleet.js";

const EVENTS = 500;

/** Sends "change" when the next poll is planned. */
export const feed = Object.assign(new EventTarget(), {
  /** @type {string | null} */ cursor: null,
  nextAt: 0,
  isLive: false,
  /** Whether the key may not read events. */ isRefused: false,
  failures: 0,
  timer: 0,
  async start() {
    const { data } = await call("GET", "/api/events?after=now");
    feed.cursor = data.next;
    feed.isLive = true;
    feed.plan();
  },
  plan(seconds = document.hidden ? 30 : 5) {
    clearTimeout(feed.timer);
    feed.nextAt = Date.now() + seconds * 1000;
    feed.timer = setTimeout(feed.poll, seconds * 1000);
    feed.dispatchEvent(new Event("change"));
  },
  async poll() {
    clearTimeout(feed.timer);
    try {
      if (feed.cursor === null) return await feed.start();
      const { data } = await call("GET", `/api/events?after=${encodeURIComponent(feed.cursor)}&limit=${EVENTS}`);
      feed.cursor = data.next;
      feed.isLive = true;
      feed.failures = 0;
      for (const event of data.events) apply(event);
      feed.plan(data.events.length === EVENTS ? 0 : undefined);
    } catch (error) {
      feed.fail(error);
    }
  },
  /** Plan the next attempt, later after each failure. */
  fail(/** @type {unknown} */ error) {
    const problem = error instanceof Problem ? error : new Problem(0, {});
    feed.isLive = false;
    feed.isRefused = problem.status === 403;
    if (problem.status === 401 || feed.isRefused) return;
    if (problem.code === "cursor_expired") feed.cursor = null;
    feed.failures += 1;
    feed.plan(Math.max(problem.retryAfter, Math.min(60, 5 * 2 ** (feed.failures - 1))));
  },
});

/** Apply an event to what is loaded. */
function apply(/** @type {any} */ event) {
  const { kind, data } = event;
  if (event.resource_type !== fleet.resourceType) return;
  if (kind === "resource_decommissioned") fleet.removeVehicle(event.resource_id);
  else if (kind.startsWith("resource_")) fleet.upsertVehicle(data, kind === "resource_registered");
  else if (kind === "deallocated" || kind === "expired") fleet.remove(event.allocation_id);
  else if (event.allocation_id) fleet.upsert(data, { by: event.client_id, at: Date.parse(event.at) });
}
