/* data-reveals="ID …" on a checkbox, radio or select: these elements show only while it is on. */

const isOn = (control) => {
  if (control.type === "checkbox") return control.checked;
  const wanted = control.dataset.revealsValue?.split(" ");
  const value = control.type === "radio" ? (control.checked ? control.value : null) : control.value;
  return wanted ? wanted.includes(value) : Boolean(value);
};

export const start = () => {
  const apply = () => {
    const shown = new Map();
    for (const control of document.querySelectorAll("[data-reveals]")) {
      for (const id of control.dataset.reveals.split(" ")) {
        shown.set(id, Boolean(shown.get(id)) || isOn(control));
      }
    }
    for (const [id, show] of shown) {
      const block = document.getElementById(id);
      if (block) block.hidden = !show;
    }
  };
  apply();
  document.addEventListener("change", apply);
  document.addEventListener("htmx:load", apply);
  document.addEventListener("reset", () => setTimeout(apply));
};
