// The session: a warning two minutes before it ends, one key to stay, and - once it has ended - signing in again in a
// second tab, so that what was typed stays on this screen.
"use strict";
(() => {
  const WARNING_SECONDS = 120;
  const idleSeconds = 60 * Number(document.body.dataset.idleMinutes || 0);
  const cookie = (name) => document.cookie.split("; ").find((each) => each.startsWith(`${name}=`))?.split("=")[1] || "";
  let timer = null;
  let warning = null;
  let dialog = null;

  function countFromNow() {
    if (!idleSeconds) return;
    clearTimeout(timer);
    warning?.remove();
    warning = null;
    timer = setTimeout(warn, 1000 * Math.max(idleSeconds - WARNING_SECONDS, 5));
  }

  function warn() {
    warning = document.createElement("div");
    warning.className = "session-warning";
    warning.setAttribute("role", "alert");
    const words = document.createElement("span");
    words.textContent = "Your session ends in 2 minutes. ";
    const stay = button("Stay signed in", () =>
      fetch("/stay/", { method: "POST", headers: { "X-CSRFToken": cookie("csrftoken") } }).then((answer) =>
        answer.ok ? countFromNow() : ended(),
      ),
    );
    warning.append(words, stay);
    document.body.append(warning);
    stay.focus();
  }

  function button(words, act) {
    const made = document.createElement("button");
    Object.assign(made, { type: "button", className: "btn btn-quiet", textContent: words });
    made.addEventListener("click", act);
    return made;
  }

  function ended() {
    warning?.remove();
    if (dialog) return;
    dialog = document.createElement("dialog");
    dialog.className = "sign-in-again";
    const words = document.createElement("p");
    words.textContent = "Your session ended. Sign in again; what you typed is still here.";
    const link = document.createElement("a");
    Object.assign(link, { href: "/sign-in/?next=/signed-in/", target: "_blank", className: "btn btn-primary", textContent: "Sign in" });
    const done = button("I have signed in: save again", () => {
      dialog.close();
      dialog.remove();
      dialog = null;
      // Signing in gives a new token; the forms of this page learn it.
      for (const field of document.querySelectorAll("[name=csrfmiddlewaretoken]")) field.value = cookie("csrftoken");
      countFromNow();
      document.dispatchEvent(new CustomEvent("signedInAgain"));
    });
    dialog.append(words, link, " ", done);
    document.body.append(dialog);
    dialog.showModal();
  }

  document.addEventListener("signInNeeded", ended);
  document.addEventListener("requestAnswered", countFromNow);
  countFromNow();
})();
