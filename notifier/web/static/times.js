// Times in the reader's zone and language: "Thursday 25 May 2017 15:49 BST". The server wrote them in UTC, for those
// without scripts.

const languages = navigator.languages;
const ZONE = { timeZoneName: "short" };
const CLOCK = { hour: "numeric", minute: "2-digit" };
const DAY = { day: "numeric", month: "long" };

const written = (at, options) => new Intl.DateTimeFormat(languages, options).format(at);

/** The whole of it: weekday, date, time, zone. */
function full(at) {
  return `${written(at, { weekday: "long", ...DAY, year: "numeric" })} ${written(at, { ...CLOCK, ...ZONE })}`;
}

/** What is enough beside others: the time, and the day where it is not today's. */
function short(at) {
  const today = at.toDateString() === new Date().toDateString();
  const day = today ? "" : `${written(at, DAY)} `;
  return `${day}${written(at, { ...CLOCK, ...ZONE })}`;
}

for (const time of document.querySelectorAll("time[data-clock]")) {
  const at = new Date(time.dateTime);
  time.textContent = time.dataset.clock === "full" ? full(at) : short(at);
  time.title = full(at);
}
