// @ts-check
/** Starts everything. The view is in the URL, so that it can be sent to a colleague. */

import { connection, key, Problem, readRights, rights, server } from "./api.js";
import { refusalText } from "./changes.js";
import { watchDragging } from "./dragging.js";
import { button, byId, el, panel, refuse } from "./elements.js";
import { feed } from "./feed.js";
import { fleet } from "./fleet.js";
import { findForm, vehicleForm } from "./forms.js";
import { showHelp, watchKeys } from "./keys.js";
import { details, vehiclePanel } from "./panel.js";
import { showEmpty, showLogin, watchConnection } from "./states.js";
import { draw, drawRow, drawScrolled, focusAt, tick, visibleRows } from "./timeline.js";
import * as times from "./times.js";
import { watchUtilisation } from "./utilisation.js";

/** @type {Record<string, string>} */ const collections = JSON.parse(document.body.dataset.collections ?? "{}");
const SPANS = [1, 7, 28];

/** @typedef {{type: string, day: number, span: number, find: string, filters: Record<string, string>, free: {from: number, to: number} | null}} View */
/** @type {View} */ let view;

/** Return the view of the URL; what is wrong in it is left out, and said. @returns {View} */
function readUrl() {
  const query = new URLSearchParams(location.search);
  const wrong = [...query.keys()].filter((name) => !["type", "day", "span", "find", "free"].includes(name) && !name.startsWith("attribute."));
  const check = (/** @type {string} */ name, /** @type {any} */ value, /** @type {any} */ otherwise, /** @type {boolean} */ isValid) => {
    if (query.has(name) && !isValid) wrong.push(name);
    return query.has(name) && isValid ? value : otherwise;
  };
  const day = times.parseDay(query.get("day") ?? "");
  const span = Number(query.get("span"));
  const [from, to] = (query.get("free") ?? "").split("/").map((text, index) => (text === ".." ? (index ? Infinity : -Infinity) : Date.parse(text)));
  const filters = [...query].filter(([name]) => name.startsWith("attribute."));
  const found = {
    type: check("type", query.get("type"), Object.keys(collections)[0], Object.hasOwn(collections, query.get("type") ?? "")),
    day: check("day", day, times.startOfDay(server.now()), !Number.isNaN(day)),
    span: check("span", span, matchMedia("(max-width: 45rem)").matches ? 1 : 7, SPANS.includes(span)),
    find: check("find", query.get("find"), "", (query.get("find") ?? "").length <= 36),
    filters: Object.fromEntries(filters.map(([name, value]) => [name.slice("attribute.".length), value])),
    free: check("free", { from, to }, null, from < to),
  };
  byId("notice").hidden = !wrong.length;
  byId("notice").textContent = wrong.length ? `The address has something that this page does not know, and ignores: ${wrong.join(", ")}.` : "";
  return found;
}

function writeUrl(/** @type {boolean} */ replace) {
  const query = new URLSearchParams({ type: view.type, day: times.dayText(view.day), span: String(view.span) });
  if (view.find) query.set("find", view.find);
  for (const [name, value] of Object.entries(view.filters)) query.set(`attribute.${name}`, value);
  const instant = (/** @type {number} */ at) => (Number.isFinite(at) ? new Date(at).toISOString() : "..");
  if (view.free) query.set("free", `${instant(view.free.from)}/${instant(view.free.to)}`);
  const url = `?${query}`;
  if (url !== location.search) history[replace ? "replaceState" : "pushState"](null, "", url);
}

/** Show another view: load what it needs, then move the focus there. */
async function go(/** @type {any} */ { focus, keepIfVisible, loaded, replace = false, ...changes }) {
  const [start, end] = keepIfVisible ?? [];
  if (keepIfVisible && start >= fleet.range.from && (end <= fleet.range.to || end === Infinity)) delete changes.day;
  const before = view;
  view = { ...view, ...changes };
  writeUrl(replace);
  const isOther = ["type", "find", "filters", "free"].some((name) => /** @type {any} */ (before)[name] !== /** @type {any} */ (view)[name]);
  await (isOther ? load() : moveWindow());
  if (loaded) loaded();
  if (focus) showFocus(focus);
}

function showFocus(/** @type {[string, string]} */ [vehicle, allocation]) {
  requestAnimationFrame(() => {
    focusAt(vehicle, allocation);
    const row = fleet.allocation(allocation);
    if (row) details(row);
  });
}

