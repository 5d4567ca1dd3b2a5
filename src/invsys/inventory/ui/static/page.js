// @ts-check
/** Starts everything; the view, which is in the URL so that it can be sent to a colleague; and the toolbar. */

import { feed, key, now, Problem, readRights, rights, service } from "./api.js";
import { fleet } from "./fleet.js";
import { findForm, vehicleForm } from "./forms.js";
import { watchKeys, watchPointer } from "./input.js";
import { countAgain, showEmpty, showNumbers, watchUtilisation } from "./overview.js";
import { details } from "./panel.js";
import { button, byId, el, panel, refuse, showLogin, watchService } from "./shell.js";
import { draw, drawRow, drawScrolled, focusAt, focusGrid, tick, visibleRows } from "./timeline.js";
import * as times from "./times.js";

/** @type {Record<string, string>} */ const collections = JSON.parse(document.body.dataset.collections ?? "{}");
const types = Object.keys(collections);
const MINUTE = 60_000;

/** @type {any} */ let view;
let rightsOf = "";

/** Read the view of the URL; what is wrong in it is left out, and said. */
function readUrl() {
  const span = matchMedia("(max-width: 45rem)").matches ? 1 : 7;
  const wrong = [];
  view = { type: types[0], day: times.startOfDay(now()), span, ...times.readView(location.search, types, wrong) };
  const words = `The address has something that this page does not know, and ignores: ${wrong.join(", ")}.`;
  byId("notice").textContent = wrong.length ? words : "";
}

/** Show another view: load what it needs, then call ``loaded`` or move the focus. */
async function go(/** @type {any} */ { focus, keepIfVisible, loaded, replace = false, ...changes }) {
  const [start, end] = keepIfVisible ?? [];
  if (start >= fleet.range.from && (end <= fleet.range.to || end === Infinity)) delete changes.day;
  const before = view;
  view = { ...view, ...changes };
  const query = times.viewText(view);
  if (query !== location.search) history[replace ? "replaceState" : "pushState"](null, "", query);
  await (["type", "find", "filters", "free"].some((name) => before[name] !== view[name]) ? load() : moveWindow());
  loaded?.();
  if (!focus) return;
  requestAnimationFrame(() => {
    const row = fleet.allocation(focus[1]);
    focusAt(...focus);
    if (row) details(row);
  });
}

/** Load the vehicles of the view. */
async function load() {
  const { type, find, filters, free } = view;
  if (rightsOf !== type) await setRights();
  Object.assign(fleet, { collection: type, resourceType: collections[type], query: { find, filters, free } });
  byId("grid").scrollTop = 0;
  showWindow();
  await fleet.load();
}

async function moveWindow() {
  showWindow();
  const [first, last] = visibleRows();
  await fleet.ensure(first, last, true);
}

async function setRights() {
  if (service.hasGateway) await readRights(view.type);
  if (service.state === "ok") rightsOf = view.type;
  document.body.classList.toggle("can-allocate", rights.allocate);
  byId("add").hidden = !rights.vehicles;
  byId("account").hidden = !service.hasGateway;
  byId("client").textContent = rights.client;
  byId("scopes").textContent = rights.scopes;
  fleet.ownOnly = rights.ownOnly;
}

/** Show the view in the toolbar, and its days without what is not loaded. */
function showWindow() {
  const { type, day, span, find, filters, free } = view;
  fleet.range = times.windowOf(day, span);
  byId("type-list").value = type;
  document.title = `${byId("type-list").selectedOptions[0].text}, ${times.shortDay(day)} · InvSys`;
  for (const item of byId("types").children) item.ariaPressed = item.dataset.type === type;
  for (const item of byId("spans").children) item.ariaPressed = item.dataset.span === String(span);
  byId("day").value = times.dayText(day);
  if (document.activeElement !== byId("find")) byId("find").value = find;
  byId("zone").textContent = `Times are yours (${times.zoneText(day)})`;
  const chip = (text, changes, name = "chip") => button(`${text} ✕`, () => go(changes), { class: name });
  const others = (name) => Object.fromEntries(Object.entries(filters).filter(([other]) => other !== name));
  const chips = Object.entries(filters).map(([name, value]) => chip(`${name}: ${value}`, { filters: others(name) }));
  if (free) chips.unshift(chip(`Free ${times.periodText(free.from, free.to)}`, { free: null }, "chip free"));
  byId("chips").replaceChildren(...chips);
  draw();
}

const toWindow = (n) => () => go({ day: times.addDays(view.day, n * view.span) });

/** The acts of the toolbar, by the ids of its buttons; the keyboard calls some of them too. */
const acts = {
  earlier: toWindow(-1),
  later: toWindow(1),
  today: () => go({ day: times.startOfDay(now()) }),
  add: () => vehicleForm(),
  "find-free": () => findForm(),
  help: () => byId("keys").showModal(),
  close: panel.close,
  more: () => (byId("more").ariaExpanded = byId("tools").classList.toggle("open")),
  forget: () => (key.forget(), location.reload()),
};

/** Acts that only the keyboard has. */
const keyActs = {
  span: (span) => go({ span }),
  day: () => (byId("day").focus(), byId("day").showPicker?.()),
  find: () => (byId("tools").classList.add("open"), byId("find").focus()),
};

