/* What every page does: CSRF header, busy state, toasts, focus, lost network; and the modules a page
   asks for. Each module exports start(app) and gets what it needs through `app`. */

// By name: the addresses in <meta name="assets" data-js-NAME="…">.
const assets = Object.fromEntries(
  Object.entries(document.querySelector('meta[name="assets"]').dataset).map(([key, url]) => [key.slice(2).toLowerCase(), url]),
);
const english = document.documentElement.lang.startsWith("en");
const TEXTS = english
  ? {
      offline: "No connection. Your input is kept; please try again.",
      failed: "That did not work. Your input is kept; please try again.",
      denied: "You do not have permission to do this.",
      gone: "This entry no longer exists.",
      large: "The files are too large.",
      close: "Close message",
      online: "Connected again.",
    }
  : {
      offline: "Keine Verbindung. Ihre Eingaben bleiben erhalten – bitte versuchen Sie es noch einmal.",
      failed: "Das hat nicht geklappt. Ihre Eingaben bleiben erhalten – bitte versuchen Sie es noch einmal.",
      denied: "Dafür fehlt Ihnen die Berechtigung.",
      gone: "Diesen Eintrag gibt es nicht mehr.",
      large: "Die Dateien sind zu groß.",
      close: "Meldung schließen",
      online: "Wieder verbunden.",
    };

const csrfToken = () => document.querySelector('meta[name="csrf-token"]')?.content ?? "";

/** An icon of the sprite as an element. */
const icon = (name) => {
  const holder = document.createElement("template");
  holder.innerHTML = `<svg class="icon" aria-hidden="true"><use href="${assets.icons}#${name}"></use></svg>`;
  return holder.content.firstChild;
};

/** Creates an element: properties, then children (strings become text). */
const element = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  for (const [name, value] of Object.entries(properties)) {
    if (name.includes("-")) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
};

/** Has screen readers say `text`. */
const say = (text) => {
  const status = document.getElementById("status");
  if (!status) return;
  status.textContent = "";
  setTimeout(() => (status.textContent = text), 50);
};

const ICONS = { ok: "check-circle", warn: "alert-triangle", err: "circle-alert" };

/** Shows a short message below left; errors stay until closed. */
const toast = (text, tone = "info") => {
  const shown = [...document.querySelectorAll("#toasts .toast > p")];
  if (shown.some((p) => p.textContent === text)) return;
  const close = element(
    "button",
    { type: "button", className: "btn quiet small icon-only", "data-toast-close": "", "aria-label": TEXTS.close },
    icon("x"),
  );
  const made = element("div", { className: `toast ${tone}`, "data-toast": "" });
  if (ICONS[tone]) made.append(icon(ICONS[tone]));
  made.append(element("p", {}, text), close);
  document.getElementById("toasts")?.append(made);
};

const app = { assets, english, csrfToken, icon, element, say, toast };

const watchToasts = () => {
  const region = document.getElementById("toasts");
  if (!region) return;
  const live = document.getElementById("live");
  const begin = (shown) => {
    if (shown.dataset.begun) return;
    shown.dataset.begun = "1";
    say(shown.querySelector("p").textContent);
    (document.querySelector("dialog:modal") ?? document.body).append(live);
    if (shown.matches(".err, .error") && !shown.dataset.seconds) return;
    let left = Number(shown.dataset.seconds || 7);
    const tick = setInterval(() => {
      const held = !shown.dataset.seconds && shown.matches(":hover, :focus-within");
      if (!shown.isConnected || (!held && --left <= 0)) {
        clearInterval(tick);
        shown.remove();
      }
    }, 1000);
  };
  const beginAll = () => region.querySelectorAll("[data-toast]").forEach(begin);
  new MutationObserver(beginAll).observe(region, { childList: true });
  beginAll();
  document.addEventListener("click", (event) => {
    event.target.closest("[data-toast-close]")?.closest("[data-toast]").remove();
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful) event.target.closest("[data-toast-undo]")?.closest("[data-toast]").remove();
  });
  document.addEventListener("close", () => document.body.append(live), true);
};

/** Is this answer the login page, that is: has the session ended? */
const isLogin = (xhr) =>
  xhr.status === 401 ||
  (assets.login && xhr.responseURL && new URL(xhr.responseURL).pathname === assets.login && location.pathname !== assets.login);

const watchRequests = () => {
  let running = 0;
  const busy = (change) => {
    running = Math.max(0, running + change);
    document.documentElement.classList.toggle("busy", running > 0);
  };
  const quiet = (event) => event.detail.elt?.matches?.("[data-poll]");
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.verb !== "get") event.detail.headers["X-CSRFToken"] = csrfToken();
  });
  document.addEventListener("htmx:beforeSend", (event) => {
    if (!quiet(event)) busy(1);
    event.detail.elt.querySelectorAll?.("button:not([type=button])").forEach(lock);
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (!quiet(event)) busy(-1);
    event.detail.elt.querySelectorAll?.("[data-locked]").forEach(unlock);
  });
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!isLogin(event.detail.xhr)) return;
    event.detail.shouldSwap = false;
    event.detail.isError = false;
    event.stopPropagation();
    if (!quiet(event)) need("session").then((session) => session.askForLogin());
  });
  document.addEventListener("htmx:responseError", (event) => {
    if (quiet(event) || isLogin(event.detail.xhr)) return;
    const { status } = event.detail.xhr;
    toast({ 403: TEXTS.denied, 404: TEXTS.gone, 413: TEXTS.large }[status] ?? TEXTS.failed, "err");
  });
  for (const name of ["htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(name, (event) => quiet(event) || toast(TEXTS.offline, "err"));
  }
  document.addEventListener("htmx:afterSettle", (event) => focusAfterSwap(event.detail.target ?? event.target));
};

