/* Files: a drop zone around <input type=file>, with a list that shows sizes and removes. */

const size = (bytes, language) => {
  const units = ["B", "kB", "MB", "GB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value.toLocaleString(language, { maximumFractionDigits: value < 10 && unit > 0 ? 1 : 0 })} ${units[unit]}`;
};

export const start = (app) => {
  const { element, icon, english } = app;
  const language = english ? "en" : "de";
  const TEXTS = english
    ? { remove: (name) => `Remove ${name}`, large: (most) => `Together, the files may be at most ${most}.`, added: (count) => count === 1 ? "1 file selected" : `${count} files selected`, files: "Selected files" }
    : { remove: (name) => `${name} entfernen`, large: (most) => `Zusammen dürfen die Dateien höchstens ${most} groß sein.`, added: (count) => count === 1 ? "1 Datei ausgewählt" : `${count} Dateien ausgewählt`, files: "Ausgewählte Dateien" };

  const equip = (zone) => {
    const input = zone.querySelector('input[type="file"]');
    if (!input || zone.dataset.equipped) return;
    zone.dataset.equipped = "1";
    const list = element("ul", { className: "files", hidden: true, "aria-label": TEXTS.files });
    zone.append(list);
    let chosen = [];

    const put = (files) => {
      const most = Number(zone.dataset.maxBytes) || Infinity;
      if (files.reduce((sum, file) => sum + file.size, 0) > most) {
        app.toast(TEXTS.large(size(most, language)), "err");
        files = chosen;
      }
      chosen = files;
      const transfer = new DataTransfer();
      chosen.forEach((file) => transfer.items.add(file));
      input.files = transfer.files;
      list.hidden = !chosen.length;
      list.replaceChildren(...chosen.map(line));
      zone.dispatchEvent(new CustomEvent("files-changed", { bubbles: true, detail: { count: chosen.length } }));
    };

    const line = (file) => {
      const remove = element("button", { type: "button", className: "btn quiet small icon-only", "aria-label": TEXTS.remove(file.name) }, icon("x"));
      remove.addEventListener("click", () => {
        put(chosen.filter((other) => other !== file));
        (list.querySelector("button") ?? input).focus();
      });
      return element("li", { className: "file" }, icon("paperclip"), element("span", { className: "cut", title: file.name }, file.name),
        element("span", { className: "size" }, size(file.size, language)), remove);
    };

    const add = (files) => {
      const known = (file) => chosen.some((other) => other.name === file.name && other.size === file.size && other.lastModified === file.lastModified);
      put(input.multiple ? [...chosen, ...[...files].filter((file) => !known(file))] : [...files].slice(0, 1));
      app.say(TEXTS.added(chosen.length));
    };

    const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
    input.addEventListener("change", () => add(input.files));
    zone.addEventListener("clear-files", () => put([]));
    input.form?.addEventListener("reset", () => setTimeout(() => put([])));
    for (const name of ["dragenter", "dragover"]) {
      zone.addEventListener(name, (event) => {
        if (!hasFiles(event)) return;
        event.preventDefault();
        zone.classList.add("over");
      });
    }
    zone.addEventListener("dragleave", (event) => zone.contains(event.relatedTarget) || zone.classList.remove("over"));
    zone.addEventListener("drop", (event) => {
      zone.classList.remove("over");
      if (!hasFiles(event) || event.defaultPrevented) return;
      event.preventDefault();
      add(event.dataTransfer.files);
    });
  };

  const equipAll = () => document.querySelectorAll("[data-upload]").forEach(equip);
  equipAll();
  document.addEventListener("htmx:load", equipAll);
};
