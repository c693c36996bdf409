/* Rows of a document's positions: add, remove, tell when they changed (the server adds up). */

for (const section of document.querySelectorAll("[data-positions]")) {
  const rows = section.querySelector("[data-rows]");
  const total = section.querySelector('[name$="-TOTAL_FORMS"]');
  const shown = () => [...rows.querySelectorAll("[data-row]:not([hidden])")];

  const add = () => {
    const html = section.querySelector("template").innerHTML;
    rows.insertAdjacentHTML("beforeend", html.replaceAll("__prefix__", total.value++));
    shown().at(-1).querySelector("input").focus();
  };

  const remove = (row) => {
    row.querySelector('[name$="-DELETE"]').checked = true;
    row.hidden = true;
    (shown().at(-1)?.querySelector("[data-remove-row]") ?? section.querySelector("[data-add-row]")).focus();
    rows.dispatchEvent(new Event("rows-changed"));
  };

  section.addEventListener("click", ({ target }) => {
    if (target.closest("[data-add-row]")) add();
    if (target.closest("[data-remove-row]")) remove(target.closest("[data-row]"));
  });
  // Enter goes on to the next row instead of saving the form half filled in.
  rows.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches("input")) return;
    event.preventDefault();
    const next = shown()[shown().indexOf(event.target.closest("[data-row]")) + 1];
    if (next) next.querySelector("input").focus();
    else add();
  });
}
