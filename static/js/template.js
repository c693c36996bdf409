/* A letter template asks before it replaces what somebody typed. */

export const start = () => {
  document.addEventListener("input", (event) => {
    const text = event.target.closest?.("[data-template-text]");
    if (!text || !event.isTrusted || event.target.matches("select, [type=checkbox]")) return;
    text.querySelector('[name="is_edited"]').value = "1";
    const button = text.querySelector("[data-load-template]");
    button?.setAttribute("hx-confirm", button.dataset.loadTemplate);
  });
};
