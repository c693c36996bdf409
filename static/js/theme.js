/* Light, dark and density: shown at once; a button with data-url also has the server keep it. */

export const start = (app) => {
  const root = document.documentElement;
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-set-theme]");
    if (!button) return;
    root.dataset.theme = button.dataset.setTheme;
    if (!button.dataset.url) return;
    const body = new URLSearchParams({ theme: button.dataset.setTheme });
    fetch(button.dataset.url, { method: "POST", body, headers: { "X-CSRFToken": app.csrfToken() } });
  });
  document.addEventListener("change", (event) => {
    const field = event.target.closest("[data-preview]");
    if (field) root.dataset[field.dataset.preview] = field.value;
  });
};
