/* The ticket page: which row is open, how many are marked, and the small comforts of the composer. */

const MENTIONS_FILE = /\b(anbei|im anhang|angehängt|beigefügt|attached|enclosed)\b/i;

const showOpenRow = () => {
  const open = document.querySelector("#ticket .ticket")?.dataset.row;
  for (const row of document.querySelectorAll("#rows .row")) {
    if (row.id === open) row.setAttribute("aria-current", "true");
    else row.removeAttribute("aria-current");
  }
};

const countMarked = () => {
  const marked = document.querySelectorAll("#rows .row-check:checked").length;
  for (const place of document.querySelectorAll("[data-marked]")) place.textContent = marked;
};

/** The newest message is what one opens a ticket for. */
const showNewest = () => {
  const body = document.getElementById("ticket-body");
  if (!body || body.dataset.shown) return;
  body.dataset.shown = "1";
  if (document.querySelector("#composer .composer")) {
    document.getElementById("composer").scrollIntoView({ block: "end" });
    return;
  }
  const messages = body.querySelectorAll(".message");
  if (messages.length > 1) body.scrollTop = messages[messages.length - 1].offsetTop - body.offsetTop - 48;
};

const writtenText = (form) => {
  const holder = document.createElement("template");
  holder.innerHTML = form.elements.text?.value ?? "";
  return holder.content.textContent.trim();
};

/** The questions a composer asks: a forgotten attachment, a text about to be lost. */
const prepareQuestions = (form) => {
  const text = writtenText(form);
  const send = form.querySelector("[data-send]");
  if (send) {
    const hasFile = form.querySelector("[data-kept]:checked") || form.elements.uploads?.files.length;
    if (MENTIONS_FILE.test(text) && !hasFile) {
      send.dataset.confirm = send.dataset.forgotten;
      send.dataset.confirmAction = send.dataset.sendAnyway;
    } else {
      delete send.dataset.confirm;
    }
  }
  const discard = form.querySelector("[data-discard]");
  if (text) {
    discard.dataset.confirm = discard.dataset.text;
    discard.dataset.confirmAction = discard.dataset.action;
  } else {
    delete discard.dataset.confirm;
  }
};

/** The editor comes a moment later than its place in the page: the focus waits for it. */
const focusEditor = async () => {
  const editor = document.querySelector("rich-editor[data-autofocus]");
  if (!editor || document.activeElement !== editor) return;
  await customElements.whenDefined("rich-editor");
  if (document.activeElement === editor) editor.focus();
};

const prepare = () => {
  showOpenRow();
  countMarked();
  showNewest();
  focusEditor();
  document.querySelectorAll("form[data-composer]").forEach(prepareQuestions);
};

for (const name of ["input", "change", "files-changed"]) {
  document.addEventListener(name, (event) => {
    if (event.target.matches?.(".row-check")) countMarked();
    const form = event.target.closest?.("form[data-composer]");
    if (form) setTimeout(() => prepareQuestions(form));
  });
}
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-show-cc]");
  if (!button) return;
  const lines = button.closest("form").querySelector(".composer-cc");
  lines.classList.remove("closed");
  button.remove();
  lines.querySelector("input").focus();
});
document.addEventListener("htmx:afterSettle", prepare);
prepare();
