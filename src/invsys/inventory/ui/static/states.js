// @ts-check
/** What is shown when something is missing: vehicles, allocations, the service, the key. */

import { call, connection, key, Problem, readRights, rights } from "./api.js";
import { button, byId, el } from "./elements.js";
import { feed } from "./feed.js";
import { fleet } from "./fleet.js";
import { parse } from "./records.js";
import { vehicleForm } from "./forms.js";
import { show } from "./panel.js";
import * as times from "./times.js";

/** Show the bar of the connection; reload when the service is back. */
export function watchConnection(/** @type {{login: () => void, reload: () => void}} */ { login, reload }) {
  const bar = byId("connection");
  const update = () => {
    const { state, since, retryAfter } = connection;
    byId("live").textContent = state === "ok" && feed.isLive ? "live" : feed.isRefused ? "not live: the key may not read the feed" : "not live";
    byId("live").classList.toggle("off", state !== "ok" || !feed.isLive);
    for (const item of document.querySelectorAll("[data-write]")) item.setAttribute("aria-disabled", String(state !== "ok"));
    if (state === "ok" || state === "key") return;
    const seconds = Math.max(0, Math.ceil((feed.nextAt - Date.now()) / 1000));
    const words = state === "limited" ? `Too many requests; going on in ${Math.max(seconds, retryAfter)} s.` : `The service has not responded since ${times.clock(since)}. What you see is from then.`;
    if (bar.firstChild?.textContent !== words) bar.replaceChildren(el("span", {}, words), el("span", { "aria-live": "off" }), button("Now", feed.poll));
    if (state === "offline") bar.children[1].textContent = `Trying again in ${seconds} s`;
    bar.className = "";
    bar.hidden = false;
  };
  connection.addEventListener("change", (event) => {
    const before = /** @type {CustomEvent} */ (event).detail;
    if (connection.state === "key") login();
    if (connection.state === "ok" && before !== "ok" && before !== "key") isBack(bar, reload);
    update();
  });
  feed.addEventListener("change", update);
  setInterval(update, 1000);
  document.addEventListener("visibilitychange", () => !document.hidden && feed.isLive && feed.poll());
}

function isBack(/** @type {HTMLElement} */ bar, /** @type {() => void} */ reload) {
  bar.className = "back";
  bar.replaceChildren("It is back.");
  setTimeout(() => bar.classList.contains("back") && (bar.hidden = true), 4000);
  if (!feed.isLive) feed.plan(0);
  reload();
}

/** Say what to do when there is no vehicle, no match, or nothing in the window. */
export function showEmpty(/** @type {{find: string, filters: object, free: object | null, type: string}} */ view, /** @type {Record<string, string>} */ collections) {
  const place = byId("empty");
  const isSearch = view.find || view.free || Object.keys(view.filters).length;
  const isNone = fleet.isLoaded && !fleet.vehicles.length;
  const isQuiet = !isNone && fleet.isLoaded && !fleet.isBusy && fleet.complete.size > 0 && fleet.vehicles.every((vehicle) => !fleet.rows.get(vehicle.id)?.size);
  place.hidden = !isNone;
  place.classList.remove("line-only");
  if (isNone && !isSearch) return showNoVehicles(place);
  if (isNone) return showNoMatch(place, view, collections);
  if (isQuiet) showQuiet(place);
}

function showNoVehicles(/** @type {HTMLElement} */ place) {
  place.replaceChildren(
    el("p", {}, `No ${fleet.collection} yet.`),
    rights.vehicles ? button("Add the first one", () => vehicleForm(), { class: "primary" }) : "",
    el("p", { class: "hint" }, "or, to look around: invsys-manage demo"),
  );
}

async function showNoMatch(/** @type {HTMLElement} */ place, /** @type {any} */ view, /** @type {Record<string, string>} */ collections) {
  const one = fleet.collection.replace(/ies$/, "y").replace(/s$/, "");
  const words = view.find ? `No ${one}’s name begins with ${view.find}.` : view.free ? "None is free for all of it." : `No ${one} has these attributes.`;
  const clear = button("Clear", () => fleet.go({ find: "", filters: {}, free: null }));
  place.replaceChildren(el("p", {}, el("bdi", {}, words)), clear);
  if (!view.find) return;
  for (const type of Object.keys(collections).filter((other) => other !== view.type)) {
    const { headers } = await call("GET", `/api/${type}?${new URLSearchParams({ name_prefix: view.find, count: "true", limit: "1" })}`);
    const count = Number(headers.get("X-Total-Count"));
    if (count && fleet.query.find === view.find) clear.before(button(`Look among ${type} (${count})`, () => fleet.go({ type, filters: {}, free: null })));
  }
}

/** Say that the window has no allocations, and offer the last ones. */
async function showQuiet(/** @type {HTMLElement} */ place) {
  const { range, collection } = fleet;
  const query = new URLSearchParams({ order: "-from", limit: "1", to: new Date(range.to).toISOString(), from: new Date(range.from).toISOString() });
  const inWindow = await call("GET", `/api/${collection}/all/allocations?${query}`);
  if (inWindow.data.length || range !== fleet.range) return;
  const { data } = await call("GET", `/api/${collection}/all/allocations?order=-from&limit=1`);
  if (range !== fleet.range) return;
  const last = data.length ? parse(data[0]) : null;
  const words = `Nothing allocated from ${times.shortDay(range.from)} to ${times.shortDay(range.to - 1)}.`;
  const jump = last && Number.isFinite(last.start) && button(`Go to the last allocation, ${times.shortDay(last.start)}`, () => show(last));
  place.replaceChildren(el("span", {}, words), ...(jump ? [jump] : []));
  place.classList.add("line-only");
  place.hidden = false;
}

/** Ask for the key, and try it. */
export function showLogin(/** @type {() => void} */ start) {
  for (const name of ["toolbar", "summary", "utilisation", "work", "footer"]) byId(name).hidden = true;
  clearTimeout(feed.timer);
  const wasWrong = key.get() !== null;
  key.forget();
  const input = el("input", { type: "password", name: "key", autocomplete: "current-password", required: true });
  const error = el("p", { class: "error", role: "alert" }, wasWrong ? "The key is not accepted any more." : "");
  const reveal = button("Show", () => (input.type = input.type === "password" ? "text" : "password"), { "aria-label": "Show the key" });
  const form = el("form", {},
    el("h1", {}, "InvSys"),
    el("input", { type: "text", name: "user", value: "invsys", autocomplete: "username", hidden: true }),
    el("label", {}, "API key ", input), reveal,
    el("p", { class: "hint" }, "The key is kept until this tab is closed."), error,
    el("button", { class: "primary" }, "Continue"));
  form.addEventListener("submit", async (/** @type {Event} */ event) => {
    event.preventDefault();
    const failure = await tryKey(input.value.trim());
    error.textContent = failure;
    if (failure) return input.select();
    byId("login").hidden = true;
    start();
  });
  byId("login").replaceChildren(form);
  byId("login").hidden = false;
  input.focus();
}

/** Return why a key is not accepted, or an empty text. */
async function tryKey(/** @type {string} */ secret) {
  if (!/^[\x21-\x7e]+$/.test(secret)) return "Not accepted.";
  try {
    await readRights(fleet.collection, secret);
    key.set(secret);
    return "";
  } catch (error) {
    return error instanceof Problem && error.status === 401 ? "Not accepted." : "The service does not respond; try again.";
  }
}
