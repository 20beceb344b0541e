// What changed since somebody last marked the positions as seen: each figure says what it was.
"use strict";

(() => {
  const line = document.getElementById("since");
  if (!line) return;
  let seen = JSON.parse(line.dataset.seen);

  const figures = () => document.querySelectorAll("#accounts [data-since]");

  function mark() {
    let changed = 0;
    for (const cell of figures()) {
      const before = seen[cell.dataset.figure];
      const differs = before !== undefined && before !== cell.textContent;
      cell.classList.toggle("changed", differs);
      if (differs) cell.title = before;
      else if (cell.dataset.since !== undefined) cell.removeAttribute("title");
      changed += differs;
    }
    const which = line.dataset.at === "" ? "first" : changed ? "some" : "none";
    for (const text of line.querySelectorAll("[data-say]")) text.hidden = text.dataset.say !== which;
    for (const when of line.querySelectorAll("[data-when]")) when.textContent = line.dataset.at;
    line.querySelector("[data-count]").textContent = changed;
    document.getElementById("mark-seen").hidden = which === "none";
  }

  async function keep() {
    const now = {};
    for (const cell of figures()) now[cell.dataset.figure] = cell.textContent;
    if (!(await sessionIsOpen())) return;
    try {
      const answer = await fetch(line.dataset.address, {
        method: "POST",
        body: JSON.stringify(now),
        headers: { "Content-Type": "application/json", "X-CSRF-Token": formToken() },
      });
      const text = await answer.text();
      if (!answer.ok) return showFailed(reasonOf(answer.status, text));
      line.dataset.at = JSON.parse(text).seen_at;
    } catch {
      return showFailed(notice("failed").dataset.unsent);
    }
    seen = now;
    mark();
  }

  document.getElementById("mark-seen").addEventListener("click", keep);
  document.addEventListener("live:news", mark);
  mark();
})();
