// The topics of this tab: what is ticked, and what of it the server has not heard of yet.

import { listed } from "./situation.js";

const boxes = [...document.querySelectorAll("input[name=topic]")];
const wanted = new Map(); // topic: whether it was ticked in this tab, for what the server has not heard of yet

export const chosen = () => boxes.filter((box) => box.checked).map((box) => box.value);
export const named = () => listed(boxes.filter((box) => box.checked).map((box) => box.dataset.title));
export const titleOf = (topic) => boxes.find((box) => box.value === topic)?.dataset.title;
export const focusFirst = () => boxes[0]?.focus();

/** Tick what is followed, but for what was changed in this tab meanwhile. */
export function tick(topics) {
  for (const box of boxes) box.checked = wanted.get(box.value) ?? topics.includes(box.value);
}

export const want = (topic, ticked) => wanted.set(topic, ticked);
export const forgetAll = () => wanted.clear();

/** What was ticked and unticked in this tab. */
export function changes() {
  const said = (ticked) => [...wanted].filter(([, is]) => is === ticked).map(([topic]) => topic);
  return { add: said(true), remove: said(false) };
}

/** These ticks are no longer this tab's alone, but for those that were changed again meanwhile. */
export function forgetTicks({ add, remove }) {
  for (const topic of add) if (wanted.get(topic) === true) wanted.delete(topic);
  for (const topic of remove) if (wanted.get(topic) === false) wanted.delete(topic);
}
