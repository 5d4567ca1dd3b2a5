// @ts-check
/** What forms are made of: sending and failing, and the fields of periods, texts and attributes. */

import { connection, Problem } from "./api.js";
import * as changes from "./changes.js";
import { button, el, field, showErrors } from "./elements.js";
import * as times from "./times.js";

/**
 * Return a form with a message line. ``send`` does the work; what it raises is shown, and the texts stay.
 * @returns {HTMLFormElement}
 */
export function form(/** @type {any[]} */ content, /** @type {(submitter: string) => Promise<unknown>} */ send) {
  const message = el("p", { class: "error", role: "alert" });
  const element = el("form", { novalidate: true }, ...content, message);
  element.addEventListener("submit", async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    if (element.getAttribute("aria-busy")) return;
    const offline = connection.state !== "ok";
    message.textContent = offline ? "The service is away. Your text stays here; send it when it is back." : "";
    if (offline) return;
    element.setAttribute("aria-busy", "true");
    try {
      showErrors(element, {});
      await send(/** @type {any} */ (event.submitter)?.value ?? "");
    } catch (error) {
      showFailure(element, message, error);
    } finally {
      element.removeAttribute("aria-busy");
    }
  });
  return element;
}

function showFailure(/** @type {HTMLFormElement} */ element, /** @type {HTMLElement} */ message, /** @type {unknown} */ error) {
  if (error instanceof FieldError) showErrors(element, { [error.field]: [error.message] });
  else if (!(error instanceof Problem)) throw error;
  else if (error.isUnknown && error.code !== "busy") message.replaceChildren("Not known yet whether it was done. ", el("button", {}, "Try again"));
  else if (error.status === 429) message.textContent = `Too many requests; try again in ${error.retryAfter || 1} s.`;
  else message.textContent = showErrors(element, error.errors) || (Object.keys(error.errors).length ? "" : changes.refusalText(error));
  /** @type {HTMLElement | null} */ (element.querySelector("[aria-invalid]"))?.focus();
}

class FieldError extends Error {
  constructor(/** @type {string} */ name, /** @type {string} */ message) {
    super(message);
    this.field = name;
  }
}

/** Fields of a period; ``read`` returns it, ``onchange`` is called with each valid one. */
export function periodFields(/** @type {number} */ start, /** @type {number} */ end, /** @type {(start: number, end: number) => void} */ onchange) {
  const from = instantField("From", "from_datetime", start);
  const to = instantField("To", "to_datetime", end);
  const endless = el("input", { type: "checkbox", checked: end === Infinity });
  const ever = el("input", { type: "checkbox", checked: start === -Infinity });
  const length = el("p", { class: "hint" });
  const read = () => {
    const period = { start: ever.checked ? -Infinity : from.read(), end: endless.checked ? Infinity : to.read() };
    if (Number.isNaN(period.start)) throw new FieldError("from_datetime", "A date and a time.");
    if (Number.isNaN(period.end)) throw new FieldError("to_datetime", "A date and a time.");
    if (period.start >= period.end) throw new FieldError("to_datetime", "Must be after the start.");
    return period;
  };
  const update = () => {
    from.input.disabled = ever.checked;
    to.input.disabled = endless.checked;
    try {
      const period = read();
      const duration = period.end - period.start;
      length.textContent = Number.isFinite(duration) ? times.durationText(duration) : "open";
      onchange(period.start, period.end);
    } catch {
      length.textContent = "";
    }
  };
  for (const input of [from.input, to.input, endless, ever]) input.addEventListener("input", update);
  update();
  const check = (/** @type {any} */ input, /** @type {string} */ text) => el("label", { class: "check" }, input, text);
  const more = el("details", { open: start === -Infinity }, el("summary", {}, "More"), check(ever, "since ever"));
  return { nodes: [from.node, to.node, check(endless, "until further notice"), length, more], read };
}

/** A field of an instant with its UTC time and steps of 15 minutes. An unchanged field keeps its seconds. */
function instantField(/** @type {string} */ label, /** @type {string} */ name, /** @type {number} */ at) {
  const initial = Number.isFinite(at) ? times.inputText(at) : "";
  const input = el("input", { type: "datetime-local", name, value: initial, min: "1900-01-01T00:00", max: "9000-12-31T00:00" });
  const utc = el("small", {});
  const read = () => (input.value === initial && Number.isFinite(at) ? at : times.parseInput(input.value));
  const show = () => (utc.textContent = times.isUtc() || Number.isNaN(read()) ? "" : times.utcText(read()));
  const step = (/** @type {number} */ minutes) => () => {
    const value = read();
    if (Number.isNaN(value)) return;
    input.value = times.inputText(value + minutes * times.MINUTE);
    input.dispatchEvent(new Event("input"));
  };
  input.addEventListener("input", show);
  show();
  const steps = el("span", { class: "steps" }, button("−15 min", step(-15)), button("+15 min", step(15)));
  return { node: field(label, input, el("div", {}, utc, steps)), input, read };
}

/** Fields of the kind and the note. */
export function textFields(/** @type {string} */ kind, /** @type {string} */ note) {
  const kindInput = el("input", { name: "allocation_type", value: kind, list: "kinds", maxlength: 20, autocomplete: "off" });
  const noteInput = el("input", { name: "description", value: note, maxlength: 100, autocomplete: "off", "data-first": true });
  const read = () => ({ allocation_type: kindInput.value.trim() || "booking", description: noteInput.value.trim() || null });
  return { nodes: [field("Kind", kindInput), field("Note", noteInput)], read };
}

/** Return the value that an attribute's text stands for. */
const typed = (/** @type {string} */ text, /** @type {boolean} */ isText) =>
  !isText && /^(true|false|-?(0|[1-9]\d{0,14})(\.\d{1,9})?)$/.test(text) ? JSON.parse(text) : text;

/** Lines of attributes: a key, a value, and whether the value is a text. */
export function attributeFields(/** @type {Record<string, any>} */ attributes, filterOnly = false) {
  const lines = el("div", { class: "list", "data-field": "attributes" }, el("span", { class: "error" }));
  const add = (name = "", /** @type {any} */ value = "") => {
    const isText = typeof value === "string" && typed(value, false) !== value;
    const text = button("“ ”", (event) => {
      const target = /** @type {HTMLElement} */ (event.currentTarget);
      target.setAttribute("aria-pressed", String(target.getAttribute("aria-pressed") !== "true"));
    }, { "aria-pressed": String(isText), "aria-label": "keep as text", title: "keep as text, although it reads as a number or true/false" });
    lines.append(el("div", { class: "pair" },
      el("input", { "aria-label": "attribute", list: "attribute-keys", maxlength: 64, value: name, autocomplete: "off" }),
      el("input", { "aria-label": "value", maxlength: 256, value: String(value), autocomplete: "off" }), !filterOnly && text));
  };
  for (const [name, value] of Object.entries(attributes)) add(name, value);
  if (!Object.keys(attributes).length) add();
  const read = () => Object.fromEntries([...lines.querySelectorAll(".pair")].map((line) => {
    const [name, value] = line.querySelectorAll("input");
    return [name.value.trim(), typed(value.value.trim(), line.querySelector("button")?.getAttribute("aria-pressed") === "true")];
  }).filter(([name]) => name));
  return { nodes: [lines, button("+ attribute", () => add())], read };
}