/** After a swap the focus goes to the error summary, else to what asks for it, else stays. */
const focusAfterSwap = (target) => {
  if (!target?.isConnected) return;
  const wanted = target.querySelector("[data-errors]") ?? target.querySelector("[data-autofocus]");
  if (wanted) wanted.focus();
  else if (document.activeElement === document.body && target.matches("[data-focus]")) {
    target.tabIndex = -1;
    target.focus();
  }
};

const lock = (button) => {
  if (button.disabled) return;
  button.dataset.locked = "1";
  button.setAttribute("aria-busy", "true");
  button.disabled = true;
};

const unlock = (button) => {
  delete button.dataset.locked;
  button.removeAttribute("aria-busy");
  button.disabled = false;
};

/** A plain form is sent once, however often the button is pressed. */
const guardForms = () => {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post" || form.matches("[hx-post], [hx-put], [hx-patch]")) return;
    if (event.submitter?.hasAttribute("data-download")) return; // the page stays as it is
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "1";
    // Later, so that the pressed button's own value is still sent.
    setTimeout(() => form.querySelectorAll("button:not([type=button])").forEach(lock));
  });
  addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-sent]").forEach((form) => {
      delete form.dataset.sent;
      form.querySelectorAll("[data-locked]").forEach(unlock);
    });
  });
};

/** Open menus close on a click elsewhere and on Escape, which gives the focus back. */
const closeMenus = () => {
  document.addEventListener("click", (event) => {
    document.querySelectorAll("details.menu[open]").forEach((menu) => {
      if (!menu.contains(event.target) || event.target.closest(".menu-item")) menu.open = false;
    });
    event.target.closest(".menu-item")?.closest("[popover]:popover-open")?.hidePopover();
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = document.querySelector("details.menu[open]");
    if (!menu) return;
    event.stopPropagation();
    menu.open = false;
    menu.querySelector("summary").focus();
  });
};

const copyOnClick = () => {
  document.addEventListener("click", async (event) => {
    const source = event.target.closest("[data-copy]");
    if (!source) return;
    const text = source.dataset.copy || document.querySelector(source.dataset.copyFrom)?.textContent || "";
    await navigator.clipboard.writeText(text.trim());
    toast(english ? "Copied." : "Kopiert.", "ok");
  });
};

/** A mail's frame is as high as the mail: it is of our own origin, and scripts never run in it. What is
    wider than the frame is made smaller. */
const fitFrame = (frame) => {
  const page = frame.contentDocument?.documentElement;
  const mail = frame.contentDocument?.querySelector("body > .mail");
  if (!page) return;
  let width = 0;
  const fit = () => {
    if (mail && frame.clientWidth !== width) {
      width = frame.clientWidth;
      mail.style.zoom = "";
      if (page.scrollWidth > width) mail.style.zoom = Math.max(0.4, mail.clientWidth / mail.scrollWidth);
    }
    const wide = page.scrollWidth > page.clientWidth ? 16 : 0;
    frame.style.height = `${Math.max(48, Math.ceil(page.getBoundingClientRect().height) + wide)}px`;
  };
  fit();
  new ResizeObserver(fit).observe(page);
};

const fitFrames = () => {
  document.addEventListener("load", (event) => event.target.matches?.("iframe[data-frame-fit]") && fitFrame(event.target), true);
  document.querySelectorAll("iframe[data-frame-fit]").forEach(fitFrame);
};

const loaded = new Map();

/** Loads a module once and starts it; gives what its start() returns. */
const need = (name) => {
  if (!loaded.has(name)) loaded.set(name, import(assets[name]).then((module) => module.start(app)));
  return loaded.get(name);
};

const ON_DEMAND = {
  upload: "[data-upload]",
  reveal: "[data-reveals]",
  marks: "[data-mark-all]",
  place: "[data-keep-place]",
  fill: "[data-fill]",
  poll: "[data-poll]",
  theme: "[data-set-theme], [data-preview]",
  editor: "rich-editor",
  template: "[data-template-text]",
  dispatch: ".dispatch, [data-sortable]",
};

const loadWhatIsUsed = () => {
  for (const [name, selector] of Object.entries(ON_DEMAND)) {
    if (document.querySelector(selector)) need(name);
  }
};

watchToasts();
watchRequests();
guardForms();
closeMenus();
copyOnClick();
fitFrames();
document.querySelector(".tabs > [aria-current]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
app.dialogs = need("dialog");
document.addEventListener("DOMContentLoaded", () => need("shortcuts")); // a key clicks nothing that is not yet alive
loadWhatIsUsed();
document.addEventListener("htmx:load", loadWhatIsUsed);
(document.querySelector("[data-errors]") ?? document.querySelector("[data-autofocus]"))?.focus();
addEventListener("offline", () => toast(TEXTS.offline, "err"));
addEventListener("online", () => toast(TEXTS.online, "ok"));
