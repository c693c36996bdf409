/* „abschicken“: files are put in order by button or by dragging, and uploads join them at once. */

export const start = (app) => {
  const TEXTS = app.english
    ? { moved: (name, place) => `${name} is now number ${place}` }
    : { moved: (name, place) => `${name} steht jetzt an Stelle ${place}` };

  const place = (line) => [...line.parentElement.children].indexOf(line) + 1;
  const tell = (line) => app.say(TEXTS.moved(line.dataset.name, place(line)));

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-sortable] [data-move]");
    if (!button) return;
    const line = button.closest("li");
    const other = button.dataset.move === "1" ? line.nextElementSibling : line.previousElementSibling;
    if (!other) return;
    if (button.dataset.move === "1") other.after(line);
    else other.before(line);
    // At the end of the list this button is gone: the focus stays at the line.
    const isLast = button.dataset.move === "1" ? !line.nextElementSibling : !line.previousElementSibling;
    (isLast ? line.querySelector(`[data-move="${button.dataset.move === "1" ? "-1" : "1"}"]`) : button).focus();
    tell(line);
  });

  let dragged = null;
  document.addEventListener("dragstart", (event) => {
    dragged = event.target.closest?.("[data-sortable] > li");
    if (!dragged) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", dragged.dataset.name);
    dragged.classList.add("dragged");
  });
  document.addEventListener("dragover", (event) => {
    const over = dragged && event.target.closest?.("[data-sortable] > li");
    if (!over || over.parentElement !== dragged.parentElement) return;
    event.preventDefault();
    if (over === dragged) return;
    const box = over.getBoundingClientRect();
    if (event.clientY > box.top + box.height / 2) over.after(dragged);
    else over.before(dragged);
  });
  document.addEventListener("drop", (event) => dragged && event.target.closest?.("[data-sortable]") && event.preventDefault());
  document.addEventListener("dragend", () => {
    if (!dragged) return;
    dragged.classList.remove("dragged");
    tell(dragged);
    dragged = null;
  });

  document.addEventListener("files-changed", (event) => {
    const zone = event.target.closest(".dispatch [data-upload]");
    if (zone && event.detail.count) window.htmx.trigger(zone, "files-chosen");
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const zone = event.detail.elt;
    const isAnswered = [200, 422].includes(event.detail.xhr?.status);
    if (isAnswered && zone.matches?.(".dispatch [data-upload]")) zone.dispatchEvent(new CustomEvent("clear-files"));
  });
};
