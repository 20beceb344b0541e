// Sending a file: the page shows what would become of it, and sends it again to be taken in.
"use strict";

(() => {
  const form = document.getElementById("upload");
  if (!form) return;
  const drop = document.getElementById("drop");
  const chosen = document.getElementById("upload-file");
  const facility = document.getElementById("upload-facility");
  const result = document.getElementById("upload-result");
  const under = document.getElementById("upload-under-way");
  const [step, progress, again, stop] = ["step", "progress", "again", "stop"].map((one) => document.getElementById(`upload-${one}`));
  const texts = form.dataset;
  const STILL_MS = 30_000; // a connection over which nothing went for so long is given up
  let held = null; // the file that was given last, and what is asked for it
  let request = null;

  function show(text, { isUnderWay = false, again: canRetry = false } = {}) {
    step.textContent = text;
    under.hidden = text === "";
    progress.hidden = stop.hidden = !isUnderWay;
    again.hidden = !canRetry;
    const isTaken = isUnderWay && held.take;
    chosen.disabled = facility.disabled = isTaken;
    drop.classList.toggle("waits", isTaken);
    for (const button of result.querySelectorAll("button")) button.disabled = isUnderWay;
  }

  // forms.js leaves a page alone on which a file waits.
  function hold(file, take = false) {
    held = file && { file, take, facility: facility.value };
    form.toggleAttribute("data-holds", held !== null);
  }

  function give(files) {
    if (chosen.disabled) return showFailed(texts.wait);
    if (files.length > 1) return show(texts.one);
    if (!files.length) return;
    result.textContent = "";
    hold(files[0]);
    send();
  }

  async function send() {
    request?.abort();
    const mine = held;
    progress.removeAttribute("value");
    show((mine.take ? texts.taking : texts.checking).replace("#", mine.file.name), { isUnderWay: true });
    const outcome = await answerTo(mine);
    if (mine !== held) return;
    if (typeof outcome === "string") return show(outcome, { again: true });
    if (mine.take) hold(null);
    result.replaceChildren(...outcome.body.childNodes);
    show("");
    document.getElementById("upload-take")?.addEventListener("click", () => {
      hold(mine.file, true);
      send();
    });
    document.getElementById("upload-leave")?.addEventListener("click", () => {
      hold(null);
      result.textContent = "";
      show("");
    });
  }

  // The page about the file, or why there is none.
  async function answerTo(mine) {
    try {
      await mine.file.slice(0, 1).arrayBuffer();
    } catch {
      return texts.unreadable.replace("#", mine.file.name);
    }
    if (!(await sessionIsOpen())) return unsent(mine);
    if (mine !== held) return "";
    const { status, text } = await post(mine);
    if (status === 200) return new DOMParser().parseFromString(text, "text/html");
    if (status === 0) return unanswered(mine);
    if (status !== 401) return reasonOf(status, text);
    sessionOver();
    return unsent(mine);
  }

  const unsent = ({ file }) => texts.unsent.replace("#", file.name);
  const unanswered = (mine) => (mine.take ? texts.unanswered.replace("#", mine.file.name) : unsent(mine));

  function post({ file, take, facility }) {
    return new Promise((done) => {
      const xhr = new XMLHttpRequest();
      let isWhole = false;
      let still;
      const moved = () => {
        clearTimeout(still);
        if (!isWhole) still = setTimeout(() => xhr.abort(), STILL_MS);
      };
      xhr.upload.addEventListener("progress", ({ loaded, total }) => {
        progress.value = loaded / total;
        moved();
      });
      xhr.upload.addEventListener("load", () => {
        isWhole = true;
        progress.removeAttribute("value");
        moved();
      });
      xhr.addEventListener("loadend", () => {
        clearTimeout(still);
        done({ status: xhr.status, text: xhr.responseText });
      });
      xhr.open("POST", `${texts.address}?${new URLSearchParams({ facility, name: file.name, take })}`);
      xhr.setRequestHeader("X-CSRF-Token", formToken());
      xhr.setRequestHeader("X-Page-Language", document.documentElement.lang);
      xhr.setRequestHeader("Content-Type", "application/octet-stream");
      xhr.send(file);
      moved();
      request = xhr;
    });
  }

  again.addEventListener("click", () => {
    hold(held.file, held.take);
    send();
  });
  stop.addEventListener("click", () => {
    hold(held.file, held.take); // whatever comes of the other one is late
    request?.abort();
    show(unanswered(held), { again: true });
  });
  facility.addEventListener("change", () => held && give([held.file])); // what was shown is another's
  chosen.addEventListener("change", () => {
    const files = [...chosen.files];
    chosen.value = ""; // so that the same file, mended, can be chosen again
    give(files);
  });
  for (const name of ["dragover", "dragleave", "drop"]) {
    // Beside the field, too: the browser would leave this page for the file.
    addEventListener(name, (event) => {
      event.preventDefault();
      const isOver = drop.contains(event.target);
      if (name === "dragover") event.dataTransfer.dropEffect = isOver ? "copy" : "none";
      drop.classList.toggle("over", isOver && name === "dragover");
      if (isOver && name === "drop") give([...event.dataTransfer.files]);
    });
  }
})();
