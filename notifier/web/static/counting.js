// How many alerts a choice of topics brings, counted from the public list (/api/alerts), and which of them this device
// had. Pure.

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const WEEK_DAYS = 7;
// A push that comes later than this waited for the device.
const LATE_MS = 10 * MINUTE_MS;

/** The alerts that whoever follows `topics` got, or would have got. */
export function sentTo(topics, alerts) {
  const followed = (named = []) => named.some((topic) => topics.includes(topic));
  return alerts.filter((alert) => followed(alert.topics) && !followed(alert.except));
}

/** How many these are; of those that are not listed each entry says it. */
const total = (alerts) => alerts.reduce((sum, { count = 1 }) => sum + count, 0);

/** "About 4 a day; 28 in the last week": of these alerts, all that the list `known` has for a choice. */
export function howMany(alerts, known, now) {
  const count = total(alerts);
  if (known.known_since === undefined) {
    return count ? `${rate(count / WEEK_DAYS)}; ${count} in the last week` : "None in the last week";
  }
  const passed = now - known.known_since;
  const why = known.kept_only ? `in the last ${span(passed)}: this site keeps no more` : `so far: this site has run for ${span(passed)} only`;
  const soFar = `${count || "none"} ${why}`;
  return count && passed >= DAY_MS ? `${rate((count * DAY_MS) / passed)}; ${soFar}` : upper(soFar);
}

/** "2 of them silent updates" */
export function updates(alerts) {
  const silent = total(alerts.filter(({ kind }) => kind === "update"));
  return silent ? `${silent} of them ${silent === 1 ? "a silent update" : "silent updates"}` : "";
}

/** Of one topic, beside others. */
export function few(alerts, known) {
  return `${total(alerts) || "none"} ${known.known_since === undefined ? "in 7 days" : known.kept_only ? "lately" : "so far"}`;
}

/** "and 12 before these", of those that are too many to list; "" where there are none. */
export function unlisted(more) {
  const count = total(more);
  return count ? `and ${count} before these` : "";
}

const rate = (aDay) => (aDay < 0.75 ? "Fewer than one a day" : `About ${Math.round(aDay)} a day`);
const upper = (text) => text[0].toUpperCase() + text.slice(1);

function span(passed) {
  if (passed >= 2 * DAY_MS) return `${Math.floor(passed / DAY_MS)} days`;
  if (passed >= 2 * HOUR_MS) return `${Math.floor(passed / HOUR_MS)} hours`;
  return passed >= HOUR_MS ? "an hour" : "less than an hour";
}

/**
 * The reader's own alerts, the newest first: those of the list that went to their topics, and what this device showed.
 * Each is as in the list, with `shownAt` where it came late, and `missed` where it was not shown here though its topic
 * was followed.
 *
 * @param {object} known
 * @param {object[]} known.alerts  the public list
 * @param {object[]} known.shown   what this device showed: the newest state of each story, `{tag, id, alert, at}`
 * @param {object} known.since     {topic: since when it is followed here}; without it nothing is known to be missed
 * @param {string[]} known.topics  those that are ticked
 * @param {number} known.now
 */
export function own({ alerts, shown, since = {}, topics, now }) {
  const here = new Map(shown.map((one) => [one.tag, one]));
  const listed = new Set(alerts.map(({ id }) => id));
  const had = (alert) => here.get(alert.tag)?.id >= alert.id;
  const theirs = new Set(sentTo(topics, alerts));
  const fromList = alerts
    .filter((alert) => theirs.has(alert) || here.get(alert.tag)?.id === alert.id)
    .map((alert) => ({ ...alert, ...marks(alert, here.get(alert.tag), had(alert), since, now) }));
  const fromDevice = shown.filter(({ id }) => !listed.has(id)).map(kept);
  return [...fromList, ...fromDevice].sort((one, other) => other.at - one.at || other.id - one.id);
}

function marks(alert, record, had, since, now) {
  if (record?.id === alert.id && record.at - alert.at > LATE_MS) return { shownAt: record.at };
  const followed = alert.topics.some((topic) => since[topic] < alert.at);
  return !had && followed && now - alert.at > LATE_MS ? { missed: true } : {};
}

/** An alert as this device keeps it, in the list's shape: the list goes back a week, and has nothing withdrawn. */
function kept({ id, tag, alert, at }) {
  const { kind, label, title, publisher, url } = alert;
  return { id, tag, at: alert.updated ?? alert.since ?? at, kind, label, title, publisher, topics: [], url };
}

/** Alerts, newest first, by day: `[{day, alerts}]`, where `day` names a time's day. */
export function byDay(alerts, day) {
  const days = [];
  for (const alert of alerts) {
    const named = day(new Date(alert.at));
    if (days.at(-1)?.day !== named) days.push({ day: named, alerts: [] });
    days.at(-1).alerts.push(alert);
  }
  return days;
}
