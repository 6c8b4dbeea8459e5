// The search box: arrow keys through the hits that htmx fetched below it, Escape to close them. Enter opens the link in
// focus by itself. Without this script the box leads to a page with the same hits.
"use strict";
(() => {
  const box = document.getElementById("search-box");
  const hits = document.getElementById("search-hits");
  const told = document.getElementById("search-told");
  if (!box || !hits) return;
  const isHere = () => box.form.contains(document.activeElement);
  const stops = () => (hits.hidden ? [box] : [box, ...hits.querySelectorAll("a")]);

  new MutationObserver(() => {
    hits.hidden = !isHere();
    told.textContent = hits.hidden ? "" : (hits.querySelector("[data-told]")?.textContent ?? "");
  }).observe(hits, { childList: true });

  box.form.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const all = stops();
      const next = all[all.indexOf(document.activeElement) + (event.key === "ArrowDown" ? 1 : -1)];
      if (document.activeElement === box && !next) return;
      event.preventDefault();
      next?.focus();
    } else if (event.key === "Escape" && hits.childElementCount && !hits.hidden) {
      event.preventDefault();
      box.focus();
      hits.hidden = true;
    }
  });
  box.addEventListener("focus", () => (hits.hidden = false));
  box.form.addEventListener("focusout", (event) => {
    if (!box.form.contains(event.relatedTarget)) hits.hidden = true;
  });
  hits.addEventListener("mousedown", (event) => event.preventDefault()); // the box keeps the focus until the click
})();