function watchToolbar() {
  const toType = (type) => type && go({ type, filters: {}, free: null });
  for (const [id, act] of Object.entries(acts)) byId(id).onclick = () => act();
  byId("types").onclick = ({ target }) => toType(target.closest("button")?.dataset.type);
  byId("type-list").onchange = ({ target }) => toType(target.value);
  byId("spans").onclick = ({ target }) => target.dataset.span && go({ span: Number(target.dataset.span) });
  byId("day").onchange = ({ target }) => {
    const day = times.parseDay(target.value);
    if (!Number.isNaN(day)) go({ day });
  };
  let timer = 0;
  const find = () => {
    clearTimeout(timer);
    const text = byId("find").value.trim();
    if (text !== view.find) go({ find: text, free: null, replace: true });
  };
  byId("find").oninput = () => (clearTimeout(timer), (timer = setTimeout(find, 250)));
  byId("search").onsubmit = (event) => (event.preventDefault(), find());
  const { name, value } = byId("filter-form").elements;
  byId("filter-form").onsubmit = (event) => {
    event.preventDefault();
    byId("filter").open = false;
    if (name.value.trim()) go({ filters: { ...view.filters, [name.value.trim()]: value.value.trim() } });
  };
  name.oninput = () => fillList("attribute-values", ({ attributes }) => attributes[name.value]);
  document.addEventListener("focusin", (/** @type {any} */ { target }) => {
    const isName = target.getAttribute("list") === "attribute-keys";
    if (isName) fillList("attribute-keys", ({ attributes }) => Object.keys(attributes));
  });
}

/** Offer what the vehicles have, in a list of suggestions. */
function fillList(id, read) {
  const known = [...new Set(fleet.vehicles.flatMap(read))].filter((value) => value !== undefined).slice(0, 50);
  byId(id).replaceChildren(...known.map((value) => el("option", { value: String(value) })));
}

function watchFleet() {
  const update = () => {
    panel.update();
    showEmpty(types);
  };
  const on = (target, name, act) => target.addEventListener(name, ({ detail }) => act(detail));
  on(fleet, "rows", () => (draw(), showPosition(), update()));
  on(fleet, "row", (id) => (drawRow(id), update()));
  on(fleet, "busy", () => {
    byId("grid").ariaBusy = fleet.isBusy;
    if (fleet.isBusy) return setTimeout(() => fleet.isBusy && (byId("position").textContent = "Loading…"), 400);
    showPosition();
    update();
    showNumbers();
  });
  on(fleet, "problem", showProblem);
  on(fleet, "go", go);
  on(service, "events", (events) => {
    for (const event of events) fleet.apply(event);
    countAgain();
  });
  on(service, "missed", () => fleet.isLoaded && moveWindow());
  let timer = 0;
  on(byId("grid"), "scroll", () => {
    drawScrolled();
    showPosition();
    clearTimeout(timer);
    timer = setTimeout(() => fleet.ensure(...visibleRows()), 120);
  });
}

/** Say what failed, unless the bar of the connection or the form of the key says it. */
function showProblem(problem) {
  if (!(problem instanceof Problem)) throw problem;
  if (!problem.isUnknown && problem.status !== 401 && problem.status !== 429) refuse(problem.words);
}

function showPosition() {
  const [first, last] = visibleRows();
  const { total, vehicles } = fleet;
  const words = total?.toLocaleString("en") ?? "many";
  const isAll = !view.find && !view.free && !Object.keys(view.filters).length;
  for (const item of byId("types").children) {
    item.lastElementChild.textContent = isAll && item.dataset.type === view.type ? words : "";
  }
  const position = `${first + 1}–${Math.min(last + 1, total ?? vehicles.length)} of ${words}`;
  byId("position").textContent = vehicles.length ? position : "";
}

/** Start, or start again after the key was given. */
async function start() {
  readUrl();
  // Before the lists, so that the feed misses nothing that the lists do not have.
  await feed.poll();
  if (service.state === "key") return;
  document.body.classList.remove("locked");
  await load();
}

watchToolbar();
watchFleet();
watchPointer();
watchKeys({ ...acts, ...keyActs });
watchService(() => showLogin(view.type, start), () => (fleet.isLoaded ? moveWindow() : load()));
watchUtilisation();
setInterval(tick, 1000);
setInterval(() => {
  if (document.hidden) return;
  showNumbers();
  // The feed of a key that sees only its own says nothing about what others have taken.
  if (fleet.ownOnly) moveWindow();
  else draw();
}, MINUTE);
addEventListener("unhandledrejection", (event) => {
  if (!(event.reason instanceof Problem)) return;
  event.preventDefault();
  showProblem(event.reason);
});
// The row that had the focus may have been drawn again meanwhile.
const keys = byId("keys");
keys.onclose = () => (document.activeElement ?? document.body).matches("body, #keys *") && focusGrid();
keys.querySelector("form").onsubmit = (event) => (event.preventDefault(), keys.close(), keys.onclose());
addEventListener("popstate", () => (readUrl(), load()));
const resize = () => fleet.isLoaded && (draw(), fleet.isBusy || fleet.ensure(...visibleRows()));
new ResizeObserver(resize).observe(byId("grid"));
start();
