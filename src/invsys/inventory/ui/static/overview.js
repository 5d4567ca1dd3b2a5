// @ts-check
/** The counts of the present, the chart of the window with its table, and what stands in place of missing rows. */

import { call, now, parse, rights } from "./api.js";
import { fleet } from "./fleet.js";
import { vehicleForm } from "./forms.js";
import { show } from "./panel.js";
import { bdi, button, byId, el } from "./shell.js";
import * as times from "./times.js";

const OPEN = "invsys-utilisation";
const HEIGHT = 84;
// Milliseconds after which the counts and the chart are read again, and the counts after events.
const FRESH = 60_000;
const SOON = 10_000;

/** When the counts and the chart were read, and of what. */
const read = { counts: 0, type: "", chart: 0, window: "" };

/** Show the counts of the present, and the chart if it is open; read them again if they are old. */
export async function showNumbers() {
  const { collection, range } = fleet;
  const window = `${collection} ${range.from} ${range.span}`;
  const present = Date.now();
  if (document.hidden || !collection) return;
  if (read.type !== collection || present - read.counts >= FRESH) {
    Object.assign(read, { type: collection, counts: present });
    // A key without allocations:read, or an older service: the page works without the numbers.
    const words = await counts(collection).catch(() => "");
    byId("counts").textContent = words;
    byId("utilisation").hidden = !words;
  }
  const { open, hidden } = byId("utilisation");
  if (!open || hidden || (read.window === window && present - read.chart < FRESH)) return;
  Object.assign(read, { window, chart: present });
  const step = { 1: "PT15M", 7: "PT1H", 28: "PT4H" }[range.span];
  const list = await steps(collection, range.from, range.to, step).catch(() => []);
  if (read.window !== window || !list.length) return;
  byId("chart").replaceChildren(chart(list), el("details", el("summary", "As numbers"), table(list)));
}

async function counts(collection) {
  // A vehicle that was registered just now counts already.
  const from = Math.floor(now()) - 1000;
  const [{ used, vehicles, held, maintenance }] = await steps(collection, from, from + times.MINUTE, "PT1M");
  const number = (value, words) => (value >= 0.5 ? ` · ${Math.round(value).toLocaleString("en")} ${words}` : "");
  const allocated = `${Math.round(used).toLocaleString("en")} of ${vehicles.toLocaleString("en")} allocated now`;
  return allocated + number(held, "held") + number(maintenance, "in maintenance");
}

/** Return the stacked areas; the line is the size of the fleet. */
function chart(list) {
  const image = /** @type {Element} */ (byId("chart-image").content.firstElementChild.cloneNode(true));
  const top = Math.max(1, ...list.map((step) => Math.max(step.vehicles, step.used + step.held)));
  const x = (at) => (times.percent(fleet.range, at) * 10).toFixed(1);
  const y = (value) => (HEIGHT - (value / top) * (HEIGHT - 4)).toFixed(1);
  const line = (values) => list.flatMap(({ at, end }, n) => [at, end].map((side) => `${x(side)},${y(values[n])}`));
  let floor = list.map(() => 0);
  for (const area of image.querySelectorAll("polygon")) {
    const upper = list.map((step, n) => floor[n] + step[area.classList[0]]);
    area.setAttribute("points", [...line(upper), ...line(floor).reverse()].join(" "));
    floor = upper;
  }
  image.querySelector("polyline")?.setAttribute("points", line(list.map((step) => step.vehicles)).join(" "));
  return image;
}

const add = (/** @type {number} */ sum, /** @type {number} */ value) => sum + value;

/** Return per day the smallest, the mean and the largest number of vehicles in use. */
function table(list) {
  const mean = (values) => values.reduce(add, 0) / values.length;
  const rows = [...Map.groupBy(list, (step) => times.startOfDay(step.at))].map(([day, steps]) => {
    const used = steps.map((step) => step.used);
    const size = mean(steps.map((step) => step.vehicles));
    const share = size ? `${((mean(used) / size) * 100).toFixed(0)} %` : "–";
    const cells = [Math.min(...used).toFixed(0), mean(used).toFixed(1), Math.max(...used).toFixed(0), share];
    return el("tr", el("th", { scope: "row" }, times.shortDay(day)), cells.map((text) => el("td", text)));
  });
  const head = ["Day", "Least", "Mean", "Most", "In use"].map((text) => el("th", { scope: "col" }, text));
  return el("table", el("thead", el("tr", head)), el("tbody", rows));
}

