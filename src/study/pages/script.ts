/** @file What the pages do in the browser; all of it is a convenience, and the study runs without. */

export const script = `"use strict";
const form = document.querySelector("form");
const buttons = [...document.querySelectorAll(".answers button")];
if (form) {
  let sent = false;
  form.addEventListener("submit", (event) => {
    if (sent) event.preventDefault();
    sent = true;
  });
  addEventListener("pageshow", () => { sent = false; });
}
// Nobody answers before the pictures are there.
for (const button of buttons) button.disabled = true;
Promise.allSettled([...document.images].map((image) => image.decode())).then(() => {
  for (const button of buttons) button.disabled = false;
});
for (const time of document.querySelectorAll("time"))
  time.textContent = new Date(time.dateTime).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
const steps = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };
addEventListener("keydown", (event) => {
  const at = buttons.indexOf(document.activeElement);
  const step = steps[event.key];
  if (at < 0 || !step || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  buttons[(at + step + buttons.length) % buttons.length].focus();
});
`;
