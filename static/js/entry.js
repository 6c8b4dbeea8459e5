// Autosave of an entry form: each value is sent when its field is left; what cannot be sent stays marked and is retried.
// Without this script the form posts as a whole. Nothing clinical is ever kept in the browser's storage.
"use strict";
(() => {
  const form = document.getElementById("entry");
  const status = document.getElementById("save-status");
  if (!form || !status) return;

  const RETRY_MS = 4000;
  const token = () => form.querySelector("[name=csrfmiddlewaretoken]").value;
  const waiting = new Map(); // path -> text not acknowledged yet
  const shown = new Map(); // path -> text the server has
  let inFlight = 0;
  let stands = ""; // how the form stands now, said once it has changed
  let retryTimer = null;
  let leaving = false;

  const controls = () => [...form.elements].filter((each) => each.name && each.name.startsWith("value:"));
  const pathOf = (control) => control.name.slice("value:".length);
  const textAt = (path) => {
    const all = controls().filter((each) => pathOf(each) === path);
    if (all.length && all[0].type === "radio") return (all.find((each) => each.checked) || { value: "" }).value;
    return all.length ? all[0].value : "";
  };
  const feedbackAt = (path) => form.querySelector(`[data-feedback="${CSS.escape(path)}"]`);
  const say = (words, tone) => {
    status.textContent = words;
    status.dataset.tone = tone || "";
  };
  const clock = () => new Date().toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  const refresh = () => {
    if (inFlight) say("Saving…");
    else if (waiting.size) say(`Not saved yet: ${waiting.size} ${waiting.size === 1 ? "value" : "values"}`, "problem");
    else say(`All changes saved ${clock()}${stands}`, "saved");
  };
  const unfold = (place) => place.querySelectorAll("[data-scripted]").forEach((each) => (each.hidden = false));
  unfold(form);

  for (const control of controls()) shown.set(pathOf(control), textAt(pathOf(control)));

  async function send(path, extra) {
    const body = new URLSearchParams({ csrfmiddlewaretoken: token(), path, value: textAt(path) });
    const seen = form.querySelector(`[name="${CSS.escape("seen:" + path)}"]`);
    if (seen) body.set("seen", seen.value);
    const reason = document.getElementById("reason");
    if (reason && reason.value) body.set("reason", reason.value);
    for (const [key, value] of Object.entries(extra || {})) body.set(key, value);
    const text = textAt(path);
    waiting.set(path, text);
    inFlight += 1;
    refresh();
    try {
      const answer = await fetch(form.dataset.save, {
        method: "POST",
        body,
        headers: { "X-Requested-With": "fetch" },
        credentials: "same-origin",
        redirect: "manual",
      });
      if (answer.status === 401) {
        document.dispatchEvent(new CustomEvent("signInNeeded"));
        return;
      }
      if (answer.status >= 500 || answer.type === "opaqueredirect") throw new Error("not taken");
      document.dispatchEvent(new CustomEvent("requestAnswered"));
      take(path, text, await answer.text());
    } catch (error) {
      say("Not saved: no connection, retrying", "problem");
      if (!retryTimer) retryTimer = setTimeout(retry, RETRY_MS);
      return;
    } finally {
      inFlight -= 1;
    }
    refresh();
  }

  function take(path, text, html) {
    const answer = new DOMParser().parseFromString(html, "text/html");
    const fresh = answer.querySelector("[data-feedback]");
    const old = feedbackAt(path);
    if (fresh && old) {
      fresh.id = old.id;
      const hidden = fresh.querySelector("[type=hidden]") ? null : old.querySelector("[type=hidden]");
      old.replaceWith(fresh);
      unfold(fresh);
      if (hidden) fresh.prepend(hidden);
      fresh.closest("[data-field]")?.classList.toggle("has-problem", !("saved" in fresh.dataset));
    }
    const word = answer.getElementById("record-status");
    const shownWord = document.getElementById("record-status");
    if (word && shownWord && word.textContent.trim() !== shownWord.textContent.trim()) {
      shownWord.replaceChildren(...word.childNodes);
      stands = `. This form is now: ${shownWord.textContent.trim()}`; // told politely, with the saving
    }
    const derived = answer.getElementById("derived");
    if (derived) document.getElementById("derived")?.replaceChildren(...derived.childNodes);
    if (fresh && ("saved" in fresh.dataset || fresh.querySelector(".field-note"))) {
      if (waiting.get(path) === text) waiting.delete(path);
      shown.set(path, text);
    }
  }

  function retry() {
    retryTimer = null;
    for (const path of [...waiting.keys()]) send(path);
  }

  const saveIfChanged = (path) => {
    if (textAt(path) !== shown.get(path)) return send(path);
    waiting.delete(path);
    return null;
  };
  const saveAll = () => Promise.all([...new Set(controls().map(pathOf))].map(saveIfChanged));

  form.addEventListener("change", (event) => {
    if (event.target.name && event.target.name.startsWith("value:")) saveIfChanged(pathOf(event.target));
    if (event.target.id === "reason" && event.target.value) retry();
  });

  form.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const field = button.closest("[data-feedback]");
    const path = field && field.dataset.feedback;
    if (button.dataset.reason) {
      const reason = document.getElementById("reason");
      if (reason) reason.value = button.dataset.reason; // stays chosen for the other changes on this form
      send(path, { reason: button.dataset.reason });
    } else if ("saveMine" in button.dataset) {
      send(path);
    } else if ("keepTheirs" in button.dataset) {
      const control = controls().find((each) => pathOf(each) === path && (each.type !== "radio" || each.value === button.dataset.keepTheirs));
      if (control && control.type === "radio") control.checked = true;
      else if (control) control.value = button.dataset.keepTheirs;
      send(path);
    } else if (button.dataset.confirm) {
      const why = button.closest(".confirm").querySelector("[data-confirm-why]").value;
      send(path, { confirm: button.dataset.confirm, why });
    }
  });

  form.addEventListener("submit", async (event) => {
    // A completed page is saved first, value by value, so that one bad value does not hold back the others.
    if (leaving || !(waiting.size || inFlight)) return;
    event.preventDefault();
    const button = event.submitter;
    await saveAll();
    if (waiting.size) return;
    leaving = true;
    form.requestSubmit(button);
  });

  // A link to the form beside this one: what was typed here is saved first, and what cannot be saved keeps the page.
  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a[data-after-saving]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    await saveAll();
    if (waiting.size) form.scrollIntoView();
    else location.assign(link.href);
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey && event.key === "s") {
      event.preventDefault();
      document.activeElement?.dispatchEvent(new Event("change", { bubbles: true }));
      saveAll();
    } else if (event.ctrlKey && event.key === "Enter") {
      event.preventDefault();
      document.activeElement?.dispatchEvent(new Event("change", { bubbles: true }));
      document.getElementById("complete")?.click();
    } else if (event.altKey && event.key.toLowerCase() === "n" && document.activeElement?.name?.startsWith("value:")) {
      event.preventDefault();
      askWhyBlank(pathOf(document.activeElement));
    } else if (event.altKey && event.key.toLowerCase() === "h") {
      const link = document.activeElement?.closest("[data-field]")?.querySelector(".history-link");
      if (link) {
        event.preventDefault();
        location.assign(link.href);
      }
    } else if (event.key === "Enter" && document.activeElement?.closest(".entry-grid")) {
      event.preventDefault();
      nextInColumn(document.activeElement);
    }
  });

  function nextInColumn(control) {
    const cell = control.closest("td");
    const next = cell.closest("tr").nextElementSibling?.children[cell.cellIndex];
    (next?.querySelector("input:not([type=hidden]), select") || document.getElementById("complete"))?.focus();
  }

  function askWhyBlank(path) {
    const holder = feedbackAt(path);
    if (!holder || holder.querySelector("[data-blank]")) return;
    const list = document.createElement("span");
    list.className = "reasons";
    for (const why of ["Not done", "Refused", "Not available", "Unknown"]) {
      const button = document.createElement("button");
      Object.assign(button, { type: "button", className: "btn btn-sm btn-quiet", textContent: why });
      button.dataset.blank = why;
      button.addEventListener("click", () => send(path, { blank_reason: why }));
      list.append(button);
    }
    holder.append(list);
    list.firstChild.focus();
  }

  // A pasted column fills down the grid, from the cell where it was pasted.
  form.addEventListener("paste", (event) => {
    const cell = event.target.closest?.(".entry-grid td");
    const rows = event.clipboardData.getData("text").trim().split(/\r?\n/);
    if (!cell || rows.length < 2) return;
    event.preventDefault();
    let row = cell.closest("tr");
    for (const text of rows) {
      const control = row?.children[cell.cellIndex]?.querySelector("input:not([type=hidden]), select");
      if (!control) break;
      control.value = text.trim();
      control.dispatchEvent(new Event("change", { bubbles: true }));
      row = row.nextElementSibling;
    }
  });

  window.addEventListener("beforeunload", (event) => {
    if (waiting.size || inFlight) event.preventDefault();
  });
  document.addEventListener("signedInAgain", retry);
  document.getElementById("problem-summary")?.focus();
})();
