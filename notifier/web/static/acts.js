// What the buttons and the ticks do. Permission is asked for here, in a click's handler, and nowhere else.

import { changes, chosen, focusFirst, forgetAll, forgetTicks, named, tick } from "./choices.js";
import { complain, say, show, summarise } from "./panel.js";
import { inWords, key, look, reader, showAs, showNow } from "./state.js";

let saving = Promise.resolve(); // topic changes reach the server in the order in which they were made

// --- get alerts

export async function start() {
  if (!chosen().length) {
    focusFirst();
    return say("problem", "Choose at least one topic first.");
  }
  const answer = await ask();
  if (answer === "denied") return showAs("blocked", { focus: true });
  if (answer !== "granted") {
    await showNow({ focus: true });
    return say("problem", "The question was closed without an answer. Press the button to be asked again.");
  }
  const { facts } = await look();
  show("starting", facts);
  try {
    const registration = await registered();
    await keep.alone(() => turnOn(registration));
    await showNow({ focus: true });
    say("done", "Alerts are on. Send yourself a test alert to see what they look like.");
  } catch (problem) {
    await showAs(reader.me ? "lapsed" : "off", { focus: true });
    complain(inWords(problem));
  }
}

/** Subscribe; or, where this browser has a subscription (another tab was first, or it has lapsed), go on with that. */
async function turnOn(registration) {
  const known = await keep.subscriber();
  const all = { add: chosen(), remove: [] };
  const change = known?.token === reader.me?.token ? changes() : all;
  if (known) {
    await subscription.renew(registration, known, key);
    await keep.update(known.token, (now) => ({ ...now, since: {} })); // what came meanwhile was for nobody here
    await subscription.choose(known, change);
  } else {
    await subscription.start(registration, key, chosen());
  }
  forgetAll();
}

async function ask() {
  if (Notification.permission !== "default") return Notification.permission;
  show("asking", {}, { focus: true });
  return Notification.requestPermission();
}

async function registered() {
  // What the worker loads has an address that changes with it: to ask for the worker itself is enough.
  await navigator.serviceWorker.register("/sw.js", { updateViaCache: "imports" });
  return navigator.serviceWorker.ready;
}

// --- a test alert

/** The button keeps the keyboard's focus while it waits: a disabled one would lose it. */
export async function test(button) {
  if (button.ariaDisabled) return;
  button.ariaDisabled = "true";
  try {
    await server.call("POST", "/api/subscriptions/mine/test", { token: reader.me.token });
    say("done", "Test alert sent. Nothing on your screen in a few seconds? Look at “Do not disturb” and the system’s own notification settings.");
  } catch (problem) {
    complain(problem);
    if (["not-found", "subscription-ended"].includes(problem.code)) await showAs("lapsed", { focus: true });
  } finally {
    button.ariaDisabled = null;
  }
}

// --- stop

const NAMELESS = { detail: "It is deleted when the next alert finds nobody here." };

export const stop = () => keep.alone(stopped);

async function stopped() {
  const { push } = await withName();
  const { me } = reader;
  if (!me && !push) return showNow({ focus: true }); // another tab was first
  const deletion = me ? server.call("DELETE", "/api/subscriptions/mine", { token: me.token }) : Promise.reject(NAMELESS);
  // Whatever becomes of the server's half, this browser's half ends now.
  const [deleted] = await Promise.allSettled([deletion, push?.unsubscribe()]);
  reader.hasStopped = true;
  forgetAll();
  if (deleted.status === "rejected") {
    if (me) await keep.update(me.token, (now) => ({ ...now, stopped: true }));
    await showNow({ focus: true });
    return say("problem", `Alerts have stopped on this browser, but your data could not be deleted yet. ${deleted.reason.detail}`);
  }
  await keep.forget();
  await showNow({ focus: true });
  say("done", "All alerts have stopped and your data is deleted.");
}

/** As `look`; where the token was lost while the push subscription lives, under a new one: the server can delete it whole. */
async function withName() {
  const seen = await look();
  if (reader.me || !seen.push) return seen;
  await subscription.start(seen.registration, key, []).catch((problem) => console.error(problem));
  return look();
}

// --- ticks

/** Tell the server what was ticked here; what it could not save is taken back, but where everything has ended. */
async function save() {
  const change = changes();
  if (!change.add.length && !change.remove.length) return;
  try {
    await keep.alone(() => subscription.choose(reader.me, change));
    forgetTicks(change);
    await look();
    summarise();
    const nothing = "Saved. Without a topic you get no alerts until you tick one.";
    say("done", chosen().length ? `Saved: ${named()}.` : nothing);
  } catch (problem) {
    if (problem.code === "not-found") return ended();
    forgetTicks(change);
    tick(reader.me.topics);
    summarise();
    complain(problem);
  }
}

export const saveNext = () => (saving = saving.then(save));

/** There is no subscription any more: it was stopped in another tab, or the server lost it. */
async function ended() {
  const { push } = await look();
  if (reader.me) await push?.unsubscribe();
  await showNow();
  reader.hasStopped = true;
  explain();
}

export const explain = () =>
  say("done", `Alerts are off on this browser, so nothing was saved. Your ticks are kept: press the button to get alerts for ${named()}.`);

// --- out of another app's window

export async function copy() {
  try {
    await navigator.clipboard.writeText(location.href);
    say("done", "The address is copied. Paste it into your browser.");
  } catch {
    say("problem", `This app does not let us copy. The address is ${location.href}`);
  }
}
