// A session that ended: the sign-in page opens in a dialog over the page, so that what was typed stays on the screen.
"use strict";
(() => {
  let dialog = null;
  document.addEventListener("signInNeeded", () => {
    if (dialog) return;
    dialog = document.createElement("dialog");
    dialog.className = "sign-in-again";
    const words = document.createElement("p");
    words.textContent = "Your session ended. Sign in again; what you typed is still here.";
    const link = document.createElement("a");
    Object.assign(link, { href: "/sign-in/?next=/signed-in/", target: "_blank", className: "btn btn-primary", textContent: "Sign in" });
    const done = document.createElement("button");
    Object.assign(done, { type: "button", className: "btn btn-quiet", textContent: "I have signed in: save again" });
    done.addEventListener("click", () => {
      dialog.close();
      dialog.remove();
      dialog = null;
      document.dispatchEvent(new CustomEvent("signedInAgain"));
    });
    dialog.append(words, link, done);
    document.body.append(dialog);
    dialog.showModal();
  });
})();
