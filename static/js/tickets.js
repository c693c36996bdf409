/* The ticket page: which row is open, what is in sight first, and the questions a composer asks. */

const MENTIONS_FILE = /\b(anbei|im anhang|angehängt|beigefügt|attached|enclosed)\b/i;

const showOpenRow = () => {
  const open = document.querySelector("#ticket .ticket")?.dataset.row;
  for (const row of document.querySelectorAll("#rows .row")) {
    if (row.id === open) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
  }
};

/** Back from a ticket, the list stands where one left it; on a phone the page scrolls, not the pane. */
const keepListPlace = () => {
  const pane = () => document.getElementById("list-pane");
  const body = () => pane().querySelector(".pane-body");
  const isOpen = () => document.querySelector("#ticket .ticket");
  if (!pane()) return; // a page that only writes mail
  let [address, place, page] = JSON.parse(sessionStorage.ticketList ?? "[]");
  history.scrollRestoration = "manual"; // after "back" the browser would know the ticket's place only
  if (address === pane().dataset.address) {
    body().scrollTop = place;
    if (!isOpen()) scrollTo(0, page);
  }
  body().querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
  const remember = () => {
    if (!isOpen()) page = scrollY;
    sessionStorage.ticketList = JSON.stringify([pane().dataset.address, body().scrollTop, page]);
  };
  document.addEventListener("htmx:beforeRequest", remember);
  addEventListener("pagehide", remember);
};

/** The newest message is what one opens a ticket for; or the mail one is writing. */
const showNewest = () => {
  const body = document.getElementById("ticket-body");
  if (!body || body.dataset.shown) return;
  body.dataset.shown = "1";
  const composer = body.querySelector(".composer");
  const messages = body.querySelectorAll(".message");
  if (composer) composer.scrollIntoView({ block: "end" });
  else if (messages[1]) [...messages].at(-1).scrollIntoView({ block: "start" });
};

/** The editor comes a moment later than its place in the page: the focus waits for it. */
const focusEditor = async () => {
  const editor = document.activeElement;
  if (!editor.matches("rich-editor")) return;
  await customElements.whenDefined("rich-editor");
  if (document.activeElement === editor) editor.focus();
};

const ask = (button, isAsked) => {
  if (isAsked) button.dataset.confirm = button.dataset.question;
  else delete button.dataset.confirm;
};

/** A forgotten attachment; a text about to be lost. */
const prepareQuestions = (form) => {
  const holder = document.createElement("template");
  holder.innerHTML = form.elements.text.value;
  const text = holder.content.textContent.trim();
  const hasFile = form.querySelector("[name=kept]:checked, [name=template_files]:checked") || form.elements.uploads?.files.length;
  ask(form.querySelector("[data-discard]"), text);
  ask(form.querySelector("button.primary"), form.elements.uploads && MENTIONS_FILE.test(text) && !hasFile);
};

const prepare = () => {
  showOpenRow();
  showNewest();
  focusEditor();
};

// On the window, so that it is decided before the dialogs look whether there is a question.
addEventListener(
  "click",
  (event) => {
    const form = event.target.closest("form[data-composer]");
    if (form) prepareQuestions(form);
  },
  true,
);
document.addEventListener("htmx:afterSettle", prepare);
prepare();
keepListPlace();
