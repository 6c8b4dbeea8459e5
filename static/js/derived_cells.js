// The derived cells of an entry grid (range and grade of a result, sums of a scan) follow what each save answers in
// #derived: a cell there is copied into the cell of the same name in the form.
"use strict";
(() => {
  const derived = document.getElementById("derived");
  const form = document.getElementById("entry");
  if (!derived || !form) return;
  new MutationObserver(() => {
    for (const fresh of derived.querySelectorAll("[data-cell]")) {
      const shown = form.querySelector(`[data-cell="${CSS.escape(fresh.dataset.cell)}"]`);
      if (shown && shown.innerHTML !== fresh.innerHTML) shown.replaceChildren(...fresh.cloneNode(true).childNodes);
    }
  }).observe(derived, { childList: true });
})();
