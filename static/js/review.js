// Keys of review: v verifies a form, Shift+V its visit, Alt+Q goes to the next open query, Ctrl+Enter sends an answer.
// Every one of them presses a button that is on the page anyway.
"use strict";
(() => {
  if (window.trialsiteReviewKeys) return; // the panel and the page may both name this script
  window.trialsiteReviewKeys = true;

  const row = () => document.activeElement?.closest?.("[data-row]") || document.querySelector("[data-row]");
  const openQueries = () => [...document.querySelectorAll(".query-thread[data-state=open]")];

  function nextQuery(from) {
    const all = openQueries();
    if (!all.length) return;
    const next = all[(all.indexOf(from) + 1) % all.length];
    next.open = true;
    (next.querySelector("textarea") || next.querySelector("summary")).focus();
  }

  document.addEventListener("keydown", (event) => {
    const answer = event.target.closest?.("[data-answer]");
    if (event.ctrlKey && event.key === "Enter" && answer) {
      event.preventDefault();
      event.stopImmediatePropagation();
      answer.closest(".query-thread").querySelector("button[name=act]")?.click();
    } else if (event.altKey && event.key.toLowerCase() === "q") {
      event.preventDefault();
      nextQuery(document.activeElement?.closest?.(".query-thread"));
    }
  }, true);

  document.addEventListener("letterKey", (event) => {
    const { key } = event.detail;
    if (key === "v") (document.getElementById("verify-form") || row()?.querySelector("[data-key=v]"))?.click();
    if (key === "V") (document.getElementById("verify-visit") || row()?.querySelector("[data-key=V]"))?.click();
  });

  // How many forms a signature is about to cover, beside the words that are signed.
  const counted = document.querySelector("[data-chosen-count]");
  const boxes = [...document.querySelectorAll("#signing [name=record]")];
  const count = () => {
    if (counted) counted.textContent = `: ${boxes.filter((box) => box.checked).length} of ${boxes.length} on this page`;
  };
  for (const box of boxes) box.addEventListener("change", count);
  count();

  for (const button of document.querySelectorAll("[data-choose]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      for (const box of document.querySelectorAll(`[data-subject="${button.dataset.choose}"]`)) box.checked = true;
      count();
    });
  }
})();
