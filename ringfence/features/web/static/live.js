// Keeps an Info page as the phone tells it, and counts down; without it the page stays as it was.
"use strict";
// Of the screen what differs alone, so that nobody hears all of it read again for a second more.
const patch = (old, made) => {
  if (old.isEqualNode(made)) return;
  const parts = [...old.children], news = [...made.children];  // whoever moves leaves the list
  const like = old.cloneNode(false).isEqualNode(made.cloneNode(false));
  if (old.closest(".face") && like && parts.length && parts.length === news.length) {
    parts.forEach((part, at) => patch(part, news[at]));
  } else old.replaceWith(made);
};
const live = document.querySelector("[data-live]");
const note = document.querySelector("[data-live-note]");
if (live && "EventSource" in window) {
  const source = new EventSource(live.dataset.live);
  source.onopen = () => { note.hidden = false; };
  source.onerror = () => { note.hidden = true; };
  source.onmessage = ({ data }) => {
    for (const [name, html] of Object.entries(JSON.parse(data))) {
      const made = document.createElement("template");
      made.innerHTML = html;
      const card = made.content.firstElementChild;
      const old = document.getElementById(`card-${name}`);
      if (!card) old?.remove();
      else if (old) {
        const at = old.contains(document.activeElement) ? document.activeElement.id : "";
        for (const { id } of old.querySelectorAll("details[open][id]")) {
          card.querySelector(`#${CSS.escape(id)}`)?.setAttribute("open", "");
        }
        patch(old, card);
        if (at) document.getElementById(at)?.focus();
      }
      else live.append(card);
    }
  };
}

// The page stays: what was typed on it would be lost with it.
const over = (form) => {
  const told = form.querySelector("[data-over]");
  told.textContent = told.dataset.over;
  form.querySelector("button").remove();
};
const countdown = document.querySelector("[data-countdown]");
if (countdown) {
  const end = performance.now() + 1000 * Number(countdown.textContent);
  const count = () => {
    const left = Math.max(0, Math.round((end - performance.now()) / 1000));
    countdown.textContent = String(left);
    if (left) setTimeout(count, 1000);
    else over(countdown.closest("form"));
  };
  setTimeout(count, 1000);
}
