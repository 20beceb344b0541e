// Forms: nothing that somebody types is lost, whatever comes, and nothing that is sent fails unsaid.
"use strict";

const notice = (id) => document.getElementById(id);
const personForm = () => document.querySelector("form.person");
const formToken = () => personForm().querySelector("[name=csrf]").value;
const filledForms = () => [...document.querySelectorAll('form[method="post"]:not(.person, .languages), #upload')];

function isChanged(field) {
  if (["hidden", "submit", "button", "fieldset"].includes(field.type)) return false;
  if (field.tagName === "SELECT") {
    const before = [...field.options].findIndex((one) => one.defaultSelected);
    return field.selectedIndex !== Math.max(before, 0);
  }
  return field.value !== field.defaultValue || field.checked !== field.defaultChecked;
}

function isTouched(form) {
  // What was refused came back with what was typed, as if the page had brought it; a file may wait.
  return form.matches("[data-refused], [data-holds]") || [...form.elements].some(isChanged) || form.contains(document.activeElement);
}

// What a form was shown with; what is signed is more than its hash: how much of it was overtaken.
const seenWith = (form) => [form?.querySelector("[name=seen], [name=hash]")?.value, form?.dataset.overtaken].join();
const sameIn = (fragment, form) => fragment.querySelector(`form[action="${form.getAttribute("action")}"]`);

document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const { target, fragment } = event.detail;
  // Why something was refused that can be sent no more.
  if (target?.querySelector("[data-refused]:not(form)")) {
    event.detail.shouldSwap = false;
    return;
  }
  const touched = [...(target?.querySelectorAll("form[data-keep], form.sign") ?? [])].filter(isTouched);
  // Of what is being sent the answer tells.
  const changed = touched.filter((form) => !sending.has(form) && seenWith(sameIn(fragment, form)) !== seenWith(form));
  const kept = touched.filter((form) => form.matches("[data-keep]") || !changed.includes(form));
  // A code is for what was read: it is never sent with anything else.
  const toSign = changed.filter((form) => !kept.includes(form));
  if (toSign.length) showFailed(notice("failed").dataset.overtaken);
  if (!kept.length) return;
  event.detail.shouldSwap = false;
  for (const form of kept) {
    // Only where something else would stand there now: a block alone changes nothing of it.
    const outdated = form.querySelector("[data-outdated]");
    if (outdated && changed.includes(form)) outdated.hidden = false;
  }
  for (const form of toSign) {
    const part = form.closest("section");
    const anew = fragment.querySelector(`[data-act="${part.dataset.act}"]`)?.cloneNode(true);
    if (!anew) part.remove();
    else part.replaceWith(anew);
    if (anew) htmx.process(anew);
  }
});

// --- The session of whoever sits here -----------------------------------------------------------

function sessionOver() {
  if (filledForms().some(isTouched)) notice("expired").hidden = false;
  else location.assign(`${notice("expired").dataset.signIn}?next=${encodeURIComponent(location.pathname + location.search)}`);
}

// Somebody may have signed in again in another tab: this page takes up the new session.
function takeUp(session) {
  const wasOver = !notice("expired").hidden;
  notice("expired").hidden = true;
  if (session.csrf !== formToken()) {
    for (const field of document.querySelectorAll("[name=csrf]")) field.value = session.csrf;
    const headers = JSON.parse(notice("live").getAttribute("hx-headers"));
    notice("live").setAttribute("hx-headers", JSON.stringify({ ...headers, "X-CSRF-Token": session.csrf }));
  }
  if (session.id !== personForm().dataset.person) {
    if (!filledForms().some(isTouched)) location.reload();
    personForm().dataset.person = session.id;
    personForm().querySelector(".person-name").textContent = session.display_name;
    notice("other-person").textContent = notice("other-person").dataset.text.replace("#", session.display_name);
    notice("other-person").hidden = false;
  } else if (wasOver) {
    say(notice("expired").dataset.renewed);
  }
}

// Whether somebody is signed in; says so where not, or where the node does not answer.
async function sessionIsOpen() {
  try {
    const answer = await fetch(notice("expired").dataset.session, { signal: AbortSignal.timeout(10_000) });
    if (answer.ok) takeUp(await answer.json());
    else if (answer.status === 401) sessionOver();
    else showFailed(await reasonOf(answer.status, await answer.text()));
    return answer.ok;
  } catch {
    showFailed(notice("failed").dataset.unsent);
    return false;
  }
}