/** Return the steps of a period as numbers of vehicles. */
async function steps(collection, from, to, step) {
  const path = `api/${collection}/utilisation?from=${times.iso(from)}&to=${times.iso(to)}&step=${step}`;
  const { data } = await call("GET", path);
  return data.steps.map(({ from_datetime, vehicles, held, allocated }, n) => {
    const at = Date.parse(from_datetime);
    const end = n + 1 < data.steps.length ? Date.parse(data.steps[n + 1].from_datetime) : to;
    const mean = (seconds) => (seconds * 1000) / (end - at);
    const { booking = 0, maintenance = 0 } = allocated;
    const used = mean(Object.values(allocated).reduce(add, 0));
    const parts = { booking: mean(booking), maintenance: mean(maintenance), held: mean(held) };
    return { at, end, vehicles, used, other: used - parts.booking - parts.maintenance, ...parts };
  });
}

export function watchUtilisation() {
  const details = byId("utilisation");
  details.open = localStorage.getItem(OPEN) === "1";
  details.ontoggle = () => {
    localStorage.setItem(OPEN, details.open ? "1" : "0");
    showNumbers();
  };
}

/** Read the counts again soon, because something has changed. */
export function countAgain() {
  read.counts = Math.min(read.counts, Date.now() - FRESH + SOON);
  setTimeout(showNumbers, SOON);
}

/** Say what to do when there is no vehicle, no match, or nothing in the window. */
export function showEmpty(/** @type {string[]} */ types) {
  const { vehicles, rows, complete, isLoaded, isBusy, query, collection } = fleet;
  const place = byId("empty");
  const isNone = isLoaded && !vehicles.length;
  const isQuiet = !isNone && isLoaded && complete.size > 0 && vehicles.every(({ id }) => !rows.get(id)?.size);
  const isLine = place.classList.contains("line-only") && !place.hidden;
  if (!isNone && !(isQuiet && isLine)) {
    place.hidden = true;
    place.replaceChildren();
  }
  if (isBusy) return;
  if (isQuiet && !isLine) showQuiet(place);
  if (!isNone) return;
  place.hidden = false;
  place.classList.remove("line-only");
  if (query.find || query.free || Object.keys(query.filters).length) return showNoMatch(place, types);
  place.replaceChildren(
    el("p", `No ${collection} yet.`),
    rights.vehicles ? button("Add the first one", () => vehicleForm(), { class: "primary" }) : "",
    el("p.hint", "or, to look around: invsys-manage demo"),
  );
}

async function showNoMatch(place, /** @type {string[]} */ types) {
  const { find, free } = fleet.query;
  const one = fleet.collection.replace(/ies$/, "y").replace(/s$/, "");
  const named = find && `No ${one}’s name begins with ${find}.`;
  const words = named || (free ? "None is free for all of it." : `No ${one} has these attributes.`);
  const clear = button("Clear", () => fleet.go({ find: "", filters: {}, free: null }));
  place.replaceChildren(el("p", bdi(words)), clear);
  for (const type of find ? types.filter((other) => other !== fleet.collection) : []) {
    const query = new URLSearchParams({ name_prefix: find, count: "true", limit: "1" });
    const { headers } = await call("GET", `api/${type}?${query}`);
    const count = Number(headers.get("X-Total-Count"));
    const look = () => fleet.go({ type, filters: {}, free: null });
    if (count && fleet.query.find === find) clear.before(button(`Look among ${type} (${count})`, look));
  }
}

/** Say that the window has no allocations, and offer the last ones. */
async function showQuiet(place) {
  const { range, collection } = fleet;
  const path = `api/${collection}/all/allocations?order=-from&limit=1`;
  const find = async (query = "") => (await call("GET", path + query)).data.map(parse)[0];
  // Rows that are not loaded may have some.
  if (fleet.next && (await find(`&from=${times.iso(range.from)}&to=${times.iso(range.to)}`))) return;
  const last = await find();
  if (range !== fleet.range || !fleet.isLoaded) return;
  const [first, end] = [range.from, range.to - 1].map(times.shortDay);
  const words = first === end ? `Nothing allocated on ${first}.` : `Nothing allocated from ${first} to ${end}.`;
  const jump = last && Number.isFinite(last.start);
  const go = jump && button(`Go to the last allocation, ${times.shortDay(last.start)}`, () => show(last));
  place.replaceChildren(el("span", words), go || "");
  place.classList.add("line-only");
  place.hidden = false;
}
