// The list of breaks: its keys, and what is selected in it.
"use strict";

const rows = () => [...document.querySelectorAll("[data-row]")];
const picks = () => [...document.querySelectorAll("#breaks-list [name=pair]")];
const picked = new Set();

function keysOn() {
  return localStorage.getItem("keys") !== "off";
}

function currentRow() {
  return document.activeElement?.closest("[data-row]");
}

function step(by) {
  const all = rows();
  const at = all.indexOf(currentRow());
  const next = all[at === -1 ? 0 : Math.min(all.length - 1, Math.max(0, at + by))];
  next?.querySelector("a").focus();
}

function showSelected() {
  const selected = document.getElementById("selected");
  if (!selected) return;
  const everything = document.getElementById("pick-all")?.checked;
  const count = picks().filter((one) => one.checked).length;
  let text = selected.dataset.count.replace("#", count);
  if (everything) text = document.getElementById("pick-all").parentElement.textContent.trim();
  else if (count === 0) text = selected.dataset.none;
  if (selected.textContent !== text) selected.textContent = text;
}

function toggle(row) {
  const box = row?.querySelector("[name=pair]");
  if (!box) return;
  box.checked = !box.checked;
  box.dispatchEvent(new Event("change", { bubbles: true }));
}

// What is meant is the row that one is at, where nothing is selected.
function goTo(id) {
  const field = document.getElementById(id);
  if (!field) return;
  const everything = document.getElementById("pick-all")?.checked;
  if (!everything && !picks().some((one) => one.checked)) toggle(currentRow());
  field.focus();
}

const KEYS = {
  j: () => step(1),
  k: () => step(-1),
  x: () => toggle(currentRow()),
  a: () => goTo("assign-to"),
  p: () => goTo("propose-action"),
  "/": () => document.getElementById("filter-text").focus(),
  "?": () => document.getElementById("keys").showModal(),
};

function isTyping(target) {
  return target.isContentEditable || (target.matches("input, select, textarea") && target.type !== "checkbox");
}

document.addEventListener("keydown", (event) => {
  const does = KEYS[event.key];
  if (!does || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  if (!keysOn() || isTyping(event.target) || document.getElementById("keys").open) return;
  event.preventDefault();
  does();
});

document.addEventListener("change", (event) => {
  const { target } = event;
  if (target.matches("[data-pick-page]")) for (const one of picks()) one.checked = target.checked;
  if (target.id === "keys-on") localStorage.setItem("keys", target.checked ? "on" : "off");
  showSelected();
});

// A list that renews itself keeps what is selected; another page or filter begins anew.
let everything = false;
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target.id !== "breaks-list") return;
  picked.clear();
  everything = false;
  if (event.detail.requestConfig.elt.id !== "breaks-list") return;
  for (const one of picks()) if (one.checked) picked.add(one.id);
  everything = document.getElementById("pick-all")?.checked ?? false;
});
document.addEventListener("htmx:afterSwap", () => {
  for (const one of picks()) if (picked.has(one.id)) one.checked = true;
  const all = document.getElementById("pick-all");
  if (all && !all.disabled && everything) all.checked = true;
  picked.clear();
  everything = false;
  showSelected();
  prepareKeys();
});

function prepareKeys() {
  const show = document.getElementById("show-keys");
  if (!show || !show.hidden) return;
  show.hidden = false;
  show.addEventListener("click", KEYS["?"]);
  document.getElementById("keys-on").checked = keysOn();
}

document.addEventListener("DOMContentLoaded", () => {
  prepareKeys();
  showSelected();
});