const askAgain = () => personForm() && sessionIsOpen();
document.addEventListener("live:again", askAgain);
document.addEventListener("live:refused", (event) => {
  event.preventDefault();
  sessionOver();
});
addEventListener("focus", () => notice("expired").hidden || askAgain());

// --- Sending ------------------------------------------------------------------------------------

// Each form asks first whether its session is open: a page that is left takes what was typed with it.
const sending = new WeakSet();
const asked = new WeakSet();
const LEAVES_IN_MS = 60_000;

// From the first press on: a form is sent once, and its button shows that it works.
function begin(form, button) {
  if (sending.has(form)) return false;
  sending.add(form);
  button?.setAttribute("data-sending", "");
  return true;
}

function end(form) {
  sending.delete(form);
  for (const button of form.querySelectorAll("[data-sending]")) button.removeAttribute("data-sending");
}

document.addEventListener("htmx:confirm", async (event) => {
  const { elt, verb, issueRequest, triggeringEvent } = event.detail;
  if (verb !== "post" || !personForm()) return;
  event.preventDefault();
  if (!begin(elt, triggeringEvent?.submitter)) return;
  if (await sessionIsOpen()) issueRequest(true);
  else end(elt);
});
document.addEventListener("htmx:afterRequest", (event) => end(event.detail.elt));

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (form.method !== "post" || form.hasAttribute("hx-post") || !personForm()) return;
  if (asked.delete(form)) return;
  event.preventDefault();
  if (!begin(form, event.submitter)) return;
  if (await sessionIsOpen()) {
    asked.add(form);
    form.requestSubmit(event.submitter);
    // The page is left as soon as the answer comes; whoever stops that can send it again.
    await new Promise((done) => setTimeout(done, LEAVES_IN_MS));
  }
  end(form);
});
// The browser's Back shows a page as it was left.
addEventListener("pageshow", (event) => event.persisted && document.querySelectorAll("form").forEach(end));

function showFailed(text) {
  notice("failed").textContent = text;
  notice("failed").hidden = false;
}

function reasonOf(status, text) {
  let why = `HTTP ${status}`;
  try {
    why = JSON.parse(text).detail ?? why;
  } catch {
    // a proxy's own page
  }
  return notice("failed").dataset.refused.replace("#", why);
}

// What a form is refused for comes as a page, with what was typed.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr } = event.detail;
  const isPage = xhr.getResponseHeader("Content-Type")?.startsWith("text/html");
  if (isPage && [403, 409, 422, 429].includes(xhr.status)) {
    event.detail.shouldSwap = true;
    event.detail.isError = false;
  }
});

document.addEventListener("htmx:beforeOnLoad", (event) => {
  const { xhr } = event.detail;
  if (xhr.status !== 401) return;
  event.preventDefault();
  sessionOver();
});

const RETRY_MS = 3_000;

function notAnswered(event) {
  const { elt, requestConfig, xhr } = event.detail;
  const by = requestConfig.triggeringEvent?.type ?? "";
  const isPassing = xhr.status === 0 || xhr.status >= 500;
  if (by.startsWith("live:")) {
    if (isPassing) setTimeout(() => elt.isConnected && htmx.trigger(elt, by), RETRY_MS);
  } else if (by && xhr.status !== 0) {
    showFailed(reasonOf(xhr.status, xhr.responseText));
  } else if (by) {
    showFailed(notice("failed").dataset[requestConfig.verb === "post" ? "unanswered" : "unsent"]);
  }
}
for (const name of ["responseError", "sendError", "timeout"]) document.addEventListener(`htmx:${name}`, notAnswered);
document.addEventListener("htmx:beforeRequest", (event) => {
  // What somebody does next, not what the page asks for by itself.
  const by = event.detail.requestConfig.triggeringEvent?.type ?? "live:";
  if (!by.startsWith("live:")) notice("failed").hidden = true;
});

// A file whose text goes into a form's field, where it is seen before it is sent.
document.addEventListener("change", async (event) => {
  const id = event.target.dataset?.into;
  const file = event.target.files?.[0];
  if (!id || !file) return;
  const most = document.getElementById(id).maxLength;
  const text = (await file.slice(0, most + 1).text()).slice(0, most);
  const field = document.getElementById(id); // it may stand there anew
  field.value = text;
  field.dispatchEvent(new Event("input", { bubbles: true }));
});
