// Keeps the parts of a page that move (data-live) as the server has them: an event says that something changed, then the
// page is asked again. A part in which somebody is typing or has moved the focus waits until they are done.

const SOONEST_MS = 1000;
const OVER_MS = 3000;
let loaded = performance.now();
let asked = 0;
let waiting;
const stream = new EventSource("/console/events");
stream.addEventListener("changed", refresh);
stream.addEventListener("open", refresh); // what changed before the server listened for us is told by no event
addEventListener("pagehide", () => stream.close());
setInterval(countDown, 1000);
const every = document.querySelector("[data-every]")?.dataset.every;
if (every) setInterval(() => document.hidden || refresh(), Number(every) * 1000);
countDown();

async function refresh() {
  clearTimeout(waiting);
  const early = SOONEST_MS - (performance.now() - asked);
  if (early > 0) {
    waiting = setTimeout(refresh, early);
    return;
  }
  asked = performance.now();
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!answer.ok || answer.redirected) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const next = fresh.getElementById(part.id);
    if (!next || part.contains(document.activeElement)) continue;
    for (const open of part.querySelectorAll("details[open]")) next.querySelector(`#${open.id}`)?.setAttribute("open", "");
    part.replaceChildren(...next.childNodes);
  }
  loaded = performance.now();
  dispatchEvent(new Event("console:fresh"));
  countDown();
}

// The server's clock counts: it may be a rehearsal's. What runs out here has happened there.
function countDown() {
  for (const place of document.querySelectorAll("[data-until]")) {
    const left = Date.parse(place.dataset.until) - Date.parse(place.dataset.now) - (performance.now() - loaded);
    const seconds = Math.max(0, Math.round(left / 1000));
    place.textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
    if (left < -SOONEST_MS && performance.now() - asked > OVER_MS) refresh();
  }
}
