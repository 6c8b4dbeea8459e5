// The safety place: terms while typing, fields that only some answers need, keys of the listing. All works without it.
"use strict";
(() => {
  const entry = document.getElementById("entry");
  const terms = document.getElementById("ctcae-terms");

  // Terms of the protocol's dictionary, looked up while somebody types.
  const termField = entry?.querySelector("[data-terms]");
  let asked = "";
  termField?.addEventListener("input", async () => {
    const text = termField.value.trim();
    if (text.length < 2 || text === asked) return;
    asked = text;
    const answer = await fetch(`${terms.dataset.source}?q=${encodeURIComponent(text)}`, { credentials: "same-origin" });
    if (!answer.ok || asked !== text) return;
    const found = (await answer.json()).terms;
    terms.replaceChildren(
      ...found.map((term) => {
        const option = document.createElement("option");
        option.value = term.name;
        option.label = `${term.soc}, grades ${term.grades.join(", ")}`;
        return option;
      }),
    );
  });

  // Fields that only one answer asks for stay away until it is given, unless they hold a value.
  const seriousness = [
    "site_aware_at", "results_in_death", "is_life_threatening", "needs_hospital", "disables", "is_congenital", "is_other_important",
  ];
  const askedBy = { ended: ["is_ongoing", "False"], treatment: ["was_treated", "True"] };
  for (const path of seriousness) askedBy[path] = ["is_serious", "True"];
  const answerAt = (path) => entry.querySelector(`[name="value:${path}"]:checked`)?.value ?? "";
  const holds = (field) =>
    [...field.querySelectorAll("[name^='value:']")].some((each) => (each.type === "radio" ? each.checked : each.value));
  const fold = () => {
    for (const [path, [question, wanted]] of Object.entries(askedBy)) {
      const field = entry.querySelector(`[data-field="${path}"]`);
      const isAsked = entry.querySelector(`[name="value:${question}"]`); // where nobody may enter, everything is shown
      if (field && isAsked) field.hidden = answerAt(question) !== wanted && !holds(field) && !field.classList.contains("has-problem");
    }
  };
  if (entry) {
    entry.addEventListener("change", fold);
    fold();
  }

  // The listing: r marks the row and goes down, q asks about the cell in focus.
  const rows = [...document.querySelectorAll("tr[data-row]")];
  document.addEventListener("letterKey", (event) => {
    const { key } = event.detail;
    const row = event.target.closest("tr[data-row]");
    if (!row) return;
    if (key === "r") {
      const box = row.querySelector("[name=record]");
      if (!box) return;
      box.checked = true;
      rows[rows.indexOf(row) + 1]?.querySelector("[name=record]")?.focus();
    } else if (key === "q") {
      const link = row.querySelector(".query-link");
      if (link) askAbout(link, event.target.closest("td[data-path]")?.dataset.path ?? "");
    }
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest(".query-link");
    if (!link) return;
    event.preventDefault();
    askAbout(link, link.closest("td[data-path]")?.dataset.path ?? "");
  });

  // The question stands beside the listing; closing it brings the reader back to the row that was asked about.
  const side = document.getElementById("side");
  let asking = null;
  const closeSide = () => {
    side.replaceChildren();
    asking?.focus();
    asking = null;
  };
  side?.addEventListener("click", (event) => {
    if (event.target.closest("[data-close-side]")) closeSide();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && asking) closeSide();
  });

  async function askAbout(link, path) {
    asking = document.activeElement === document.body ? link : document.activeElement;
    const address = `${link.href}&path=${encodeURIComponent(path)}`;
    const answer = await fetch(address, { headers: { "HX-Request": "true" }, credentials: "same-origin" });
    if (!answer.ok) {
      window.location = address;
      return;
    }
    const form = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("query");
    side.replaceChildren(form);
    form.querySelector("[data-close-side]").hidden = false;
    form.querySelector("textarea").focus();
  }
})();
