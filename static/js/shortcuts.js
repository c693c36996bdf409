/* Keys: elements say which one clicks them (data-key, data-go); lists move by j and k; ? shows all. */

const isTyping = (target) => target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable=true]");
const isVisible = (found) => found.checkVisibility?.() ?? found.offsetParent !== null;
const inReach = (selector) => {
  const dialog = [...document.querySelectorAll("dialog:modal")].at(-1);
  return [...(dialog ?? document).querySelectorAll(selector)].filter((found) => !found.disabled && (isVisible(found) || found.matches("[data-go]")));
};

export const start = (app) => {
  const { element } = app;
  const TEXTS = app.english
    ? { keys: "Keyboard shortcuts", commands: "Go to or do …", none: "Nothing found", help: "Show keys", palette: "Commands", move: "Next / previous entry", open: "Open entry", mark: "Mark entry", send: "Send", template: "Insert template (in the text)", ctrl: "Ctrl" }
    : { keys: "Tastenkürzel", commands: "Gehe zu oder tue …", none: "Nichts gefunden", help: "Tasten anzeigen", palette: "Befehle", move: "Nächster / voriger Eintrag", open: "Eintrag öffnen", mark: "Eintrag markieren", send: "Senden", template: "Vorlage einfügen (im Text)", ctrl: "Strg" };
  const single = document.documentElement.dataset.shortcuts !== "off";
  let pending = "";

  const label = (found) =>
    found.dataset.keyLabel || found.getAttribute("aria-label") || found.querySelector(".nav-label")?.textContent || found.placeholder || found.textContent.trim();

  const use = (found) => {
    if (found.matches("input:not([type=checkbox], [type=radio], [type=submit]), textarea, select")) {
      found.focus();
      found.select?.();
    } else {
      found.closest("details.menu")?.setAttribute("open", "");
      found.click();
    }
  };

  const keyLine = (keys, text) =>
    element("li", {}, element("span", { className: "keys" }, ...keys.flatMap((key) => [element("kbd", {}, key), " "])), text);

  const showHelp = async () => {
    const dialogs = await app.dialogs;
    if (document.querySelector("dialog[data-help]")) return;
    const lines = [keyLine(["?"], TEXTS.help), keyLine([TEXTS.ctrl, "K"], TEXTS.palette)];
    if (document.querySelector("[data-list]")) lines.push(keyLine(["j", "k"], TEXTS.move), keyLine(["↵"], TEXTS.open), keyLine(["x"], TEXTS.mark));
    lines.push(...inReach("[data-key]").map((found) => keyLine([found.dataset.key], label(found))));
    lines.push(...inReach("[data-go]").map((found) => keyLine(["g", found.dataset.go], label(found))));
    lines.push(keyLine([TEXTS.ctrl, "↵"], TEXTS.send), keyLine(["::"], TEXTS.template));
    const list = element("ul", { className: "key-list" }, ...lines);
    dialogs.showOwn(TEXTS.keys, "", element("div", { className: "dialog-body" }, list)).dataset.help = "1";
  };

  const showCommands = async () => {
    const dialogs = await app.dialogs;
    if (document.querySelector("dialog:modal")) return;
    const targets = [...inReach("[data-key]:not(input)"), ...document.querySelectorAll(".nav-groups .nav-item"), ...document.querySelectorAll("[data-command]")];
    const field = element("input", { type: "search", placeholder: TEXTS.commands, "aria-label": TEXTS.commands, autocomplete: "off" });
    const list = element("ul", { className: "commands" });
    const dialog = dialogs.showOwn(TEXTS.palette, "", element("div", { className: "dialog-body" }, field, list));
    const pick = (found) => {
      dialog.close();
      use(found);
    };
    const fill = () => {
      const wanted = field.value.toLowerCase().trim();
      const fitting = targets.filter((found) => label(found).toLowerCase().includes(wanted));
      list.replaceChildren(
        ...fitting.map((found) => {
          const button = element("button", { type: "button", className: "menu-item" }, label(found));
          const keys = found.dataset.go ? `g ${found.dataset.go}` : found.dataset.key;
          if (keys) button.append(element("kbd", { className: "push" }, keys));
          button.addEventListener("click", () => pick(found));
          return element("li", {}, button);
        }),
      );
      if (!fitting.length) list.append(element("li", { className: "muted" }, TEXTS.none));
    };
    field.addEventListener("input", fill);
    dialog.addEventListener("keydown", (event) => {
      const buttons = [field, ...list.querySelectorAll("button")];
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) {
        event.preventDefault();
        buttons.at((buttons.indexOf(document.activeElement) + step) % buttons.length)?.focus();
      } else if (event.key === "Enter" && event.target === field) {
        event.preventDefault();
        buttons[1]?.click();
      }
    });
    fill();
    field.focus();
  };

  /** Moves the cursor of the page's list; the row under it keeps its place in view. */
  const move = (step) => {
    const rows = [...document.querySelectorAll("[data-list] .row")];
    if (!rows.length) return;
    const at = rows.findIndex((row) => row.matches(".cursor"));
    const from = at >= 0 ? at : rows.findIndex((row) => row.matches("[aria-current]"));
    const next = rows[Math.min(rows.length - 1, Math.max(0, from + step))];
    rows.forEach((row) => row.classList.toggle("cursor", row === next));
    next.scrollIntoView({ block: "nearest" });
    next.querySelector(".row-main")?.focus({ preventScroll: true });
  };

  const inList = {
    j: () => move(1),
    k: () => move(-1),
    x: () => document.querySelector("[data-list] .row.cursor .row-check")?.click(),
    Enter: () => document.querySelector("[data-list] .row.cursor .row-main")?.click(),
  };

  const sendByCtrlEnter = (event) => {
    const form = event.target.closest?.("form[data-key-send]");
    if (!form) return;
    event.preventDefault();
    event.stopPropagation();
    (form.querySelector("button.primary:not(:disabled)") ?? form.querySelector("button:not([type=button])"))?.click();
  };

  const useKey = (key) => {
    if (pending) {
      pending = "";
      const target = inReach("[data-go]").find((found) => found.dataset.go === key);
      if (target) return () => target.click();
    }
    if (key === "?") return showHelp;
    const target = inReach("[data-key]").find((found) => found.dataset.key === key);
    if (target) return () => use(target);
    if (key === "g" && document.querySelector("[data-go]")) {
      return () => {
        pending = "g";
        setTimeout(() => (pending = ""), 1500);
      };
    }
    return document.querySelector("[data-list]") && !document.querySelector("dialog:modal") ? inList[key] : null;
  };

  document.addEventListener(
    "keydown",
    (event) => {
      const ctrl = event.ctrlKey || event.metaKey;
      if (ctrl && event.key === "Enter") sendByCtrlEnter(event);
      if (ctrl && event.key.toLowerCase() === "k" && !isTyping(event.target)) {
        event.preventDefault();
        showCommands();
      }
      if (!single || ctrl || event.altKey || event.isComposing || isTyping(event.target)) return;
      if (event.key === "Enter" && event.target !== document.body) return;
      const action = useKey(event.key);
      if (!action) return;
      event.preventDefault();
      action();
    },
    true,
  );
  document.addEventListener("click", (event) => event.target.closest("[data-shortcut-help]") && showHelp());
  document.documentElement.dataset.keys = ""; // keys do something from here on
};