/** Load the vehicles of the view. */
async function load() {
  const isOtherType = fleet.collection !== view.type;
  fleet.collection = view.type;
  fleet.resourceType = collections[view.type];
  fleet.query = { find: view.find, filters: view.filters, free: view.free };
  fleet.range = times.windowOf(view.day, view.span);
  if (isOtherType && fleet.isLoaded) await setRights();
  byId("grid").scrollTop = 0;
  showToolbar();
  draw();
  await fleet.load();
}

async function moveWindow() {
  fleet.range = times.windowOf(view.day, view.span);
  showToolbar();
  draw();
  await fleet.reload(...visibleRows());
}

function showToolbar() {
  document.title = `${label(view.type)}, ${times.shortDay(view.day)} · InvSys`;
  for (const item of byId("types").children) item.setAttribute("aria-pressed", String(item.dataset.type === view.type));
  byId("type-list").value = view.type;
  for (const item of byId("spans").children) item.setAttribute("aria-pressed", String(Number(item.dataset.span) === view.span));
  byId("day").value = times.dayText(view.day);
  if (document.activeElement !== byId("find")) byId("find").value = view.find;
  byId("zone").textContent = `Times are yours (${times.zoneText()})`;
  const chip = (/** @type {string} */ text, /** @type {any} */ changes, name = "chip") => button(`${text} ✕`, () => go(changes), { class: name });
  byId("chips").replaceChildren(
    ...(view.free ? [chip(`Free ${times.periodText(view.free.from, view.free.to)}`, { free: null }, "chip free")] : []),
    ...Object.entries(view.filters).map(([name, value]) => chip(`${name}: ${value}`, { filters: Object.fromEntries(Object.entries(view.filters).filter(([other]) => other !== name)) })),
  );
}

const label = (/** @type {string} */ type) => type[0].toUpperCase() + type.slice(1);
/** Return the first day of the window n windows later. */
const shifted = (/** @type {number} */ n) => times.addDays(view.day, n * view.span);

/** The acts of the toolbar; the keyboard calls them too. */
const acts = {
  earlier: () => go({ day: shifted(-1) }),
  later: () => go({ day: shifted(1) }),
  today: () => go({ day: times.startOfDay(server.now()) }),
  span: (/** @type {number} */ span) => go({ span }),
  day: () => (byId("day").focus(), byId("day").showPicker?.()),
  find: () => (byId("tools").classList.add("open"), byId("find").focus()),
  findFree: () => findForm(),
};

function watchToolbar() {
  byId("types").replaceChildren(...Object.keys(collections).map((type) => button(label(type), () => go({ type, filters: {}, free: null }), { "data-type": type })));
  byId("type-list").replaceChildren(...Object.keys(collections).map((type) => el("option", { value: type }, label(type))));
  byId("type-list").onchange = () => go({ type: byId("type-list").value, filters: {}, free: null });
  for (const name of ["earlier", "later", "today"]) byId(name).onclick = /** @type {any} */ (acts)[name];
  byId("spans").onclick = (/** @type {any} */ event) => event.target.dataset.span && go({ span: Number(event.target.dataset.span) });
  byId("day").onchange = () => !Number.isNaN(times.parseDay(byId("day").value)) && go({ day: times.parseDay(byId("day").value) });
  let timer = 0;
  const find = () => byId("find").value.trim() !== view.find && go({ find: byId("find").value.trim(), free: null, replace: true });
  byId("find").oninput = () => (clearTimeout(timer), (timer = setTimeout(find, 250)));
  byId("search").onsubmit = (/** @type {Event} */ event) => (event.preventDefault(), clearTimeout(timer), find());
  byId("filter").querySelector("form").onsubmit = (/** @type {Event} */ event) => {
    event.preventDefault();
    const name = byId("filter-key").value.trim();
    byId("filter").open = false;
    if (name) go({ filters: { ...view.filters, [name]: byId("filter-value").value.trim() } });
  };
  byId("filter-key").oninput = () => fillList("attribute-values", fleet.vehicles.map((vehicle) => vehicle.attributes[byId("filter-key").value]));
  byId("add").onclick = () => vehicleForm();
  byId("find-free").onclick = () => findForm();
  byId("more").onclick = () => byId("more").setAttribute("aria-expanded", String(byId("tools").classList.toggle("open")));
  byId("help").onclick = showHelp;
  byId("close").onclick = () => panel.close();
  byId("forget").onclick = () => (key.forget(), location.reload());
}

