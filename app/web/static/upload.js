// Sending a file: the page shows what would become of it, and sends it again to be taken in.
"use strict";

(() => {
  const form = document.getElementById("upload");
  if (!form) return;
  const drop = document.getElementById("drop");
  const chosen = document.getElementById("upload-file");
  const result = document.getElementById("upload-result");
  let isTaking = false;
  let newest = 0; // of two files the one that was given last counts

  async function send(file, take) {
    if (isTaking) return;
    const mine = ++newest;
    const facility = document.getElementById("upload-facility").value;
    const asked = new URLSearchParams({ facility, name: file.name, take });
    isTaking = take;
    result.textContent = take ? form.dataset.taking : form.dataset.checking;
    const outcome = await ask(asked, file);
    isTaking = false;
    if (mine !== newest) return;
    if (typeof outcome === "string") result.textContent = outcome;
    else result.replaceChildren(...outcome.body.childNodes);
    document.getElementById("upload-take")?.addEventListener("click", () => send(file, true));
    document.getElementById("upload-leave")?.addEventListener("click", () => {
      result.textContent = "";
      chosen.value = "";
    });
  }

  // The page about the file, or what went wrong.
  async function ask(asked, file) {
    if (!(await sessionIsOpen())) return form.dataset.failed;
    try {
      const answer = await fetch(`${form.dataset.address}?${asked}`, {
        method: "POST",
        body: file,
        headers: {
          "X-CSRF-Token": formToken(),
          "X-Page-Language": document.documentElement.lang,
          "Content-Type": "application/octet-stream",
        },
      });
      const text = await answer.text();
      return answer.ok ? new DOMParser().parseFromString(text, "text/html") : reasonOf(answer.status, text);
    } catch {
      return form.dataset.failed;
    }
  }

  chosen.addEventListener("change", () => chosen.files[0] && send(chosen.files[0], false));
  for (const name of ["dragover", "dragleave", "drop"]) {
    // Beside the field, too: the browser would leave this page for the file.
    addEventListener(name, (event) => event.preventDefault());
    drop.addEventListener(name, (event) => {
      drop.classList.toggle("over", name === "dragover");
      if (name !== "drop") return;
      const { files } = event.dataTransfer;
      if (files.length > 1) result.textContent = form.dataset.one;
      else if (files.length) send(files[0], false);
    });
  }
})();
