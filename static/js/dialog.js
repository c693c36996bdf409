/* Dialogs: opened by data-dialog, closed by data-close, asked by data-confirm; focus comes back. */

export const start = (app) => {
  const { element, icon } = app;
  const TEXTS = app.english
    ? { sure: "Please confirm", cancel: "Cancel", go: "Continue", type: "Type this to confirm:", close: "Close", drop: "Discard what you have entered?", discard: "Discard" }
    : { sure: "Bitte bestätigen", cancel: "Abbrechen", go: "Fortfahren", type: "Zum Bestätigen eingeben:", close: "Schließen", drop: "Ihre Eingaben verwerfen?", discard: "Verwerfen" };
  const openers = new WeakMap();
  let opener = null;
  let slotOpener = null; // outlives the answers that replace the dialog in the slot

  const show = (dialog) => {
    if (dialog.open) return;
    openers.set(dialog, dialog.closest("#dialog-slot") ? slotOpener : (opener ?? document.activeElement));
    opener = null;
    const heading = dialog.querySelector("h1, h2");
    if (heading && !dialog.hasAttribute("aria-label")) {
      heading.id ||= `dialog-${Math.random().toString(36).slice(2, 8)}`;
      dialog.setAttribute("aria-labelledby", heading.id);
    }
    dialog.showModal();
    const first =
      dialog.querySelector("[data-errors], [autofocus], [data-autofocus]") ??
      dialog.querySelector(".dialog-body :is(input:not([type=hidden]), select, textarea):not(:disabled)");
    first?.focus();
  };

  const topmost = () => [...document.querySelectorAll("dialog:modal")].at(-1);

  const head = (title) =>
    element("div", { className: "dialog-head" }, element("h2", {}, title),
      element("button", { type: "button", className: "btn quiet icon-only", "data-close": "", "aria-label": TEXTS.close }, icon("x")));

  /** Shows a dialog made on the spot; gone when closed. */
  const showOwn = (title, size, ...content) => {
    const dialog = element("dialog", { className: size, "data-own": "" }, head(title), ...content);
    document.body.append(dialog);
    show(dialog);
    return dialog;
  };

  /** Asks a question; resolves to true when it was answered with yes. */
  const ask = ({ question, action, typed, danger = true }) =>
    new Promise((resolve) => {
      const yes = element("button", { type: "button", className: `btn ${danger ? "danger solid" : "primary"}` }, action || TEXTS.go);
      const no = element("button", { type: "button", className: "btn", "data-close": "", "data-autofocus": "" }, TEXTS.cancel);
      const body = element("div", { className: "dialog-body" }, element("p", {}, question));
      if (typed) {
        const field = element("input", { type: "text", autocomplete: "off", "data-autofocus": "" });
        field.addEventListener("input", () => (yes.disabled = field.value.trim() !== typed));
        body.append(element("label", { className: "field" }, element("span", {}, TEXTS.type, " ", element("strong", {}, typed)), field));
        yes.disabled = true;
      }
      let answer = false;
      const dialog = showOwn(TEXTS.sure, "small", body, element("div", { className: "dialog-foot" }, no, yes));
      yes.addEventListener("click", () => {
        answer = true;
        dialog.close();
      });
      dialog.addEventListener("close", () => resolve(answer));
    });

  const askBeforeClosing = async (dialog) => {
    if (!dialog.dataset.edited || (await ask({ question: TEXTS.drop, action: TEXTS.discard }))) dialog.close();
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-dialog]");
    if (link && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      opener = link;
      const where = link.dataset.dialog || link.getAttribute("href");
      if (where.startsWith("#")) {
        show(document.querySelector(where));
      } else {
        slotOpener = link;
        window.htmx.ajax("GET", where, { target: "#dialog-slot", swap: "innerHTML" });
      }
      return;
    }
    const close = event.target.closest("dialog [data-close]");
    if (close) askBeforeClosing(close.closest("dialog"));
  });

  // Before htmx and forms see it; the second click, after the yes, passes.
  document.addEventListener(
    "click",
    async (event) => {
      const button = event.target.closest("[data-confirm]");
      if (!button || button.disabled) return;
      if (button.dataset.confirmed) {
        delete button.dataset.confirmed;
        return;
      }
      event.preventDefault();
      event.stopImmediatePropagation();
      const { confirm, confirmAction, confirmType } = button.dataset;
      if (!(await ask({ question: confirm, action: confirmAction || button.textContent.trim(), typed: confirmType }))) return;
      button.dataset.confirmed = "1";
      button.click();
    },
    true,
  );
  document.addEventListener("htmx:confirm", async (event) => {
    if (!event.detail.question) return;
    event.preventDefault();
    if (await ask({ question: event.detail.question })) event.detail.issueRequest(true);
  });

  const showNew = () => document.querySelectorAll("#dialog-slot dialog:not([open])").forEach(show);
  document.addEventListener("htmx:afterSettle", showNew);
  document.addEventListener("closeDialog", () => topmost()?.close());
  document.addEventListener("input", (event) => {
    const dialog = event.target.closest?.("dialog:not([data-own])");
    if (dialog && event.isTrusted) dialog.dataset.edited = "1";
  });
  document.addEventListener(
    "cancel",
    (event) => {
      if (!event.target.matches("dialog[data-edited]")) return;
      event.preventDefault();
      askBeforeClosing(event.target);
    },
    true,
  );
  document.addEventListener(
    "close",
    (event) => {
      const dialog = event.target;
      if (!dialog.matches?.("dialog")) return;
      delete dialog.dataset.edited;
      const back = openers.get(dialog);
      if (dialog.matches("[data-own], #dialog-slot dialog")) dialog.remove();
      const target = back?.isConnected && back !== document.body ? back : document.getElementById("main");
      if (!topmost() || topmost().contains(target)) target?.focus();
    },
    true,
  );
  document.querySelectorAll("dialog[data-open]").forEach(show);
  return { ask, show, showOwn };
};
