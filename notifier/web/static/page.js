// The subscribers' page: shows the state that this browser is in and carries out what its buttons say. Every word is
// in the HTML already or comes with the server's answer; permission is asked for in a click's handler and nowhere else.

import "./keep.js";
import "./server.js";
import "./subscription.js";
import { listed, situation } from "./situation.js";

const { keep, server, subscription } = globalThis;
const CONFIRMATION_MS = 8000;

const panel = document.getElementById("panel");
const boxes = [...document.querySelectorAll("input[name=topic]")];
const key = { key: document.body.dataset.key, key_id: document.body.dataset.keyId };
const toasts = { done: document.getElementById("done"), problem: document.getElementById("problem") };

let me; // what keep.js has: {token, topics, version, endpoint}, or undefined
let saving = Promise.resolve(); // topic changes reach the server in the order in which they were made
let fading;
let hasStopped = false; // here or in another tab, since the page was loaded
const wanted = new Map(); // topic: whether it was ticked in this tab, for what the server has not heard of yet

const chosen = () => boxes.filter((box) => box.checked);
const tick = (topics) => boxes.forEach((box) => (box.checked = wanted.get(box.value) ?? topics.includes(box.value)));
const named = () => listed(chosen().map((box) => box.dataset.title));
const is = (...names) => names.includes(panel.dataset.now);

// --- what is seen

function show(name, { focus = false } = {}) {
  for (const part of panel.querySelectorAll("[data-situation]")) part.hidden = part.dataset.situation !== name;
  panel.dataset.now = name;
  for (const part of document.querySelectorAll("[data-shown-when]")) {
    part.hidden = { on: name !== "on", off: name === "on", known: !me }[part.dataset.shownWhen];
  }
  summarise();
  // The button that was pressed is gone now: a keyboard or a screen reader goes on from the panel.
  if (focus) panel.focus({ preventScroll: true });
}

function summarise() {
  for (const place of panel.querySelectorAll("[data-chosen]")) place.textContent = named();
}

function say(kind, text) {
  clearTimeout(fading);
  for (const [name, toast] of Object.entries(toasts)) toast.textContent = name === kind ? text : "";
  if (kind === "done") fading = setTimeout(() => say("none", ""), CONFIRMATION_MS);
}

const complain = (problem) => say("problem", `${problem.title}. ${problem.detail}`);

// --- what this browser is like

async function look() {
  const canPush = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
  const registration = canPush && window.isSecureContext && (await navigator.serviceWorker.getRegistration());
  const push = await registration?.pushManager?.getSubscription();
  me = canPush ? await keep.subscriber() : undefined;
  const name = situation({
    secure: window.isSecureContext,
    canPush,
    // Only Safari on iPhone and iPad has this member; it is true for a page opened from the Home Screen.
    wantsHome: navigator.standalone === false,
    permission: canPush ? Notification.permission : "default",
    known: Boolean(me),
    subscribed: Boolean(push),
  });
  if (me) tick(me.topics);
  return { name, registration, push };
}

/** See how things stand, with the server too where this browser believes that alerts are on. */
async function refresh() {
  const { name, registration, push } = await look();
  if (name === "lapsed" && me.moving && Notification.permission === "granted") return arrive(registration);
  show(name);
  if (name !== "on") return;
  try {
    const mine = await server.call("GET", "/api/subscriptions/mine", { token: me.token });
    await keep.learn(me.token, mine);
    if (mine.key_id !== key.key_id || me.endpoint !== push.endpoint) return arrive(registration);
    show((await look()).name);
  } catch (problem) {
    if (problem.code !== "not-found") return complain(inWords(problem));
    if (me.moving) return arrive(registration);
    // The push service ended it while we were away; the endpoint will never work again.
    await push.unsubscribe();
    show("lapsed");
  }
}

/** Another tab, or the worker, changed who we are; or this tab is looked at again. Nothing is asked of the server. */
async function follow() {
  if (is("asking", "starting")) return;
  const before = me;
  const { name } = await look();
  if (is("asking", "starting")) return;
  show(name);
  if (before && !me) {
    hasStopped = true;
    say("done", "Alerts were stopped in another tab, and your data is deleted.");
  }
}

/** Move to the site's present key or tell the server of a new endpoint, or go on with that where it was cut off. */
async function arrive(registration) {
  try {
    await keep.alone(async () => {
      me = await keep.subscriber();
      if (me) await subscription.renew(registration, me, key);
    });
    show((await look()).name);
  } catch (problem) {
    show((await registration.pushManager.getSubscription()) ? "on" : "lapsed");
    complain(inWords(problem));
  }
}

// --- what the buttons do

async function start() {
  if (!chosen().length) {
    boxes[0]?.focus();
    return say("problem", "Choose at least one topic first.");
  }
  const answer = await ask();
  if (answer === "denied") return show("blocked", { focus: true });
  if (answer !== "granted") {
    show(me ? "lapsed" : "off", { focus: true });
    return say("problem", "The question was closed without an answer. Press the button to be asked again.");
  }
  show("starting");
  try {
    const registration = await registered();
    await keep.alone(() => turnOn(registration));
    show((await look()).name, { focus: true });
    say("done", "Alerts are on. Send yourself a test alert to see what they look like.");
  } catch (problem) {
    show(me ? "lapsed" : "off", { focus: true });
    complain(inWords(problem));
  }
}

