// What is seen: the panel with this browser's state, what goes with it elsewhere on the page, and what just happened.
// Every word is in the HTML already or comes with the server's answer.

import { named } from "./choices.js";

const CONFIRMATION_MS = 8000;
const READERS = ["on", "lapsed", "blocked", "stopped", "nameless"]; // they see their state first, not what this site is

const panel = document.getElementById("panel");
const toasts = { done: document.getElementById("done"), problem: document.getElementById("problem") };
let fading;

export const is = (...names) => names.includes(panel.dataset.now);

/** Whoever wants to know that the state, or what is ticked, is another now. */
export const watchers = new Set();

/**
 * Show a state. `facts` are further things that parts of the page are shown for: `{known, granted, fleeting}`.
 *
 * @param {object} [how]
 * @param {boolean} [how.focus]  the button that was pressed is gone now: a keyboard or a screen reader goes on from here
 */
export function show(name, facts, { focus = false } = {}) {
  for (const part of panel.querySelectorAll("[data-situation]")) part.hidden = part.dataset.situation !== name;
  panel.dataset.now = name;
  const reader = READERS.includes(name);
  const shown = { ...facts, on: name === "on", off: name !== "on", unasked: !facts.granted };
  for (const part of document.querySelectorAll("[data-shown-when]")) part.hidden = !shown[part.dataset.shownWhen];
  document.documentElement.classList.toggle("reader", reader);
  remember();
  summarise();
  if (focus) panel.focus({ preventScroll: true });
}

/**
 * For the next visit, which is drawn before it can know the state: that a reader comes, how high the panel is, and its
 * words on how many.
 */
function remember() {
  if (!panel.dataset.now) return;
  const often = panel.querySelector("[data-situation]:not([hidden]) .often");
  try {
    if (!is(...READERS)) localStorage.removeItem("panel");
    else if (often?.textContent !== "") localStorage.setItem("panel", `${panel.offsetHeight} ${often?.offsetHeight ?? 0}`);
  } catch {
    // Storage is switched off.
  }
}
new ResizeObserver(remember).observe(panel);

/** Say what is ticked wherever it stands. */
export function summarise() {
  for (const place of panel.querySelectorAll("[data-chosen]")) place.textContent = named();
  for (const watcher of watchers) watcher();
}

export function say(kind, text) {
  clearTimeout(fading);
  for (const [name, toast] of Object.entries(toasts)) {
    toast.textContent = name === kind ? text : "";
    toast.classList.remove("above");
    if (toast.textContent && coversButton(toast)) toast.classList.add("above");
  }
  if (kind === "done") fading = setTimeout(hush, CONFIRMATION_MS);
}

export const hush = () => say("none", "");
export const complain = (problem) => say("problem", `${problem.title}. ${problem.detail}`);

/** Whether a button of the panel is under the toast: whoever wants to stop must not have to wait for it. */
function coversButton(toast) {
  const over = toast.getBoundingClientRect();
  return [...panel.querySelectorAll("button")].some((button) => {
    const under = button.getBoundingClientRect();
    return under.height && under.top < over.bottom && under.bottom > over.top;
  });
}

for (const toast of Object.values(toasts)) toast.addEventListener("click", hush);
addEventListener("keydown", ({ key }) => key === "Escape" && hush());
