/* data-fill='{"field-id": "value"}' on a button: puts the values into the fields, as if typed. */

const put = (field, value) => {
  if (field.type === "checkbox") field.checked = Boolean(value);
  else if (field.tagName !== "SELECT" || [...field.options].some((option) => option.value === value)) field.value = value;
  else return;
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.dispatchEvent(new Event("change", { bubbles: true }));
};

export const start = (app) => {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-fill]");
    if (!button) return;
    for (const [id, value] of Object.entries(JSON.parse(button.dataset.fill))) {
      const field = document.getElementById(id);
      if (field) put(field, value);
    }
    app.say(app.english ? "Filled in." : "Übernommen.");
    button.disabled = true;
  });
};
