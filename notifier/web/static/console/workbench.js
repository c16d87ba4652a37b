// The workbench: a moment after the last keystroke, the server is asked what the rule would have sent.

const PAUSE_MS = 350;
const form = document.getElementById("topic");
const preview = document.getElementById("preview");
let waiting;
let asking;

form.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(look, PAUSE_MS);
});

async function look() {
  asking?.abort();
  asking = new AbortController();
  const fields = new FormData(form);
  if (!fields.get("slug")) fields.set("slug", "not-named-yet");
  if (!fields.get("title").trim()) fields.set("title", "Not named yet");
  preview.setAttribute("aria-busy", "true");
  try {
    const headers = { "x-form-token": fields.get("form_token"), accept: "text/html" };
    const answer = await fetch(form.dataset.look, { method: "POST", body: fields, headers, signal: asking.signal });
    if (answer.ok) preview.innerHTML = await answer.text();
    preview.removeAttribute("aria-busy");
  } catch (problem) {
    if (problem.name !== "AbortError") preview.removeAttribute("aria-busy");
  }
}
