/* The session has ended while the page was open: sign in again in a dialog, the input stays. */

export const start = (app) => {
  const { element, assets } = app;
  const TEXTS = app.english
    ? { title: "Your session has expired", lead: "Sign in again. What you have entered on this page is kept.", done: "Signed in again. Please repeat the last step.", failed: "The sign-in page could not be loaded." }
    : { title: "Ihre Sitzung ist abgelaufen", lead: "Melden Sie sich neu an. Ihre Eingaben auf dieser Seite bleiben erhalten.", done: "Wieder angemeldet. Bitte wiederholen Sie den letzten Schritt.", failed: "Die Anmeldeseite ließ sich nicht laden." };
  let open = null;

  const read = async (response) => new DOMParser().parseFromString(await response.text(), "text/html");
  const loginForm = (page) =>
    page.querySelector("form[data-login]") ?? page.querySelector('input[type="password"]')?.form ?? null;

  /** The new session has a new CSRF token: every form of the page takes it over. */
  const takeToken = (page) => {
    const fresh = page.querySelector('meta[name="csrf-token"]')?.content;
    if (!fresh) return;
    document.querySelector('meta[name="csrf-token"]').content = fresh;
    document.querySelectorAll('input[name="csrfmiddlewaretoken"]').forEach((field) => (field.value = fresh));
  };

  const place = (holder, form, address) => {
    const copy = document.importNode(form, true);
    copy.className = "stack";
    copy.addEventListener("submit", async (event) => {
      event.preventDefault();
      event.stopPropagation();
      const response = await fetch(copy.getAttribute("action") || address, { method: "POST", body: new FormData(copy, event.submitter) });
      const page = await read(response);
      const again = loginForm(page);
      if (again && (!response.redirected || new URL(response.url).pathname === assets.login || again.matches("[data-login]"))) {
        place(holder, again, response.url);
        return;
      }
      takeToken(page);
      open.close();
      app.toast(TEXTS.done, "ok");
    });
    holder.replaceChildren(copy);
    copy.querySelector("input:not([type=hidden])")?.focus();
  };

  const askForLogin = async () => {
    if (open?.open) return;
    open = element("dialog", { className: "small", "data-own": "", "aria-label": TEXTS.title });
    const holder = element("div");
    open.append(
      element("div", { className: "dialog-head" }, element("h2", {}, TEXTS.title)),
      element("div", { className: "dialog-body" }, element("p", { className: "muted" }, TEXTS.lead), holder),
    );
    const response = await fetch(assets.login).catch(() => null);
    const form = response && loginForm(await read(response));
    if (!form) {
      app.toast(TEXTS.failed, "err");
      return;
    }
    document.body.append(open);
    open.showModal();
    place(holder, form, assets.login);
  };

  return { askForLogin };
};
