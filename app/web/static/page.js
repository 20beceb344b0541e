// What htmx leaves to us: ages that tick, figures that show that they moved, a lost connection.
"use strict";

const seenAt = new WeakMap();

function ageText(seconds) {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} days`;
}

// Ages are told by the server, so that a browser's wrong clock does not matter, and counted on here.
function tick() {
  const now = performance.now();
  for (const time of document.querySelectorAll("time[data-age]")) {
    if (!seenAt.has(time)) seenAt.set(time, now);
    const age = Number(time.dataset.age) + Math.floor((now - seenAt.get(time)) / 1000);
    const text = ageText(age);
    if (time.textContent !== text) time.textContent = text;
  }
}

const figures = new Map();

function markMoved() {
  for (const cell of document.querySelectorAll("[data-figure]")) {
    const name = cell.dataset.figure;
    const before = figures.get(name);
    if (before !== undefined && before !== cell.textContent) cell.classList.add("moved");
    figures.set(name, cell.textContent);
  }
}

function say(text) {
  document.getElementById("announce").textContent = text;
}

let chainState = null;

function announceState() {
  const pill = document.querySelector("[data-state]");
  if (!pill) return;
  if (chainState !== null && chainState !== pill.dataset.state) {
    say(pill.dataset.announce);
  }
  chainState = pill.dataset.state;
}

function showLost(lost) {
  const notice = document.getElementById("lost");
  if (notice.hidden !== lost) return;
  const block = document.querySelector("[data-block]");
  if (lost && block) document.getElementById("lost-block").textContent = `block ${block.textContent}`;
  notice.hidden = !lost;
}

document.addEventListener("htmx:sseError", () => showLost(true));
document.addEventListener("htmx:sseOpen", () => showLost(false));
document.addEventListener("htmx:afterSettle", (event) => {
  markMoved();
  tick();
  // Only what the reader asked for is read out, not what moves by itself.
  const asked = event.detail.requestConfig?.elt;
  const count = document.getElementById("breaks-count");
  if (count && asked?.id && asked.id !== "breaks-list") say(count.textContent);
});
document.addEventListener("htmx:sseMessage", () => {
  markMoved();
  announceState();
  tick();
});
document.addEventListener("DOMContentLoaded", () => {
  markMoved();
  announceState();
  tick();
  setInterval(tick, 1000);
});
