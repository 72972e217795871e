// Keeps the cards of an Info page as the phone tells them; without it the page stays as it was.
"use strict";
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
      else if (old) old.replaceWith(card);
      else live.append(card);
    }
  };
}
