/* data-mark-all: the box in a table's head marks all its rows, and shows whether all are marked. What is
   marked stays marked when the rows come anew. */

const isSame = (box, other) => box.name === other.name && box.value === other.value;

export const start = () => {
  let marked = [];
  document.addEventListener("htmx:beforeSwap", ({ target }) => {
    marked = target.closest("table") ? [...target.querySelectorAll(":checked")] : [];
  });
  document.addEventListener("htmx:afterSettle", () => {
    for (const box of document.querySelectorAll("tbody [type=checkbox]")) box.checked ||= marked.some((other) => isSame(box, other));
    marked = [];
  });
  document.addEventListener("change", ({ target }) => {
    const table = target.closest("table:has([data-mark-all])");
    if (!table || !target.matches("[type=checkbox]")) return;
    const all = table.querySelector("[data-mark-all]");
    const boxes = [...table.querySelectorAll("tbody [type=checkbox]")];
    if (target === all) for (const box of boxes) box.checked = all.checked;
    const count = boxes.filter((box) => box.checked).length;
    all.checked = count > 0 && count === boxes.length;
    all.indeterminate = count > 0 && count < boxes.length;
  });
};
