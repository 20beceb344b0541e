// What moves by itself: ages that tick, figures that show that they moved, parts that are fetched anew.
"use strict";

const seenAt = new WeakMap();

// In the page's language; # is the number.
const agoTexts = document.documentElement.dataset.ago.split("|");

function agoText(seconds) {
  if (seconds < 60) return agoTexts[0].replace("#", seconds);
  if (seconds < 3600) return agoTexts[1].replace("#", Math.floor(seconds / 60));
  if (seconds < 172800) return agoTexts[2].replace("#", Math.floor(seconds / 3600));
  return agoTexts[3].replace("#", Math.floor(seconds / 86400));
}

// Ages are told by the server, so that a browser's wrong clock does not matter, and counted on here.
function tick() {
  const now = performance.now();
  for (const time of document.querySelectorAll("time[data-age]")) {
    if (!seenAt.has(time)) seenAt.set(time, now);
    const age = Number(time.dataset.age) + Math.floor((now - seenAt.get(time)) / 1000);
    const text = agoText(age);
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

// What is said of a part while it is being fetched would be lost with it: the new one asks once more.
const missed = new Map();
for (const part of ["accounts", "breaks", "decisions", "acts", "work", "alerts"]) {
  const note = ({ target, type }) => {
    if (target.classList.contains("htmx-request")) missed.set(target.id, type);
  };
  document.addEventListener(`live:${part}`, note, true);
}

document.addEventListener("htmx:afterSettle", (event) => {
  markMoved();
  tick();
  const fetched = event.detail.requestConfig?.elt.id;
  const said = missed.get(fetched);
  missed.delete(fetched);
  if (said) htmx.trigger(`#${fetched}`, said);
  // Only what the reader asked for is read out, not what moves by itself.
  const asked = event.detail.requestConfig?.elt;
  const count = document.getElementById("breaks-count");
  if (count && asked?.id && asked.id !== "breaks-list" && asked.id !== "bulk") say(count.textContent);
});
document.addEventListener("live:news", () => {
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
