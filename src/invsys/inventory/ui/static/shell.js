// @ts-check
/** The shell around the timeline: elements, messages, dialogs, the panel, the service and the key. */

import { feed, key, Problem, readRights, service } from "./api.js";
import { clock } from "./times.js";

/** Return an element of the shell. @returns {any} */
export const byId = (id) => document.getElementById(id);

/**
 * Return a new element: el("p.hint", {title: "…"}, "text"). Texts are only ever set as text. Functions become
 * listeners; true sets an attribute, false and null omit it, as they do children.
 * @returns {any}
 */
export function el(/** @type {string} */ selector, /** @type {any[]} */ ...parts) {
  const [tag, ...classes] = selector.split(".");
  const element = document.createElement(tag);
  if (classes.length) element.className = classes.join(" ");
  for (const part of parts.flat(Infinity)) {
    if (part instanceof Node || typeof part === "string") element.append(part);
    else for (const [name, value] of Object.entries(part || {})) setAttribute(element, name, value);
  }
  return element;
}

function setAttribute(element, name, value) {
  if (typeof value === "function") element.addEventListener(name.slice(2), value);
  else if (value !== false && value !== null) element.setAttribute(name, value === true ? "" : value);
}

/** Make an element equal to a new one. Its parts that are equal stay, so that whoever is pressing one keeps it. */
export function renew(element, fresh) {
  // The policy forbids to set the attribute "style".
  for (const { name, value } of fresh.attributes) if (name !== "style") element.setAttribute(name, value);
  element.style.cssText = fresh.style.cssText;
  for (const part of [...element.children].slice(fresh.children.length)) part.remove();
  for (const [index, part] of [...fresh.children].entries()) {
    const old = element.children[index];
    if (!old) element.append(part);
    else if (!old.isEqualNode(part)) part.matches(".name") ? renew(old, part) : old.replaceWith(part);
  }
}

/** Return a text that other users wrote, in its own direction of writing. */
export const bdi = (text) => el("bdi", text);

export const button = (text, onclick, more = {}) => el("button", { type: "button", onclick, ...more }, text);

/** Return a button that writes: disabled while the service is away. */
export function act(text, action, more = {}) {
  const refused = () => refuse("The service is away; nothing can be changed until it is back.");
  return button(text, () => (service.state === "ok" ? action() : refused()), { "data-write": true, ...more });
}

export const buttons = (...children) => el("p.buttons", children);

/** Show a message for a while. An action of the message also removes it. */
export function toast(text, /** @type {Record<string, () => unknown>} */ actions = {}, isRefusal = false) {
  const message = el("div.toast", el("span", text));
  const remove = () => message.remove();
  for (const [name, action] of Object.entries(actions)) message.append(button(name, () => (remove(), action())));
  message.append(button("✕", remove, { "aria-label": "Dismiss", class: "plain" }));
  byId(isRefusal ? "refused" : "done").replaceChildren(message);
  const timer = setTimeout(remove, isRefusal ? 15_000 : 8000);
  // Somebody who reads it or reaches for its action keeps it.
  for (const name of ["pointerenter", "focusin"]) message.addEventListener(name, () => clearTimeout(timer));
}

export const refuse = (text, actions = {}) => toast(text, actions, true);

/** Ask in a dialog; return whether the answer is yes. @returns {Promise<boolean>} */
export function ask(title, text, yes) {
  const answers = buttons(el("button.danger", { value: "yes" }, yes), el("button", { autofocus: true }, "Keep it"));
  const form = el("form", { method: "dialog" }, el("p", text), answers);
  // Its own element, because the event of an earlier dialog that closes may come late.
  const dialog = el("dialog", { id: "dialog", "aria-label": title }, el("h2", title), form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.onclose = () => (dialog.remove(), resolve(dialog.returnValue === "yes"));
  });
}

/** What the panel shows, where the focus goes when it closes, what ends with it, and how it follows a change. */
const NOTHING = { subject: "", title: "", back: () => {}, ended: () => {}, update: () => {} };
let shown = NOTHING;
let isUpdate = false;

/** The side panel. Focus moves into it, and back to where it was when it closes. */
export const panel = {
  isOpen: (subject = shown.subject) => !byId("panel").hidden && subject === shown.subject,

  open(/** @type {Partial<typeof NOTHING>} */ subject, ...content) {
    shown.ended();
    shown = { ...NOTHING, ...subject };
    const body = byId("panel-body");
    const focused = body.contains(document.activeElement) && document.activeElement?.textContent;
    byId("panel-title").textContent = shown.title;
    body.replaceChildren(...content.filter(Boolean));
    byId("panel").hidden = false;
    if (isUpdate && focused === false) return;
    const same = isUpdate && [...body.querySelectorAll("button")].find((item) => item.textContent === focused);
    const first = same || body.querySelector("[data-first]") || byId("panel-title");
    first.focus();
    first.select?.();
  },

  /** Show the change of what is shown. The focus stays where it is. */
  update() {
    isUpdate = true;
    shown.update();
    isUpdate = false;
  },

  close() {
    if (!panel.isOpen()) return;
    const hadFocus = byId("panel").contains(document.activeElement);
    const { ended, back } = shown;
    byId("panel").hidden = true;
    shown = NOTHING;
    ended();
    if (hadFocus) back();
  },
};

