// The subscribers' page: what is pressed or ticked leads to acts.js, what happens elsewhere to state.js; panel.js shows it.

import "./keep.js";
import "./server.js";
import "./subscription.js";
import { copy, explain, saveNext, start, stop, test } from "./acts.js";
import { tick, titleOf, want } from "./choices.js";
import { is, say, show, summarise } from "./panel.js";
import { listed } from "./situation.js";
import { follow, noticePrivateWindow, reader, refresh } from "./state.js";
import { read } from "./week.js";

const actions = { start, stop, test, copy };
document.getElementById("panel").addEventListener("click", (event) => {
  const button = event.target.closest("button[data-do]");
  if (button) actions[button.dataset.do](button);
});

document.getElementById("topics")?.addEventListener("change", ({ target }) => {
  want(target.value, target.checked);
  summarise();
  if (is("on")) saveNext();
  else if (reader.hasStopped && is("off", "lapsed", "stopped")) explain();
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

/** A link names topics: whoever does not get alerts finds them ticked, whoever does is asked to tick them. */
function suggest() {
  const linked = document.body.dataset.linked?.split(" ").filter((topic) => !reader.me?.topics.includes(topic)) ?? [];
  if (!linked.length || !reader.me) return;
  if (is("on")) return say("done", `This link is about ${listed(linked.map(titleOf))}: tick it below to get alerts for it.`);
  for (const topic of linked) want(topic, true);
  tick(reader.me.topics);
  summarise();
}

refresh()
  .then(suggest)
  .catch((problem) => {
    console.error(problem); // such as storage that is switched off
    show("unsupported", {});
  });
read();
noticePrivateWindow();
