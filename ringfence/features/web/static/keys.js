// The keyboard as the phone's keys, and buttons that load no page anew; without it they do.
"use strict";
const desk = document.querySelector("[data-keys]");
const form = desk.closest("form");
const told = desk.querySelector("[data-told]");
const KEYS = {
  ArrowUp: "Up", ArrowDown: "Down", ArrowLeft: "Left", ArrowRight: "Right",
  Enter: "Select", Escape: "Back", Backspace: "Delete", Home: "Home", F9: "Applications",
  F10: "Mute", PageUp: "Louder", PageDown: "Softer",
  F1: "Soft1", F2: "Soft2", F3: "Soft3", F4: "Soft4",
};
let last = Promise.resolve();
const send = (fields) => {
  const body = new URLSearchParams({ csrf: form.elements.csrf.value, script: "1", ...fields });
  last = last.then(() => fetch("/screen", { method: "POST", body })).then(async (answer) => {
    if (answer.status === 204) told.textContent = "";
    else if (answer.status === 409) told.textContent = await answer.text();
    else location.reload();
  }, () => { told.textContent = "…"; });
};
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const { name, value } = event.submitter;
  if (name === "key") send({ key: value });
  else {
    send({ text: form.elements.text.value });
    form.elements.text.value = "";
  }
});
desk.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (event.ctrlKey || event.metaKey || event.altKey || target.matches("input")) return;
  if (target.matches("button") && (key === "Enter" || key === " ")) return;
  const pressed = KEYS[key] ?? (key.length === 1 ? key : "");
  if (!pressed) return;
  event.preventDefault();
  send({ key: pressed });
});