/**
 * Return a form of the shell. ``write`` gets the value of the button; what it raises is shown, and the texts stay.
 * @returns {any}
 */
export function makeForm(template, /** @type {(submitter: string) => unknown} */ write) {
  const form = byId(template).content.firstElementChild.cloneNode(true);
  const message = el("p.error", { role: "alert" });
  form.append(message);
  for (const cancel of form.querySelectorAll("[data-cancel]")) cancel.onclick = panel.close;
  form.onsubmit = async (event) => {
    event.preventDefault();
    if (form.getAttribute("aria-busy")) return;
    const isAway = service.state !== "ok";
    message.textContent = isAway ? "The service is away. Your text stays here; send it when it is back." : "";
    if (isAway) return;
    form.setAttribute("aria-busy", "true");
    try {
      showErrors(form, {});
      await write(event.submitter?.value ?? "");
    } catch (error) {
      showFailure(form, message, error);
    } finally {
      form.removeAttribute("aria-busy");
    }
  };
  return form;
}

function showFailure(form, message, error) {
  if (!(error instanceof Problem)) throw error;
  const again = ["Not known yet whether it was done. ", el("button", { value: "again" }, "Try again")];
  if (!form.isConnected) return refuse(error.words);
  const rest = showErrors(form, error.errors);
  const words = Object.keys(error.errors).length ? rest : error.words;
  message.replaceChildren(...(error.isUnknown ? again : [words]));
  form.querySelector("[aria-invalid]")?.focus();
}

/** Show the errors of a form at their fields; return those that belong to none. */
export function showErrors(form, /** @type {Record<string, string[]>} */ errors) {
  for (const old of form.querySelectorAll(".error")) old.textContent = "";
  for (const input of form.querySelectorAll("[aria-invalid]")) input.removeAttribute("aria-invalid");
  let rest = "";
  for (const [name, messages] of Object.entries(errors)) {
    const place = form.querySelector(`[data-field="${CSS.escape(name)}"]`);
    if (place) {
      place.querySelector(".error").textContent = messages.join(" ");
      place.querySelector("input")?.setAttribute("aria-invalid", "true");
    } else rest += `${name}: ${messages.join(" ")} `;
  }
  return rest;
}

/** Show the bar of the connection; ``restart`` when the service is back, ``login`` when it asks for a key. */
export function watchService(login, restart) {
  const bar = byId("connection");
  const update = () => {
    const { state, since, retryAfter } = service;
    const isLive = state === "ok" && feed.isLive;
    const reason = feed.isRefused ? ": the key may not read the feed" : "";
    byId("live").textContent = isLive ? "live" : `not live${reason}`;
    byId("live").classList.toggle("off", !isLive);
    for (const item of document.querySelectorAll("[data-write]")) item.ariaDisabled = String(state !== "ok");
    if (state === "ok" || state === "key") return;
    const seconds = Math.max(0, Math.ceil((feed.nextAt - Date.now()) / 1000));
    const limited = `Too many requests; going on in ${Math.max(seconds, retryAfter)} s.`;
    const away = `The service has not responded since ${clock(since)}. What you see is from then.`;
    const words = state === "limited" ? limited : away;
    if (bar.firstChild?.textContent !== words) {
      bar.replaceChildren(el("span", words), el("span", { "aria-live": "off" }), button("Now", feed.poll));
    }
    if (state === "offline") bar.children[1].textContent = `Trying again in ${seconds} s`;
    bar.className = "";
    bar.hidden = false;
  };
  service.addEventListener("change", (/** @type {any} */ { detail: before }) => {
    if (service.state === "key") login();
    if (service.state === "ok" && ["offline", "limited"].includes(before)) {
      bar.className = "back";
      bar.replaceChildren("It is back.");
      setTimeout(() => bar.className && (bar.hidden = true), 4000);
      if (!feed.isLive) feed.plan(0);
      restart();
    }
    update();
  });
  setInterval(update, 1000);
  document.addEventListener("visibilitychange", () => !document.hidden && feed.isLive && feed.poll());
}

/** Ask for the key, and try it; then ``start``. */
export function showLogin(/** @type {string} */ collection, start) {
  clearTimeout(feed.timer);
  // Of several calls that were refused, the first has asked already.
  if (!byId("login").hidden) return;
  document.body.classList.add("locked");
  const form = byId("login").firstElementChild;
  const { key: input, reveal } = form.elements;
  const error = form.querySelector(".error");
  error.textContent = key.get() === null ? "" : "The key is not accepted any more.";
  key.forget();
  reveal.onclick = () => (input.type = input.type === "password" ? "text" : "password");
  form.onsubmit = async (event) => {
    event.preventDefault();
    const secret = input.value.trim();
    try {
      if (!/^[\x21-\x7e]+$/.test(secret)) throw new Problem(401, {});
      await readRights(collection, secret);
      key.set(secret);
      byId("login").hidden = true;
      start();
    } catch (failure) {
      const isWrong = failure instanceof Problem && failure.status === 401;
      error.textContent = isWrong ? "Not accepted." : "The service does not respond; try again.";
      input.select();
    }
  };
  byId("login").hidden = false;
  input.focus();
}
