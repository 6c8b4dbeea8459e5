// My work keeps itself fresh: the page asks for its blocks once a minute while somebody can see it. Only a block that
// changed is exchanged, and the focus stays where it was. Asking is no sign of life: it does not keep the session.
"use strict";
(() => {
  const work = document.getElementById("work");
  const asOf = document.getElementById("as-of");
  if (!work || !asOf) return;

  const EVERY_MS = 60_000;
  const said = asOf.querySelector("span");
  const pause = asOf.querySelector("button");
  const nameOf = (element) => element.getAttribute("href") || element.getAttribute("aria-label");
  const reachable = (block) => [...block.querySelectorAll("a[href], [tabindex]")];
  let freshAt = Date.now();
  let isPaused = false;
  let hasEnded = false;
  let isAsking = false;

  function say() {
    const clock = new Date(freshAt).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
    said.textContent = isPaused ? `As of ${clock}, updates paused` : `As of ${clock}, updated each minute`;
    asOf.hidden = false;
  }

  function exchange(block, fresh) {
    if (block.isEqualNode(fresh)) return;
    const focused = block.contains(document.activeElement) ? nameOf(document.activeElement) : null;
    const next = focused && reachable(fresh).find((each) => nameOf(each) === focused);
    if (focused && !next) return; // what somebody is at stays until they have left it
    const across = block.querySelector(".grid-scroll")?.scrollLeft;
    block.replaceWith(fresh);
    if (across) fresh.querySelector(".grid-scroll")?.scrollTo(across, 0);
    next?.focus({ preventScroll: true });
  }

  async function refresh() {
    if (isAsking) return;
    isAsking = true;
    try {
      const answer = await fetch(location.href, {
        headers: { "HX-Request": "true", "X-Unattended": "yes" },
        credentials: "same-origin",
        redirect: "manual",
      });
      if (answer.status === 401) {
        hasEnded = true;
        document.dispatchEvent(new CustomEvent("signInNeeded"));
      }
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = [...page.querySelectorAll("#work > *")];
      const shown = [...work.children];
      if (fresh.length === shown.length) shown.forEach((block, at) => exchange(block, fresh[at]));
      freshAt = Date.now();
      say();
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // no connection just now: the next minute asks again
    } finally {
      isAsking = false;
    }
  }

  const isDue = () => !document.hidden && !isPaused && !hasEnded && Date.now() - freshAt >= EVERY_MS;
  setInterval(() => isDue() && refresh(), 1_000);
  document.addEventListener("visibilitychange", () => isDue() && refresh());
  document.addEventListener("signedInAgain", () => (hasEnded = false));
  pause.addEventListener("click", () => {
    isPaused = !isPaused;
    pause.setAttribute("aria-pressed", String(isPaused));
    say();
  });
  say();
})();
