// @ts-check
/** The counts of the present, and the chart of the window with its table. */

import { call, server } from "./api.js";
import { byId, el } from "./elements.js";
import { fleet } from "./fleet.js";
import * as times from "./times.js";

const OPEN = "invsys-utilisation";
const HEIGHT = 84;
// The response may be that old (Cache-Control of the service).
const FRESH = 60_000;

/** @typedef {{at: number, end: number, vehicles: number, held: number, booking: number, maintenance: number, other: number}} Step */

const used = (/** @type {Step} */ step) => step.booking + step.maintenance + step.other;

let isServed = true;
let lastView = "";
let lastAt = 0;

export function watchUtilisation() {
  const details = byId("utilisation");
  if (details.dataset.watched) return showCounts();
  details.dataset.watched = "1";
  details.open = localStorage.getItem(OPEN) === "1";
  details.addEventListener("toggle", () => {
    localStorage.setItem(OPEN, details.open ? "1" : "0");
    showChart();
  });
  setInterval(() => !document.hidden && (showCounts(), showChart()), FRESH);
  fleet.addEventListener("rows", () => fleet.isBusy || showChart());
  fleet.addEventListener("busy", () => {
    if (fleet.isBusy) return;
    showChart();
    if (byId("counts").dataset.type !== fleet.collection) showCounts();
  });
  showCounts();
}

/** Return the steps of a period as numbers of vehicles. @returns {Promise<Step[]>} */
async function steps(/** @type {number} */ from, /** @type {number} */ to, /** @type {string} */ step) {
  const query = new URLSearchParams({ from: new Date(from).toISOString(), to: new Date(to).toISOString(), step });
  const { data } = await call("GET", `/api/${fleet.collection}/utilisation?${query}`);
  return data.steps.map((/** @type {any} */ item, /** @type {number} */ index) => {
    const at = Date.parse(item.from_datetime);
    const end = index + 1 < data.steps.length ? Date.parse(data.steps[index + 1].from_datetime) : to;
    const seconds = (end - at) / 1000;
    const { booking = 0, maintenance = 0, ...rest } = item.allocated;
    const other = Object.values(rest).reduce((sum, value) => sum + value, 0);
    return { at, end, vehicles: item.vehicles, held: item.held / seconds, booking: booking / seconds, maintenance: maintenance / seconds, other: other / seconds };
  });
}

async function showCounts() {
  if (!isServed) return;
  // A vehicle that was registered just now counts already.
  const from = Math.floor(server.now()) - 1000;
  byId("counts").dataset.type = fleet.collection;
  try {
    const [now] = await steps(from, from + times.MINUTE, "PT1M");
    const allocated = Math.round(used(now));
    const words = [`${allocated.toLocaleString("en")} of ${now.vehicles.toLocaleString("en")} allocated now`];
    if (now.held >= 0.5) words.push(`${Math.round(now.held)} held`);
    if (now.maintenance >= 0.5) words.push(`${Math.round(now.maintenance)} in maintenance`);
    byId("counts").textContent = words.join(" · ");
    byId("utilisation").hidden = false;
  } catch {
    // A key without allocations:read, or an older service: the page works without the numbers.
    byId("counts").textContent = "";
    byId("utilisation").hidden = true;
    isServed = false;
  }
}

async function showChart() {
  const { range, collection } = fleet;
  const view = `${collection} ${range.from} ${range.span}`;
  if (!byId("utilisation").open || byId("utilisation").hidden || document.hidden) return;
  if (view === lastView && Date.now() - lastAt < FRESH) return;
  lastView = view;
  lastAt = Date.now();
  const list = await steps(range.from, range.to, range.span === 1 ? "PT15M" : range.span === 7 ? "PT1H" : "PT4H").catch(() => []);
  if (view !== lastView || !list.length) return;
  byId("chart").replaceChildren(chart(list), el("details", {}, el("summary", {}, "As numbers"), table(list)));
}

/** Return the stacked areas; the line is the size of the fleet. */
function chart(/** @type {Step[]} */ list) {
  const top = Math.max(1, ...list.map((step) => Math.max(step.vehicles, used(step) + step.held)));
  const image = svg("svg", { viewBox: `0 0 1000 ${HEIGHT}`, preserveAspectRatio: "none", role: "img", "aria-label": "Utilisation over the window; the table has the numbers" });
  const floor = list.map(() => 0);
  const y = (/** @type {number} */ value) => HEIGHT - (value / top) * (HEIGHT - 4);
  const line = (/** @type {number[]} */ values) => list.map((step, index) => `${x(step.at)},${y(values[index]).toFixed(1)} ${x(step.end)},${y(values[index]).toFixed(1)}`);
  for (const name of /** @type {const} */ (["booking", "maintenance", "other", "held"])) {
    const lower = line(floor);
    list.forEach((step, index) => (floor[index] += step[name]));
    image.append(svg("polygon", { class: name, points: [...line(floor), ...lower.map((pair) => pair.split(" ").reverse().join(" ")).reverse()].join(" ") }));
  }
  image.append(svg("polyline", { class: "size", points: line(list.map((step) => step.vehicles)).join(" ") }));
  return image;
}

const x = (/** @type {number} */ at) => (times.percent(fleet.range, at) * 10).toFixed(1);

function svg(/** @type {string} */ tag, /** @type {Record<string, string>} */ attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

/** Return per day the smallest, the mean and the largest number of vehicles in use. */
function table(/** @type {Step[]} */ list) {
  /** @type {Map<number, Step[]>} */ const days = new Map();
  for (const step of list) days.set(times.startOfDay(step.at), [...(days.get(times.startOfDay(step.at)) ?? []), step]);
  const rows = [...days].map(([day, part]) => {
    const counts = part.map(used);
    const mean = counts.reduce((sum, value) => sum + value, 0) / counts.length;
    const size = part.reduce((sum, step) => sum + step.vehicles, 0) / part.length;
    const cells = [Math.min(...counts).toFixed(0), mean.toFixed(1), Math.max(...counts).toFixed(0), size ? `${((mean / size) * 100).toFixed(0)} %` : "–"];
    return el("tr", {}, el("th", { scope: "row" }, times.shortDay(day)), ...cells.map((text) => el("td", {}, text)));
  });
  const head = el("tr", {}, ...["Day", "Least", "Mean", "Most", "In use"].map((text) => el("th", { scope: "col" }, text)));
  return el("table", {}, el("thead", {}, head), el("tbody", {}, ...rows));
}
