// Writing an alert: the screens beside it say what is typed, as it is typed, and it can be sent to this browser first.
// Who this browser is, only the browser knows (keep.js): its own token goes along once, and is kept by nobody.

import "../keep.js";

const form = document.getElementById("draft");
const said = document.querySelector("[data-said]");

form?.addEventListener("input", mirror);
if (form) mirror();
for (const button of document.querySelectorAll("[data-try]")) {
  button.hidden = false;
  button.addEventListener("click", () => tryHere(button));
}

function mirror() {
  const title = form.elements.title.value.trim() || "The headline";
  const body = [form.elements.body.value.trim(), form.dataset.publisher].filter(Boolean).join("\n");
  for (const place of document.querySelectorAll("[data-say=title]")) place.textContent = title;
  for (const place of document.querySelectorAll("[data-say=body]")) place.textContent = body;
}

async function tryHere(button) {
  const fields = new FormData(document.getElementById(button.dataset.try));
  const me = await keep.subscriber().catch(() => undefined);
  if (!me) {
    say("This browser gets no alerts yet. Open the page that subscribers see, press “Get alerts”, then come back.", "/");
    return;
  }
  button.disabled = true;
  say("Sending it to this browser…");
  try {
    const headers = { "x-form-token": fields.get("form_token"), authorization: `Bearer ${me.token}`, accept: "application/json" };
    const answer = await fetch("/console/alerts/try", { method: "POST", body: fields, headers });
    const told = await answer.json();
    say(told.said ?? [told.title, told.detail].filter(Boolean).join(" "));
  } catch {
    say("The server can’t be reached. Check your connection, then try again.");
  }
  button.disabled = false;
}

function say(words, address) {
  said.textContent = words;
  if (!address) return;
  const link = document.createElement("a");
  Object.assign(link, { href: address, textContent: "The subscribers’ page" });
  said.append(" ", link);
}
