// Which state a browser is in, in one word: the `data-situation` that panel.js shows. Pure.

/**
 * @param {object} browser
 * @param {boolean} browser.secure      the page was loaded over https or from this very machine
 * @param {boolean} browser.canPush     service workers, push and notifications are there
 * @param {boolean} browser.wantsHome   an iPhone or iPad that shows this page in a browser's tab
 * @param {boolean} browser.inApp       another app shows this page in a window of its own
 * @param {string}  browser.permission  "default", "granted" or "denied"
 * @param {boolean} browser.known       it has a token: it subscribed once and did not stop
 * @param {boolean} browser.stopped     it did stop, and the server has not heard of it
 * @param {boolean} browser.subscribed  it has a push subscription
 */
export function situation({ secure, canPush, wantsHome, inApp, permission, known, stopped, subscribed }) {
  if (!secure) return "insecure";
  if (!canPush) return inApp ? "in-app" : wantsHome ? "home-screen" : "unsupported";
  if (stopped) return "stopped";
  if (permission === "denied") return "blocked";
  if (!known) return subscribed ? "nameless" : "off";
  return permission === "granted" && subscribed ? "on" : "lapsed";
}

/** "World", "World and Sport", "World, Sport and Climate": as a person would list them. */
export function listed(titles) {
  if (titles.length < 2) return titles[0] ?? "no topic yet";
  return `${titles.slice(0, -1).join(", ")} and ${titles.at(-1)}`;
}
