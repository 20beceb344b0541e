// What htmx leaves to us: ages that tick, figures that show that they moved, a lost connection.
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

function showLost(lost) {
  const notice = document.getElementById("lost");
  if (notice.hidden !== lost) return;
  const block = document.querySelector("[data-block]");
  if (lost && block) document.getElementById("lost-block").textContent = notice.dataset.asOf.replace("#", block.textContent);
  notice.hidden = !lost;
}

// Forms that are being filled in (`data-keep`): nothing typed is lost, whatever comes.

function isTouched(form) {
  // What was refused came back with what was typed, as if the page had brought it.
  return form.hasAttribute("data-refused") || [...form.elements].some(
    (field) =>
      field.type !== "hidden" &&
      (field.value !== field.defaultValue || field.checked !== field.defaultChecked) &&
      field.type !== "submit" &&
      field.type !== "button" &&
      field.tagName !== "FIELDSET",
  ) || form.contains(document.activeElement);
}

document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const forms = [...(event.detail.target?.querySelectorAll("form[data-keep], form.sign") ?? [])];
  const touched = forms.filter(isTouched);
  if (!touched.length) return;
  event.detail.shouldSwap = false;
  // Only where something else would stand there now: a block alone changes nothing of it.
  const seen = (part) => part?.querySelector("[name=seen], [name=hash]")?.value ?? "";
  for (const form of touched) {
    const notice = form.querySelector("[data-outdated]");
    const anew = event.detail.fragment.querySelector(`form[action="${form.getAttribute("action")}"]`);
    if (notice && seen(anew) !== seen(form)) notice.hidden = false;
  }
});

// What a form is refused for comes as a page, with what was typed.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr } = event.detail;
  const isPage = xhr.getResponseHeader("Content-Type")?.startsWith("text/html");
  if (isPage && (xhr.status === 409 || xhr.status === 422)) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  }
});

const expired = () => document.getElementById("expired");

// Somebody whose session has ended signs in in another tab; this page then takes up the new one.
async function renewSession() {
  const answer = await fetch(location.href, { redirect: "manual" });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const token = page.querySelector("form.person [name=csrf]")?.value;
  if (!token) return;
  for (const field of document.querySelectorAll("[name=csrf]")) field.value = token;
  document.getElementById("live").setAttribute("hx-headers", JSON.stringify({ "X-CSRF-Token": token }));
  document.querySelector("form.person").replaceWith(page.querySelector("form.person"));
  expired().hidden = true;
  say(expired().dataset.renewed);
}

document.addEventListener("htmx:beforeOnLoad", (event) => {
  const { xhr } = event.detail;
  const isOver = xhr.status === 401 || (xhr.status === 403 && xhr.responseText.includes("foreign-form"));
  const forms = [...document.querySelectorAll("form[data-keep], form.sign")];
  if (!isOver || !expired() || !forms.some(isTouched)) return;
  event.preventDefault();
  expired().hidden = false;
  if (xhr.status === 403) renewSession();
});
window.addEventListener("focus", () => {
  if (expired() && !expired().hidden) renewSession();
});

document.addEventListener("htmx:sseError", () => showLost(true));
document.addEventListener("htmx:sseOpen", () => showLost(false));
// What is said of a part while it is being fetched would be lost with it: the new one asks once more.
const missed = new Map();
for (const part of ["accounts", "breaks", "decisions", "acts", "work", "alerts"]) {
  const note = ({ target, type }) => {
    if (target.classList.contains("htmx-request")) missed.set(target.id, type);
  };
  document.addEventListener(`sse:${part}`, note, true);
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

// A file whose text goes into a form's field, where it is seen before it is sent.
document.addEventListener("change", async (event) => {
  const field = document.getElementById(event.target.dataset?.into ?? "");
  const file = event.target.files?.[0];
  if (!field || !file) return;
  field.value = (await file.slice(0, field.maxLength + 1).text()).slice(0, field.maxLength);
  field.dispatchEvent(new Event("input", { bubbles: true }));
});

// Sending a file: the page shows what would become of it, and sends it again to be taken in.
function uploads() {
  const form = document.getElementById("upload");
  if (!form) return;
  const drop = document.getElementById("drop");
  const chosen = document.getElementById("upload-file");
  const result = document.getElementById("upload-result");

  async function send(file, take) {
    const facility = document.getElementById("upload-facility").value;
    const asked = new URLSearchParams({ facility, name: file.name, take });
    result.textContent = take ? form.dataset.taking : form.dataset.checking;
    try {
      const answer = await fetch(`${form.dataset.address}?${asked}`, {
        method: "POST",
        body: file,
        headers: { "X-CSRF-Token": form.dataset.csrf, "Content-Type": "application/octet-stream" },
      });
      if (answer.ok) {
        result.innerHTML = await answer.text();
      } else {
        const problem = await answer.json();
        result.textContent = problem.detail || problem.title;
      }
    } catch {
      result.textContent = form.dataset.failed;
    }
    document.getElementById("upload-take")?.addEventListener("click", () => send(file, true));
    document.getElementById("upload-leave")?.addEventListener("click", () => {
      result.textContent = "";
      chosen.value = "";
    });
  }

  chosen.addEventListener("change", () => chosen.files[0] && send(chosen.files[0], false));
  for (const name of ["dragover", "dragleave", "drop"]) {
    drop.addEventListener(name, (event) => {
      event.preventDefault();
      drop.classList.toggle("over", name === "dragover");
      if (name === "drop" && event.dataTransfer.files[0]) send(event.dataTransfer.files[0], false);
    });
  }
}

document.addEventListener("DOMContentLoaded", uploads);
