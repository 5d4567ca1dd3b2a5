// @ts-check
/** Elements, messages, dialogs and the side panel. Texts are only ever set as text. */

/** @typedef {Node | string | null | undefined | false} Child */

/** Return an element of the shell. @returns {any} */
export const byId = (/** @type {string} */ id) => document.getElementById(id);

/**
 * Return a new element. Functions become listeners; true and false set and omit an attribute.
 * @returns {any}
 */
export function el(/** @type {string} */ tag, /** @type {Record<string, any>} */ attributes = {}, /** @type {Child[]} */ ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children) if (child || child === "") element.append(child);
  return element;
}

export const button = (/** @type {string} */ text, /** @type {(event: Event) => void} */ onclick, attributes = {}) =>
  el("button", { type: "button", onclick, ...attributes }, text);

/** Show a message for a while. An action of the message also removes it. */
export function toast(/** @type {string} */ text, /** @type {Record<string, () => void>} */ actions = {}, isRefusal = false) {
  const region = byId(isRefusal ? "refused" : "done");
  const message = el("div", { class: "toast" }, el("span", {}, text));
  const remove = () => message.remove();
  for (const [name, action] of Object.entries(actions)) {
    message.append(button(name, () => (remove(), action())));
  }
  message.append(button("✕", remove, { "aria-label": "Dismiss", class: "plain" }));
  region.replaceChildren(message);
  const timer = setTimeout(remove, isRefusal ? 15_000 : 8000);
  // Somebody who reads it or reaches for its action keeps it.
  for (const name of ["pointerenter", "focusin"]) message.addEventListener(name, () => clearTimeout(timer));
}

export const refuse = (/** @type {string} */ text, /** @type {Record<string, () => void>} */ actions = {}) =>
  toast(text, actions, true);

/** Ask in a dialog; return whether the answer is yes. @returns {Promise<boolean>} */
export function ask(/** @type {string} */ title, /** @type {string} */ text, /** @type {string} */ yes) {
  return new Promise((resolve) => {
    const close = (/** @type {boolean} */ answer) => (resolve(answer), dialog.close());
    const dialog = openDialog(
      title,
      el("p", {}, text),
      el("p", { class: "buttons" }, button(yes, () => close(true), { class: "danger" }), button("Keep it", () => close(false), { autofocus: true })),
    );
    dialog.onclose = () => resolve(false);
  });
}

/** @returns {any} */
export function openDialog(/** @type {string} */ title, /** @type {Node[]} */ ...content) {
  const dialog = byId("dialog");
  dialog.replaceChildren(el("h2", { id: "dialog-title" }, title), ...content);
  dialog.showModal();
  return dialog;
}

/** The side panel. Focus moves into it, and back to where it was when it closes. */
export const panel = {
  /** What is shown, so that a change of it can redraw the panel. */ subject: "",
  /** @type {(() => any) | null} */ returnTo: null,
  /** @type {(() => void) | null} */ onclose: null,

  open(/** @type {string} */ subject, /** @type {string} */ title, /** @type {Child[]} */ ...content) {
    panel.ended();
    panel.subject = subject;
    byId("panel-title").textContent = title;
    byId("panel-body").replaceChildren(...content.filter((child) => child));
    const wasHidden = byId("panel").hidden;
    byId("panel").hidden = false;
    if (wasHidden) window.dispatchEvent(new Event("resize"));
    const first = byId("panel-body").querySelector("[data-first]") ?? byId("panel-title");
    first.focus();
    if (first.select) first.select();
  },

  isOpen: () => !byId("panel").hidden,

  ended() {
    const { onclose } = panel;
    panel.onclose = null;
    if (onclose) onclose();
  },

  close() {
    if (!panel.isOpen()) return;
    const hadFocus = byId("panel").contains(document.activeElement);
    byId("panel").hidden = true;
    panel.subject = "";
    panel.ended();
    window.dispatchEvent(new Event("resize"));
    if (hadFocus) panel.returnTo?.()?.focus();
  },
};

/** Return a field with its label and the place of its error. @returns {any} */
export function field(/** @type {string} */ label, /** @type {any} */ input, /** @type {Child} */ hint = null) {
  const name = input.name;
  const error = el("span", { class: "error", id: `error-${name}`, role: "alert" });
  input.setAttribute("aria-describedby", error.id);
  return el("div", { class: "field", "data-field": name }, el("label", {}, el("span", {}, label), input), hint, error);
}

/** Show the errors of a form at their fields; return those that belong to none. */
export function showErrors(/** @type {HTMLElement} */ form, /** @type {Record<string, string[]>} */ errors) {
  for (const old of form.querySelectorAll(".error")) old.textContent = "";
  for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  const rest = [];
  for (const [name, messages] of Object.entries(errors)) {
    const place = form.querySelector(`[data-field="${CSS.escape(name)}"]`);
    if (!place) rest.push(`${name}: ${messages.join(" ")}`);
    else {
      const error = place.querySelector(".error");
      if (error) error.textContent = messages.join(" ");
      place.querySelector("input")?.setAttribute("aria-invalid", "true");
    }
  }
  return rest.join(" ");
}