function fillList(/** @type {string} */ id, /** @type {any[]} */ values) {
  const known = [...new Set(values.filter((value) => value !== undefined))].slice(0, 50);
  byId(id).replaceChildren(...known.map((value) => el("option", { value })));
}

function watchFleet() {
  fleet.addEventListener("rows", () => {
    draw();
    showPosition();
    fillList("attribute-keys", fleet.vehicles.flatMap((vehicle) => Object.keys(vehicle.attributes)));
    fillList("kinds", ["booking", "maintenance", "cleaning"]);
  });
  fleet.addEventListener("row", (event) => drawRow(/** @type {CustomEvent} */ (event).detail));
  fleet.addEventListener("busy", () => {
    byId("grid").setAttribute("aria-busy", String(fleet.isBusy));
    if (!fleet.isBusy) showEmpty(view, collections);
    setTimeout(() => fleet.isBusy && (byId("position").textContent = "Loading…"), 400);
    if (!fleet.isBusy) showPosition();
  });
  fleet.addEventListener("problem", (event) => showProblem(/** @type {CustomEvent} */ (event).detail));
  fleet.addEventListener("go", (event) => go(/** @type {CustomEvent} */ (event).detail));
  let timer = 0;
  byId("grid").addEventListener("scroll", () => {
    drawScrolled();
    showPosition();
    clearTimeout(timer);
    timer = setTimeout(() => fleet.ensure(...visibleRows()), 120);
  });
  byId("rows").addEventListener("click", (/** @type {any} */ event) => {
    const bar = event.target.closest(".bar");
    const vehicle = fleet.vehicle(event.target.closest(".row")?.dataset.id);
    const row = bar && fleet.allocation(bar.dataset.id);
    if (row) details(row);
    else if (vehicle && event.target.closest(".name")) vehiclePanel(vehicle);
  });
}

/** Say what failed, unless the bar of the connection or the form of the key says it. */
function showProblem(/** @type {Problem} */ problem) {
  if (!problem.isUnknown && problem.status !== 401 && problem.status !== 429) refuse(refusalText(problem));
}

function showPosition() {
  const [first, last] = visibleRows();
  const count = fleet.vehicles.length;
  const isAll = !view.find && !view.free && !Object.keys(view.filters).length;
  const total = isAll && fleet.total !== null ? fleet.total.toLocaleString("en") : "";
  for (const item of byId("types").children) item.replaceChildren(label(item.dataset.type), ...(item.dataset.type === view.type && total ? [el("small", {}, total)] : []));
  byId("position").textContent = count ? `${first + 1}–${Math.min(last + 1, fleet.total ?? count)} of ${fleet.total?.toLocaleString("en") ?? "many"}` : "";
}

async function setRights() {
  const scopes = await readRights(view.type);
  document.body.classList.toggle("can-allocate", rights.allocate);
  byId("add").hidden = !rights.vehicles;
  byId("account").hidden = scopes === null;
  byId("account").querySelector("summary").textContent = rights.client;
  byId("scopes").textContent = (scopes ?? []).join(", ");
  fleet.ownOnly = rights.ownOnly;
}

/** Start, or start again after the key was given. */
async function start() {
  view = readUrl();
  try {
    await setRights();
    // Before the lists, so that the feed misses nothing that the lists do not have.
    await feed.start();
  } catch (error) {
    if (connection.state === "key") return;
    feed.fail(error);
  }
  for (const name of ["toolbar", "summary", "utilisation", "work", "footer"]) byId(name).hidden = false;
  await load();
  watchUtilisation();
}

watchToolbar();
watchFleet();
watchDragging();
watchKeys(acts);
watchConnection({ login: () => showLogin(start), reload: () => (fleet.isLoaded ? moveWindow() : load()) });
setInterval(tick, 1000);
setInterval(() => {
  if (document.hidden) return;
  // The feed of a key that sees only its own says nothing about what others have taken.
  if (fleet.ownOnly) moveWindow();
  else draw();
}, 60_000);
addEventListener("unhandledrejection", (event) => {
  if (!(event.reason instanceof Problem)) return;
  event.preventDefault();
  showProblem(event.reason);
});
addEventListener("popstate", () => ((view = readUrl()), load()));
addEventListener("resize", () => fleet.isLoaded && (draw(), fleet.ensure(...visibleRows())));
start();
