// How many alerts the ticked topics bring, and which: counted here from one public list, whatever is ticked. And the
// reader's own alerts by day, from that list and from what this device showed.

import { chosen, titleOf } from "./choices.js";
import { byDay, few, howMany, own, sentTo, unlisted, updates } from "./counting.js";
import { is, watchers } from "./panel.js";
import { reader } from "./state.js";
import { clock, day, full } from "./times.js";

const FIRST = 8; // of the reader's own alerts; the rest of them on demand

const week = document.getElementById("week");
const yours = document.getElementById("yours");
const older = document.getElementById("older");

let known; // what the server lists, and whether without words (brief); or undefined while the server is away
let shown = [];
let all = false; // older ones are asked for

function count() {
  if (known && week) {
    const topics = chosen();
    const listed = sentTo(topics, known.alerts);
    const more = sentTo(topics, known.more);
    const alerts = [...listed, ...more];
    const words = topics.length ? howMany(alerts, known, Date.now()) : "No alerts: nothing is ticked";
    for (const place of document.querySelectorAll("[data-week]")) place.textContent = `${words}.`;
    week.querySelector("summary span").textContent = words;
    for (const place of document.querySelectorAll("[data-each]")) {
      place.textContent = ` · ${few(sentTo([place.dataset.each], [...known.alerts, ...known.more]), known)}`;
    }
    if (!known.brief) {
      list(week.querySelector("[data-days]"), listed);
      week.querySelector("[data-more]").textContent = [updates(alerts), unlisted(more)].filter(Boolean).join("; ");
    }
    week.hidden = false;
  }
  if (document.documentElement.classList.contains("reader")) tell();
}

/** The reader's own, whole days until there are enough. */
function tell() {
  const { topics = chosen(), since } = reader.me ?? {};
  const alerts = own({ alerts: (!known?.brief && known?.alerts) || [], shown, since, topics, now: Date.now() });
  const days = byDay(alerts, day);
  let seen = 0;
  const first = days.filter((one) => all || seen < FIRST ? (seen += one.alerts.length) : false);
  list(yours.querySelector("[data-days]"), first.flatMap((one) => one.alerts));
  yours.querySelector("[data-none]").hidden = alerts.length > 0;
  older.hidden = seen === alerts.length;
  older.textContent = `Show ${alerts.length - seen} older`;
}

function list(place, alerts) {
  place.replaceChildren(
    ...byDay(alerts, day).flatMap((one) => [element("h3", one.day), element("ol", one.alerts.map(line), "recent")]),
  );
}

function line(alert) {
  const at = new Date(alert.at);
  const time = element("time", clock(at));
  Object.assign(time, { dateTime: at.toISOString(), title: full(at) });
  const label = alert.label && alert.label !== "News" ? [element("strong", alert.label), " · "] : [];
  const topics = alert.topics.map(titleOf).filter(Boolean).join(", ");
  const link = element("a", alert.title);
  link.href = alert.url ?? `/alerts/${alert.id}`;
  const title = element("p", [link], "headline");
  title.dir = "auto";
  const mark = marked(alert);
  return element("li", [
    element("p", [...label, element("bdi", alert.publisher), " · ", time, topics && ` · ${topics}`], "kicker"),
    title,
    ...(mark ? [element("p", mark, "mark")] : []),
  ]);
}

/** What became of it on this device. */
function marked({ shownAt, missed }) {
  if (shownAt) return `Came while this device was off: shown ${clock(new Date(shownAt))}`;
  if (!missed) return "";
  return is("on") ? "Came while this device was off: not shown here" : "Not shown here: alerts were off";
}

/** An element with text or children; whatever an outlet wrote is text. */
function element(name, content, className) {
  const made = document.createElement(name);
  made.append(...[content].flat());
  if (className) made.className = className;
  return made;
}

/** Whoever only sees numbers does not wait for the words of a whole week. */
const wantsWords = () => week?.open || document.documentElement.classList.contains("reader");

/** Read the list, and what this device showed; count from then on. */
export async function read() {
  const brief = !wantsWords();
  const asked = server.call("GET", brief ? "/api/alerts?brief=true" : "/api/alerts", { cache: "default" });
  const [listed, kept] = await Promise.allSettled([asked, keep.shown()]);
  if (listed.value && !(brief && known && !known.brief)) known = { more: [], ...listed.value, brief };
  shown = kept.value ?? shown;
  count();
}

function recount() {
  count();
  if (known?.brief && wantsWords()) read();
}

older.addEventListener("click", () => {
  const before = yours.querySelectorAll("li").length;
  all = true;
  tell();
  // The button is gone: the keyboard goes on where the older ones begin.
  yours.querySelectorAll("li")[before]?.querySelector("a").focus();
});
watchers.add(recount);
week?.addEventListener("toggle", recount);
document.addEventListener("visibilitychange", () => document.hidden || read());
