// What this browser is like: looked at when the page is loaded, shown again, or when another tab changed who we are.

import { tick } from "./choices.js";
import { complain, is, say, show } from "./panel.js";
import { situation } from "./situation.js";

export const key = { key: document.body.dataset.key, key_id: document.body.dataset.keyId };

/** `me` is what keep.js has, or undefined; `hasStopped`: here or in another tab, since the page was loaded. */
export const reader = { me: undefined, hasStopped: false };

let isFleeting = false;

/** How things stand: `{name, facts, registration, push}`. Nothing is asked of the server. */
export async function look() {
  const canPush = "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
  const [{ registration, push }, me] = await Promise.all([
    canPush && window.isSecureContext ? subscribed() : {},
    canPush ? keep.subscriber() : undefined,
  ]);
  reader.me = me;
  const permission = canPush ? Notification.permission : "default";
  const name = situation({
    secure: window.isSecureContext,
    canPush,
    // Only Safari on iPhone and iPad has this member; it is true for a page opened from the Home Screen.
    wantsHome: navigator.standalone === false,
    inApp: "inApp" in document.body.dataset,
    permission,
    known: Boolean(me),
    stopped: Boolean(me?.stopped),
    subscribed: Boolean(push),
  });
  if (me) tick(me.topics);
  const facts = { known: Boolean(me), granted: permission === "granted", fleeting: isFleeting };
  return { name, facts, registration, push };
}

async function subscribed() {
  const registration = await navigator.serviceWorker.getRegistration();
  return { registration, push: await registration?.pushManager?.getSubscription() };
}

/** Look, and show it. Returns what was seen. */
export async function showNow(how) {
  const seen = await look();
  show(seen.name, seen.facts, how);
  return seen;
}

/** Show a state that the server or a button knows of. */
export async function showAs(name, how) {
  show(name, (await look()).facts, how);
}

/** See how things stand, with the server too where this browser believes that alerts are on. */
export async function refresh() {
  const { name, facts, registration, push } = await look();
  if (name === "lapsed" && reader.me.moving && Notification.permission === "granted") return arrive(registration);
  show(name, facts);
  if (name === "stopped") return forgottenAtLast();
  if (name !== "on") return;
  const { me } = reader;
  try {
    const mine = await server.call("GET", "/api/subscriptions/mine", { token: me.token });
    await keep.learn(me.token, mine);
    if (mine.key_id !== key.key_id || me.endpoint !== push.endpoint) return arrive(registration);
    await showNow();
  } catch (problem) {
    if (problem.code !== "not-found") return complain(inWords(problem));
    if (me.moving) return arrive(registration);
    // The push service ended it while we were away; the endpoint will never work again.
    await push.unsubscribe();
    await showAs("lapsed");
  }
}

/** Another tab, or the worker, changed who we are; or this tab is looked at again. Nothing is asked of the server. */
export async function follow() {
  if (is("asking", "starting")) return;
  const before = reader.me;
  const { name, facts } = await look();
  if (is("asking", "starting")) return;
  show(name, facts);
  if (before && !reader.me) {
    reader.hasStopped = true;
    say("done", "Alerts were stopped in another tab, and your data is deleted.");
  }
}

/** Move to the site's present key or tell the server of a new endpoint, or go on with that where it was cut off. */
async function arrive(registration) {
  try {
    await keep.alone(async () => {
      reader.me = await keep.subscriber();
      if (reader.me) await subscription.renew(registration, reader.me, key);
    });
    await showNow();
  } catch (problem) {
    await showAs((await registration.pushManager.getSubscription()) ? "on" : "lapsed");
    complain(inWords(problem));
  }
}

/** "Stop" was pressed while the server was away: it is told now. */
async function forgottenAtLast() {
  try {
    await server.call("DELETE", "/api/subscriptions/mine", { token: reader.me.token });
  } catch {
    return; // the page says that it is still to be done
  }
  await keep.forget();
  await showNow();
  say("done", "Your data is deleted now.");
}

/** Look whether this window's storage ends with it: Firefox keeps no files of a site in a private one. Says so if it is on. */
export async function noticePrivateWindow() {
  const problem = await navigator.storage?.getDirectory?.().then(() => undefined, (problem) => problem);
  isFleeting = problem?.name === "SecurityError";
  if (isFleeting && is("on")) await showNow();
}

/** A problem as the page tells it: the server's own, or the browser's. */
export function inWords(problem) {
  if (problem instanceof server.Problem) return problem;
  console.error(problem);
  return {
    title: "Your browser could not subscribe",
    detail: "Its push service may be out of reach: check your connection, leave a private window, then try again.",
  };
}
