// The service worker: a push becomes a notification, a click opens the story, a changed subscription is told to the
// server. It caches nothing and intercepts no request.

importScripts("/static/keep.js", "/static/server.js", "/static/subscription.js");

// How long what this browser keeps may take to answer: it may be blocked for good, and then nothing must wait for it.
const ANSWER_WITHIN_MS = 500;
const HAS_WORDS = /[\p{L}\p{N}]/u;
const NEVER_KEPT = ["test", "unreadable"];
const LOUD_AGAIN = ["new", "correction"]; // an update replaces what is on the screen without a sound
// Spread over this, so that the server does not hear from everybody at once. A worker is left alone for 30 s after an event.
const TELL_WITHIN_MS = 25_000;
// Upper ends in seconds: how long after it was sent an alert was shown, in one of a few steps.
const BUCKETS_S = [0.5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1800, 3600, 43200, 2419200];

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("push", (event) => event.waitUntil(show(read(event.data))));
self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const { url = "/", ...alert } = event.notification.data ?? {};
  event.waitUntil(Promise.all([open(url), answered(tell("clicked", alert))]));
});
self.addEventListener("pushsubscriptionchange", (event) => event.waitUntil(renewed()));

/** The alert in a push. One that can't be read still has to be shown: browsers end a subscription that stays silent. */
function read(data) {
  try {
    const alert = data.json();
    if (typeof alert.title === "string" && HAS_WORDS.test(alert.title)) return alert;
  } catch {
    // Not ours, or of a format to come: the page below has the news.
  }
  return { kind: "unreadable", tag: "unreadable", title: "News has broken", body: "Open the page to read it.", url: "/" };
}

/**
 * Every push ends in a notification: browsers take the subscription of a site away whose pushes show nothing. What comes
 * again, or too late, puts the newest state that is known on the screen again, in silence. Whatever is kept in this
 * browser is of use for that, and never waited for.
 */
async function show(pushed) {
  const { alert, state } = await newest(pushed);
  const silent = state !== "fresh" || alert.kind === "unreadable" || alert.kind === "update";
  const options = {
    body: body(alert),
    tag: alert.tag,
    renotify: !silent && LOUD_AGAIN.includes(alert.kind),
    silent: silent ? true : null,
    icon: "/static/icon-192.png",
    badge: "/static/badge.png",
    image: alert.image,
    timestamp: alert.at,
    data: alert,
  };
  // A browser that refuses one of the options still has to show the words.
  await self.registration
    .showNotification(alert.title, options)
    .catch(() => self.registration.showNotification(alert.title, { body: options.body, data: alert }));
  if (state === "fresh" && Math.random() < (alert.ask ?? 1)) await answered(tell("shown", alert));
}

/** What is to be shown for `alert`: `{alert, state}` as keep.claim says or, where that can't be asked, the screen. */
async function newest(alert) {
  if (NEVER_KEPT.includes(alert.kind)) return { alert, state: "fresh" };
  const known = await answered(keep.claim(alert));
  if (known) return known;
  const [there] = (await answered(self.registration.getNotifications({ tag: alert.tag }))) ?? [];
  const seen = there?.data;
  if (!(seen?.id >= alert.id)) return { alert, state: "fresh" };
  return { alert: seen, state: seen.id === alert.id ? "repeat" : "outdated" };
}

/** What `promise` comes to; undefined where it fails or takes longer than a reader should wait. */
function answered(promise) {
  const late = new Promise((resolve) => setTimeout(resolve, ANSWER_WITHIN_MS));
  return Promise.race([promise.catch(() => {}), late]);
}

/**
 * Have the site told that an alert was shown or clicked, for its count. Which alert, and never who: the name is the
 * alert's, the same in every browser, and no cookie, token or page's address goes along. Who is not asked tells nothing.
 *
 * Not awaited: Chromium hands over the next push only when this one's handler has ended. What a browser that ends the
 * worker early has kept from being told is told at the next alert.
 */
async function tell(kind, { receipt, since }) {
  if (!receipt) return;
  const seconds = (Date.now() - since) / 1000;
  const bucket = BUCKETS_S.findIndex((end) => seconds <= end);
  await keep.toTell({ receipt, kind, bucket: bucket < 0 ? BUCKETS_S.length - 1 : bucket });
  setTimeout(tellAll, Math.random() * TELL_WITHIN_MS);
}

async function tellAll() {
  for (const told of (await answered(keep.takeToTell())) ?? []) {
    await fetch("/api/receipts", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(told),
      credentials: "omit",
      referrerPolicy: "no-referrer",
      cache: "no-store",
      keepalive: true,
    }).catch(() => {}); // a count that is missed is no loss to anybody
  }
}

/** What it is and who says it, what changed, the standfirst: screens cut the end. The words came with the push. */
function body({ label, updated, publisher, change, body }) {
  const is = [label, updated && clock(updated)].filter(Boolean).join(" ");
  return [[is, publisher].filter(Boolean).join(" · "), change, body].filter(Boolean).join("\n");
}

/** "15:49", in the reader's zone and way of writing; with the day where it is not today's. */
function clock(at) {
  const day = new Date(at).toDateString() === new Date().toDateString() ? {} : { weekday: "short" };
  return new Intl.DateTimeFormat(self.navigator.languages, { ...day, hour: "numeric", minute: "2-digit" }).format(at);
}

/** Focus the window that already shows `url`, else open one. */
async function open(url) {
  const wanted = new URL(url, self.location.origin).href;
  const windows = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const there = windows.find((client) => client.url === wanted);
  return there ? there.focus() : self.clients.openWindow(wanted);
}

/** The browser dropped or changed the subscription by itself; if the server is away, the next visit makes up for it. */
async function renewed() {
  const key = await server.call("GET", "/api/application-server-key");
  await keep.alone(async () => {
    const me = await keep.subscriber(); // a tab may have stopped everything meanwhile
    if (me && !me.stopped) await subscription.renew(self.registration, me, key);
  });
}
