// The page of an alert, for this reader: which of its topics they follow in this browser, and a way to less of it. The
// page itself knows nobody; all of this is from what the browser keeps.

import "./keep.js";
import "./server.js";
import "./subscription.js";
import { listed } from "./situation.js";
import "./times.js";

const mine = document.getElementById("mine");
const less = document.getElementById("less");
const topics = [...less.querySelectorAll("[data-topic]")];
const toasts = { done: document.getElementById("done"), problem: document.getElementById("problem") };

function say(kind, text) {
  for (const [name, toast] of Object.entries(toasts)) toast.textContent = name === kind ? text : "";
}

/** Say what this browser follows of the alert's topics, and offer to end each. */
async function show() {
  const me = await keep.subscriber();
  const followed = topics.filter(({ dataset }) => me?.topics.includes(dataset.topic));
  for (const topic of topics) topic.hidden = !followed.includes(topic);
  less.hidden = !followed.length;
  mine.hidden = !me;
  const titles = listed(followed.map(({ dataset }) => dataset.title));
  mine.textContent = followed.length ? `In this browser you follow ${titles}.` : "In this browser you follow none of its topics now.";
}

async function drop({ dataset: { topic, title } }) {
  try {
    await keep.alone(async () => {
      const me = await keep.subscriber();
      if (me) await subscription.choose(me, { remove: [topic] });
    });
    say("done", `No more alerts for ${title}. You can tick it again on the front page.`);
  } catch (problem) {
    say("problem", `${problem.title}. ${problem.detail}`);
  }
  await show();
  document.getElementById("why-title").focus();
}

for (const topic of topics) topic.querySelector("button").addEventListener("click", () => drop(topic));
// A picture that is not there any more leaves no frame behind.
document.querySelector("figure img")?.addEventListener("error", ({ target }) => target.closest("figure").remove());
keep.others.onmessage = show;
show().catch((problem) => console.error(problem)); // storage that is switched off: the page says the rest
