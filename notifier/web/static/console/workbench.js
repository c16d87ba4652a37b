// The workbench: a moment after the last keystroke, the server is asked what the rule would have sent. A word in the
// preview, when pressed, leaves only what it brought.

const PAUSE_MS = 250;
const form = document.getElementById("topic");
const preview = document.getElementById("preview");
let waiting;
let asking;

form.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(look, PAUSE_MS);
});
preview.addEventListener("click", (event) => {
  const pressed = event.target.closest("[data-only]");
  if (pressed) show(pressed.getAttribute("aria-pressed") === "true" ? undefined : pressed);
});
show();

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
    const part = await answer.text();
    // A part says itself why there is no preview; a whole page is for somebody who has to sign in again.
    if (!part.includes("<html")) preview.innerHTML = part;
    preview.removeAttribute("aria-busy");
    show();
  } catch (problem) {
    if (problem.name !== "AbortError") preview.removeAttribute("aria-busy");
  }
}

/** Leave what the pressed word brought; everything where none is. */
function show(pressed) {
  for (const button of preview.querySelectorAll("[data-only]")) {
    button.disabled = false;
    button.setAttribute("aria-pressed", String(button === pressed));
  }
  for (const item of preview.querySelectorAll("li[data-words]")) {
    const passing = pressed?.dataset.only === "passing" && "passing" in item.dataset;
    const word = pressed?.dataset.only === "word" && item.dataset.words.split("|").includes(pressed.dataset.word);
    item.hidden = Boolean(pressed) && !passing && !word;
  }
}
