// The matrix: Escape puts away the word beside a cell, which may lie over other cells, until the next cell.
"use strict";

addEventListener("keydown", (event) => {
  if (event.key === "Escape") document.querySelector(".matrix-scroll")?.classList.add("words-away");
});
for (const arrival of ["focusin", "pointerover"]) {
  addEventListener(arrival, (event) => {
    if (event.target.closest?.(".cell")) event.target.closest(".matrix-scroll").classList.remove("words-away");
  });
}
