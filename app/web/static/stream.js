// The live stream: the node sends a part of the page as it changes (`data-live`), or says that it has
// changed (`live:NAME`, a trigger of htmx). It reconnects and catches up by itself.
"use strict";

const PARTS = ["state", "accounts", "wall", "breaks", "decisions", "acts", "work", "alerts"];
const SILENT_MS = 12_000; // the node gives a sign of life every five seconds
const ANSWERS_IN_MS = 5_000;
const LONGEST_WAIT_MS = 8_000;

const streamAddress = document.getElementById("live").dataset.stream;
const shownParts = new Map();
let stream = null;
let heardAt = 0;
let failures = 0;
let nextAttempt;

function showLost(lost) {
  const notice = document.getElementById("lost");
  if (notice.hidden !== lost) return;
  const block = document.querySelector("[data-block]");
  if (lost && block) document.getElementById("lost-block").textContent = notice.dataset.asOf.replace("#", block.textContent);
  notice.hidden = !lost;
}

function heard() {
  heardAt = performance.now();
  failures = 0;
  showLost(false);
}

// Whoever presses on something clicks what they saw: nothing moves until they let go.
let isPressed = false;
const held = new Map();

function release() {
  if (!isPressed) return;
  isPressed = false;
  setTimeout(() => {
    const actions = [...held.values()];
    held.clear();
    for (const action of actions) action();
  }); // after the click
}

addEventListener("pointerdown", () => (isPressed = true), true);
addEventListener("pointerup", release, true);
addEventListener("pointercancel", release, true);
// Let go outside of the window, or over a list that the browser itself shows.
addEventListener("pointermove", (event) => event.buttons === 0 && release(), true);
addEventListener("blur", (event) => event.target === window && release());
document.addEventListener("htmx:beforeSwap", (event) => {
  const { elt, triggeringEvent } = event.detail.requestConfig;
  if (!isPressed || !triggeringEvent?.type.startsWith("live:")) return;
  event.detail.shouldSwap = false;
  held.set(elt, () => elt.isConnected && htmx.trigger(elt, triggeringEvent.type));
});

function news(name, html) {
  heard();
  if (isPressed) held.set(name, () => showNews(name, html));
  else showNews(name, html);
}

function showNews(name, html) {
  const part = document.querySelector(`[data-live="${name}"]`);
  if (part && shownParts.get(name) !== html) {
    shownParts.set(name, html);
    htmx.swap(part, html, { swapStyle: "innerHTML" });
  }
  for (const one of document.querySelectorAll(`[hx-trigger*="live:${name}"]`)) htmx.trigger(one, `live:${name}`);
  document.dispatchEvent(new Event("live:news"));
}

function disconnect() {
  clearTimeout(nextAttempt);
  stream?.close();
  stream = null;
}

function connect() {
  disconnect();
  if (document.hidden) return;
  const isAgain = heardAt > 0;
  heardAt = performance.now();
  stream = new EventSource(streamAddress);
  stream.addEventListener("open", () => {
    heard();
    if (isAgain) document.dispatchEvent(new Event("live:again"));
  });
  stream.addEventListener("error", reconnect);
  stream.addEventListener("alive", heard);
  for (const name of PARTS) stream.addEventListener(name, (event) => news(name, event.data));
}

// An EventSource does not say why it failed: a session may have ended.
async function reconnect() {
  disconnect();
  let status = 0;
  const asked = new AbortController();
  const tooLong = setTimeout(() => asked.abort(), ANSWERS_IN_MS);
  try {
    status = (await fetch(streamAddress, { signal: asked.signal })).status;
  } catch {
    // nobody answers
  }
  clearTimeout(tooLong);
  asked.abort();
  if (stream || document.hidden) return;
  if (status === 401) {
    if (document.dispatchEvent(new Event("live:refused", { cancelable: true }))) location.reload();
    return;
  }
  if (status !== 200) showLost(true);
  failures += 1;
  nextAttempt = setTimeout(connect, Math.min(250 * 2 ** failures, LONGEST_WAIT_MS));
}

// A connection that was cut without a word stays open to the browser.
setInterval(() => {
  if (!stream || performance.now() - heardAt < SILENT_MS) return;
  showLost(true);
  reconnect();
}, 1000);

// Browsers have six connections to a node, over all tabs: those that nobody sees leave theirs.
document.addEventListener("visibilitychange", () => (document.hidden ? disconnect() : connect()));
addEventListener("online", connect);
connect();
