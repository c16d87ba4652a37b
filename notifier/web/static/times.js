// Times in the reader's zone and language: "Thursday 25 May 2017 15:49 BST". The server wrote them in UTC, for those
// without scripts. Those that say how long ago move on.

const languages = navigator.languages;
const ZONE = { timeZoneName: "short" };
const CLOCK = { hour: "numeric", minute: "2-digit" };
const DAY = { day: "numeric", month: "long" };
const AGAIN_AFTER_MS = 30_000;

const written = (at, options) => new Intl.DateTimeFormat(languages, options).format(at);
const isToday = (at, now) => at.toDateString() === now.toDateString();

/** The whole of it: weekday, date, time, zone. */
export function full(at) {
  return `${written(at, { weekday: "long", ...DAY, year: "numeric" })} ${written(at, { ...CLOCK, ...ZONE })}`;
}

/** The time with its zone, which is enough where the day stands above. */
export const clock = (at) => written(at, { ...CLOCK, ...ZONE });

/** What is enough beside others: the time, and the day where it is not today's. */
function short(at, now) {
  return isToday(at, now) ? clock(at) : `${written(at, DAY)} ${clock(at)}`;
}

/** As `short`; of the last hour how long ago it was, too. */
function ago(at, now) {
  const minutes = Math.floor((now - at) / 60_000);
  if (minutes < 0 || minutes >= 60) return short(at, now);
  return `${minutes ? `${minutes} min ago` : "just now"} · ${clock(at)}`;
}

/** The day as a heading: "Today", "Yesterday", "Saturday 25 April". */
export function day(at, now = new Date()) {
  if (isToday(at, now)) return "Today";
  const yesterday = new Date(now);
  yesterday.setDate(now.getDate() - 1);
  return isToday(at, yesterday) ? "Yesterday" : written(at, { weekday: "long", ...DAY });
}

const FORMS = { full, short, ago };

/** Write each time below `root` as it reads now. */
export function writeTimes(root = document, now = new Date()) {
  for (const time of root.querySelectorAll("time[data-clock]")) {
    const at = new Date(time.dateTime);
    const text = FORMS[time.dataset.clock](at, now);
    if (time.textContent !== text) time.textContent = text;
    time.title = full(at);
  }
}

writeTimes();
setInterval(() => document.hidden || writeTimes(), AGAIN_AFTER_MS);
document.addEventListener("visibilitychange", () => document.hidden || writeTimes());
