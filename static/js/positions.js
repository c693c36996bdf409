/* Rows of a document's positions: add, remove, and tell when they changed (the server adds up). */

const equip = (section) => {
  const rows = section.querySelector("[data-rows]");
  const total = section.querySelector(`[name="${section.dataset.prefix}-TOTAL_FORMS"]`);
  const template = section.querySelector("[data-empty-row]");
  const changed = () => rows.dispatchEvent(new CustomEvent("rows-changed", { bubbles: true }));

  const add = () => {
    const holder = document.createElement("tbody");
    holder.innerHTML = template.innerHTML.replaceAll("__prefix__", total.value);
    total.value = Number(total.value) + 1;
    const row = holder.querySelector("tr");
    rows.append(row);
    row.querySelector("input").focus();
  };

  const remove = (row) => {
    row.querySelector('[name$="-DELETE"]').checked = true;
    row.hidden = true;
    const next = [...rows.querySelectorAll("[data-row]:not([hidden])")].at(-1);
    (next?.querySelector("[data-remove-row]") ?? section.querySelector("[data-add-row]")).focus();
    changed();
  };

  section.addEventListener("click", (event) => {
    if (event.target.closest("[data-add-row]")) add();
    const button = event.target.closest("[data-remove-row]");
    if (button) remove(button.closest("[data-row]"));
  });
  // Enter in a row goes on to the next one instead of saving the form half filled in.
  rows.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !event.target.matches("input")) return;
    event.preventDefault();
    const visible = [...rows.querySelectorAll("[data-row]:not([hidden])")];
    const next = visible[visible.indexOf(event.target.closest("[data-row]")) + 1];
    if (next) next.querySelector("input").focus();
    else add();
  });
};

document.querySelectorAll("[data-positions]").forEach(equip);