/** Subscribe; or, where this browser has a subscription (another tab was first, or it has lapsed), go on with that. */
async function turnOn(registration) {
  const known = await keep.subscriber();
  const change = known?.token === me?.token ? changes() : { add: chosen().map((box) => box.value), remove: [] };
  if (known) {
    await subscription.renew(registration, known, key);
    await subscription.choose(known, change);
  } else {
    await subscription.start(registration, key, chosen().map((box) => box.value));
  }
  wanted.clear();
}

/** What was ticked and unticked in this tab. */
function changes() {
  const said = (ticked) => [...wanted].filter(([, is]) => is === ticked).map(([topic]) => topic);
  return { add: said(true), remove: said(false) };
}

async function ask() {
  if (Notification.permission !== "default") return Notification.permission;
  show("asking", { focus: true });
  return Notification.requestPermission();
}

async function registered() {
  await navigator.serviceWorker.register("/sw.js", { updateViaCache: "none" });
  return navigator.serviceWorker.ready;
}

function inWords(problem) {
  if (problem instanceof server.Problem) return problem;
  console.error(problem);
  return {
    title: "Your browser could not subscribe",
    detail: "Its push service may be out of reach: check your connection, leave a private window, then try again.",
  };
}

async function test(button) {
  button.disabled = true;
  try {
    await server.call("POST", "/api/subscriptions/mine/test", { token: me.token });
    say("done", "Test alert sent. Nothing on your screen in a few seconds? Look at “Do not disturb” and the system’s own notification settings.");
  } catch (problem) {
    complain(problem);
    if (["not-found", "subscription-ended"].includes(problem.code)) show("lapsed", { focus: true });
  } finally {
    button.disabled = false;
  }
}

const stop = () => keep.alone(stopped);

async function stopped() {
  const { push, name } = await look();
  if (!me) return show(name, { focus: true }); // another tab was first
  const deletion = server.call("DELETE", "/api/subscriptions/mine", { token: me.token });
  // Whatever becomes of the server's half, this browser's half ends now.
  const [deleted] = await Promise.allSettled([deletion, push?.unsubscribe()]);
  hasStopped = true;
  wanted.clear();
  if (deleted.status === "rejected") {
    keep.tellOthers();
    show("lapsed", { focus: true });
    return say("problem", `Alerts have stopped on this browser, but your data could not be deleted yet. ${deleted.reason.detail}`);
  }
  await keep.forget();
  show((await look()).name, { focus: true });
  say("done", "All alerts have stopped and your data is deleted.");
}

/** Tell the server what was ticked here; what it could not save is taken back, but where everything has ended. */
async function save() {
  const change = changes();
  if (!wanted.size) return;
  try {
    await keep.alone(() => subscription.choose(me, change));
    forgetTicks(change);
    await look();
    summarise();
    say("done", chosen().length ? `Saved: ${named()}.` : "Saved. Without a topic you get no alerts until you tick one.");
  } catch (problem) {
    if (problem.code === "not-found") return ended();
    forgetTicks(change);
    tick(me.topics);
    summarise();
    complain(problem);
  }
}

/** These ticks are no longer this tab's alone, but for those that were changed again meanwhile. */
function forgetTicks({ add, remove }) {
  for (const topic of add) if (wanted.get(topic) === true) wanted.delete(topic);
  for (const topic of remove) if (wanted.get(topic) === false) wanted.delete(topic);
}

/** There is no subscription any more: it was stopped in another tab, or the server lost it. */
async function ended() {
  const { push } = await look();
  if (me) await push?.unsubscribe();
  show((await look()).name);
  hasStopped = true;
  explain();
}

const explain = () => say("done", `Alerts are off on this browser, so nothing was saved. Your ticks are kept: press the button to get alerts for ${named()}.`);

// --- wiring

const actions = { start, test, stop };
panel.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-do]");
  if (button) actions[button.dataset.do](button);
});

document.getElementById("topics")?.addEventListener("change", (event) => {
  wanted.set(event.target.value, event.target.checked);
  summarise();
  if (is("on")) saving = saving.then(save);
  else if (hasStopped && is("off", "lapsed")) explain();
});

keep.others.onmessage = follow;
document.addEventListener("visibilitychange", () => document.hidden || follow());
addEventListener("pageshow", ({ persisted }) => persisted && follow());

// Unblocking in the browser's settings is noticed at once, where the browser tells.
navigator.permissions
  ?.query({ name: "notifications" })
  .then((status) => {
    status.onchange = () => is("asking", "starting") || refresh();
  })
  .catch(() => {});

refresh().catch((problem) => {
  console.error(problem); // such as storage that is switched off
  show("unsupported");
});
