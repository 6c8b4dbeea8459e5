// A plot is one tab stop: the arrow keys, Home and End go from mark to mark. Without this script every mark is a stop.
"use strict";

for (const region of document.querySelectorAll("[data-plot]")) {
  const marks = [...region.querySelectorAll("svg a")];
  if (!marks.length) continue;
  const stopAt = (chosen) => {
    for (const mark of marks) mark.setAttribute("tabindex", mark === chosen ? "0" : "-1");
  };
  stopAt(marks[0]);
  region.removeAttribute("tabindex"); // the marks scroll it now
  region.addEventListener("focusin", (event) => {
    const mark = event.target.closest("svg a");
    if (mark) stopAt(mark);
  });
  region.addEventListener("keydown", (event) => {
    const at = marks.indexOf(document.activeElement);
    if (at < 0 || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const steps = { ArrowLeft: at - 1, ArrowUp: at - 1, ArrowRight: at + 1, ArrowDown: at + 1, Home: 0, End: marks.length - 1 };
    if (!(event.key in steps)) return;
    event.preventDefault();
    marks[Math.max(0, Math.min(marks.length - 1, steps[event.key]))].focus();
  });
}
