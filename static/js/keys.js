// Keys of a single letter or sign. They are told to the page's own scripts as `letterKey` events, and only when they can
// be meant: nobody is typing, no dialog is open, and the person has not switched them off. Preventing the default of the
// event prevents that of the key. Here: / goes to the search box, ? shows the list of keys.
"use strict";
(() => {
  const typing = (element) => element?.closest?.("input:not([type=checkbox]), textarea, select, [contenteditable]");
  const link = document.getElementById("key-list");

  document.addEventListener("keydown", (event) => {
    if (event.key.length !== 1 || event.ctrlKey || event.altKey || event.metaKey) return;
    if (!("letterKeys" in document.body.dataset) || typing(event.target) || document.querySelector("dialog[open]")) return;
    const pressed = new CustomEvent("letterKey", { bubbles: true, cancelable: true, detail: { key: event.key } });
    if (!event.target.dispatchEvent(pressed)) event.preventDefault();
  });

  document.addEventListener("letterKey", (event) => {
    const { key } = event.detail;
    const box = document.getElementById("search-box");
    if (key === "/" && box) {
      event.preventDefault();
      box.focus();
      box.select();
    } else if (key === "?" && link) {
      event.preventDefault();
      showList();
    }
  });

  // Keys that stand for a link of the page; with Alt they can be pressed while typing.
  const LINKS = { a: "new-event", pageup: "form-before", pagedown: "form-after" };
  document.addEventListener("keydown", (event) => {
    if (!event.altKey || event.ctrlKey || event.metaKey || document.querySelector("dialog[open]")) return;
    const target = document.getElementById(LINKS[event.key.toLowerCase()] ?? "");
    if (!target) return;
    event.preventDefault();
    target.click();
  });

  link?.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || link.hasAttribute("aria-current")) return;
    event.preventDefault();
    showList();
  });

  async function showList() {
    const asked = fetch(link.href, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
    const answer = await asked.catch(() => ({ ok: false }));
    if (answer.status === 401) document.dispatchEvent(new CustomEvent("signInNeeded"));
    else if (!answer.ok) location.assign(link.href);
    if (!answer.ok || document.querySelector("dialog[open]")) return;
    const dialog = document.createElement("dialog");
    dialog.className = "key-list";
    dialog.setAttribute("aria-labelledby", "key-list-title");
    const head = document.createElement("div");
    head.className = "page-head";
    const title = document.createElement("h2");
    Object.assign(title, { id: "key-list-title", textContent: "Keys" });
    const close = document.createElement("button");
    Object.assign(close, { type: "button", className: "btn btn-quiet", textContent: "Close" });
    close.addEventListener("click", () => dialog.close());
    head.append(title, close);
    const choice = document.createElement("a");
    Object.assign(choice, { href: `${link.href}#own-choice`, textContent: "Switch single letters and signs on or off" });
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    dialog.append(head, ...fresh.body.childNodes, choice);
    dialog.addEventListener("close", () => dialog.remove());
    document.body.append(dialog);
    dialog.showModal();
  }
})();
