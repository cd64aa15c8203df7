// The desk's own behaviour: dialogs, the slash that searches, choosing a customer, copying a link. No inline script.
"use strict";

(() => {
  const asked = { "HX-Request": "true" };
  let busy = false;

  const box = () => {
    let dialog = document.getElementById("desk-dialog");
    if (!dialog) {
      dialog = document.createElement("dialog");
      dialog.id = "desk-dialog";
      dialog.className = "desk-dialog";
      document.body.append(dialog);
      dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
      dialog.addEventListener("close", () => dialog.replaceChildren());
    }
    return dialog;
  };

  const show = async (response) => {
    const onward = response.headers.get("HX-Redirect");
    if (onward) {
      location.assign(onward);
      return;
    }
    if (response.redirected || !response.ok) {
      location.reload();
      return;
    }
    const dialog = box();
    dialog.innerHTML = await response.text();
    if (!dialog.open) dialog.showModal();
    const wrong = dialog.querySelector(".field--wrong input, .field--wrong textarea, .field--wrong select");
    const first = wrong || dialog.querySelector("[data-copy-from], .field input, .field select, .field textarea");
    if (first) first.focus();
    if (first && first.matches("[data-copy-from]")) first.select();
  };

  const fetched = async (url, options = {}) => {
    const headers = { ...asked, "HX-Current-URL": location.href };
    return fetch(url, { credentials: "same-origin", ...options, headers });
  };

  document.addEventListener("click", async (event) => {
    const link = event.target.closest("a[data-dialog]");
    if (link && event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey) {
      event.preventDefault();
      if (busy) return;
      busy = true;
      try {
        await show(await fetched(link.href));
      } finally {
        busy = false;
      }
      return;
    }
    const close = event.target.closest("[data-close]");
    if (close && close.closest("dialog")) {
      event.preventDefault();
      close.closest("dialog").close();
      return;
    }
    if (event.target.closest("[data-copy]")) {
      const place = event.target.closest("[data-copy-place], dialog") || document;
      const field = place.querySelector("[data-copy-from]");
      field.select();
      try {
        await navigator.clipboard.writeText(field.value);
      } catch {
        document.execCommand("copy");
      }
      event.target.closest("[data-copy]").textContent = "Copied";
    }
  });

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (form.matches("[data-pick]")) {
      event.preventDefault();
      pick(form);
      return;
    }
    if (!form.matches("[data-once]")) return;
    if (form.dataset.pressed) {
      event.preventDefault();
      return;
    }
    form.dataset.pressed = "yes";
    const button = form.querySelector("button[type=submit]");
    if (!form.closest("dialog")) {
      setTimeout(() => (button.disabled = true));
      return;
    }
    event.preventDefault();
    const body = new FormData(form);
    button.disabled = true;
    try {
      await show(await fetched(form.action, { method: "POST", body }));
    } catch {
      delete form.dataset.pressed;
      button.disabled = false;
      form.insertAdjacentHTML("afterbegin", '<p class="trouble" role="alert">The desk did not answer. Press again: nothing is done twice.</p>');
    }
  });

  const pick = async (form) => {
    const query = new URLSearchParams(new FormData(form));
    const place = form.querySelector("[data-picked]");
    if ((query.get("q") || "").trim().length < 2) {
      place.replaceChildren();
      return;
    }
    const response = await fetched(`${form.getAttribute("action")}?${query}`);
    if (response.ok) place.innerHTML = await response.text();
  };

  let waiting;
  document.addEventListener("input", (event) => {
    const form = event.target.closest("[data-pick]");
    if (!form) return;
    clearTimeout(waiting);
    waiting = setTimeout(() => pick(form), 200);
  });

  // The admin below would write a chosen file's name into the first text field of the dialog.
  document.addEventListener(
    "change",
    (event) => event.target.matches(".ask input[type=file]") && event.stopImmediatePropagation(),
    true,
  );

  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.metaKey || event.ctrlKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, [contenteditable]") || document.querySelector("dialog[open]")) return;
    const search = document.getElementById("desk-search");
    if (!search) return;
    event.preventDefault();
    search.focus();
    search.select();
  });
})();
