/* <rich-editor> around a <textarea>: Squire with our own toolbar. Until a person edits something the
   textarea keeps the very HTML it came with, so that signatures made elsewhere survive being looked at. */

const IMAGE_TYPES = ["image/png", "image/jpeg", "image/gif", "image/webp"];
const LARGEST_IMAGE = 2_000_000;
const FORBIDDEN = ["style", "form", "input", "button", "textarea", "select", "option", "iframe", "object", "embed", "dialog", "svg", "math", "audio", "video"];

const loadScript = (address) =>
  new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = resolve;
    script.onerror = () => reject(new Error(address));
    document.head.append(script);
  });

const sanitize = (html) => {
  const clean = window.DOMPurify.sanitize(html, { RETURN_DOM_FRAGMENT: true, FORBID_TAGS: FORBIDDEN, ALLOW_DATA_ATTR: false });
  return document.importNode(clean, true);
};

/** What a person typed as an address, made a link target; empty when it must not be one. */
const linkTarget = (typed) => {
  const text = typed.trim();
  if (/^(https?:|mailto:|tel:|\{)/i.test(text)) return text;
  if (!text || /^[a-z][a-z0-9+.-]*:(?!\d)/i.test(text)) return "";
  return /^[^\s/]+@[^\s/]+$/.test(text) ? `mailto:${text}` : `https://${text}`;
};

export const start = async (app) => {
  const { element, icon, english } = app;
  const TEXTS = english
    ? { bold: "Bold", italic: "Italic", underline: "Underline", link: "Link", list: "Bulleted list", numbers: "Numbered list", quote: "Quote", image: "Insert image", clear: "Remove formatting", undo: "Undo", source: "HTML source", variables: "Variable", tools: "Formatting", text: "Text", address: "Link address", set: "Apply", unlink: "Remove link", bad: "Please enter a web or email address.", large: "Images may be at most 2 MB.", type: "Only PNG, JPEG, GIF and WebP images can be inserted." }
    : { bold: "Fett", italic: "Kursiv", underline: "Unterstrichen", link: "Link", list: "Aufzählung", numbers: "Nummerierte Liste", quote: "Zitat", image: "Bild einfügen", clear: "Formatierung entfernen", undo: "Rückgängig", source: "HTML-Quelltext", variables: "Variable", tools: "Formatierung", text: "Text", address: "Adresse des Links", set: "Übernehmen", unlink: "Link entfernen", bad: "Bitte geben Sie eine Web- oder E-Mail-Adresse ein.", large: "Bilder dürfen höchstens 2 MB groß sein.", type: "Nur Bilder der Arten PNG, JPEG, GIF und WebP lassen sich einfügen." };

  await loadScript(app.assets.purify);
  await loadScript(app.assets.squire);

  class RichEditor extends HTMLElement {
    #squire = null;
    #loaded = "";
    #original = "";
    #baseline = "";

    connectedCallback() {
      if (this.#squire) return;
      this.textarea = this.querySelector("textarea");
      this.classList.add("editor", "ready");
      this.area = element("div", { className: "editor-area paper", role: "textbox", "aria-multiline": "true" });
      this.#label();
      this.bar = this.#toolbar();
      this.linkRow = this.#linkRow();
      this.picture = element("input", { type: "file", accept: IMAGE_TYPES.join(), multiple: true, hidden: true });
      this.picture.addEventListener("change", () => {
        this.#insertImages(this.picture.files);
        this.picture.value = "";
      });
      this.prepend(this.bar, this.linkRow, this.area, this.picture);
      this.textarea.hidden = true;
      this.textarea.required = false;
      this.#squire = new window.Squire(this.area, { blockTag: "DIV", sanitizeToDOMFragment: sanitize });
      this.#listen();
      this.value = this.textarea.value;
    }

    disconnectedCallback() {
      // A move within the page comes back at once; only a real farewell ends the editor.
      queueMicrotask(() => {
        if (this.isConnected || !this.#squire) return;
        this.#squire.destroy();
        this.#squire = null;
        [this.bar, this.linkRow, this.area, this.picture].forEach((part) => part.remove());
        this.textarea.hidden = false;
      });
    }

    get value() {
      return this.textarea.value;
    }

    /** Replaces the content; counts as untouched. */
    set value(html) {
      this.#show(html);
      this.#loaded = this.#original;
    }

    get edited() {
      return this.textarea.value !== this.#loaded;
    }

    focus() {
      if (this.#squire) this.#squire.focus();
      else this.querySelector("textarea")?.focus();
    }

    insertText(text) {
      this.#squire.focus();
      this.#squire.insertPlainText(text, false);
    }

    insertHTML(html) {
      this.#squire.focus();
      this.#squire.insertHTML(html);
    }

    #show(html) {
      this.textarea.value = html;
      this.#original = this.textarea.value;
      this.#squire.setHTML(html);
      this.#baseline = this.#squire.getHTML();
    }

    #label() {
      const label = this.textarea.labels[0];
      if (label) {
        label.id ||= `${this.textarea.id}-label`;
        this.area.setAttribute("aria-labelledby", label.id);
        label.addEventListener("click", () => this.focus());
      } else {
        this.area.setAttribute("aria-label", this.textarea.getAttribute("aria-label") || TEXTS.text);
      }
      const notes = this.textarea.getAttribute("aria-describedby");
      if (notes) this.area.setAttribute("aria-describedby", notes);
      if (this.textarea.lang) this.area.lang = this.textarea.lang;
    }

    #listen() {
      const squire = this.#squire;
      squire.addEventListener("input", () => this.#take());
      squire.addEventListener("pathChange", () => this.#showState());
      squire.addEventListener("select", () => this.#showState());
      squire.addEventListener("pasteImage", (event) => this.#insertImages(event.detail.clipboardData.files));
      this.area.addEventListener("dragover", (event) => event.dataTransfer.types.includes("Files") && event.preventDefault());
      this.area.addEventListener(
        "drop",
        (event) => {
          const pictures = [...event.dataTransfer.files].filter((file) => IMAGE_TYPES.includes(file.type));
          if (!pictures.length) return;
          event.preventDefault();
          event.stopImmediatePropagation();
          this.#insertImages(pictures);
        },
        true,
      );
      this.textarea.form?.addEventListener("reset", () => setTimeout(() => (this.value = this.textarea.value)));
    }

    /** Carries an edit over into the textarea; back at the start means the original, to the byte. */
    #take() {
      const html = this.#squire.getHTML();
      this.textarea.value = html === this.#baseline ? this.#original : html;
      this.textarea.dispatchEvent(new Event("input", { bubbles: true }));
      this.#wantTemplate();
    }

    /** „::" at the caret opens the templates of the form, if it has any. */
    #wantTemplate() {
      const range = this.#squire.getSelection();
      const node = range.startContainer;
      const button = this.closest("form")?.querySelector("[data-templates]");
      if (!button || node.nodeType !== Node.TEXT_NODE || !node.data.slice(0, range.startOffset).endsWith("::")) return;
      node.deleteData(range.startOffset - 2, 2);
      button.click();
    }

    #showState() {
      for (const button of this.bar.querySelectorAll("[data-format]")) {
        button.setAttribute("aria-pressed", String(this.#squire.hasFormat(button.dataset.format)));
      }
    }

    #toolbar() {
      const format = (tag, on, off) => () => this.#squire[this.#squire.hasFormat(tag) ? off : on]();
      const buttons = [
        ["bold", TEXTS.bold, format("B", "bold", "removeBold"), "B"],
        ["italic", TEXTS.italic, format("I", "italic", "removeItalic"), "I"],
        ["underline", TEXTS.underline, format("U", "underline", "removeUnderline"), "U"],
        null,
        ["link", TEXTS.link, () => this.#openLink(), "A"],
        ["list", TEXTS.list, format("UL", "makeUnorderedList", "removeList"), "UL"],
        ["list-ordered", TEXTS.numbers, format("OL", "makeOrderedList", "removeList"), "OL"],
        ["quote", TEXTS.quote, format("BLOCKQUOTE", "increaseQuoteLevel", "decreaseQuoteLevel"), "BLOCKQUOTE"],
        ["image", TEXTS.image, () => this.picture.click()],
        null,
        ["remove-formatting", TEXTS.clear, () => this.#squire.removeAllFormatting()],
        ["undo", TEXTS.undo, () => this.#squire.undo()],
        ["code", TEXTS.source, (button) => this.#toggleSource(button)],
      ];
      const bar = element("div", { className: "editor-bar", role: "toolbar", "aria-label": TEXTS.tools });
      for (const entry of buttons) bar.append(entry ? this.#button(...entry) : element("span", { className: "rule" }));
      const names = JSON.parse(this.dataset.variables || "[]");
      if (names.length) bar.append(this.#variables(names));
      bar.addEventListener("mousedown", (event) => event.target.closest("summary") || event.preventDefault());
      bar.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        const all = [...bar.querySelectorAll(":scope > button:not(:disabled), summary")];
        const next = all.at((all.indexOf(document.activeElement) + step) % all.length);
        all.forEach((one) => (one.tabIndex = one === next ? 0 : -1));
        next.focus();
        event.preventDefault();
      });
      bar.querySelectorAll("button:not(:first-child), summary").forEach((one) => one.closest(".menu-list") || (one.tabIndex = -1));
      return bar;
    }

    #button(name, title, action, tag) {
      const button = element("button", { type: "button", className: "btn quiet", title, "aria-label": title }, icon(name));
      if (tag) button.dataset.format = tag;
      button.addEventListener("click", () => {
        action(button);
        if (document.activeElement === document.body) this.focus();
      });
      return button;
    }

    #variables(names) {
      const list = element("div", { className: "menu-list" });
      for (const name of names) {
        const item = element("button", { type: "button", className: "menu-item mono" }, name);
        item.addEventListener("click", () => this.insertText(name));
        list.append(item);
      }
      return element("details", { className: "menu" }, element("summary", { className: "btn quiet" }, TEXTS.variables, icon("chevron-down")), list);
    }

    #linkRow() {
      const field = element("input", { type: "text", placeholder: "https://", "aria-label": TEXTS.address });
      const set = element("button", { type: "button", className: "btn small" }, TEXTS.set);
      const remove = element("button", { type: "button", className: "btn quiet small" }, TEXTS.unlink);
      const row = element("div", { className: "editor-link", hidden: true }, field, set, remove);
      const finish = (change) => {
        row.hidden = true;
        this.#squire.setSelection(this.range);
        this.#squire.focus();
        change?.();
      };
      const apply = () => {
        const target = linkTarget(field.value);
        if (target) finish(() => this.#squire.makeLink(target));
        else app.toast(TEXTS.bad, "warn");
      };
      set.addEventListener("click", apply);
      remove.addEventListener("click", () => finish(() => this.#squire.removeLink()));
      field.addEventListener("input", (event) => event.stopPropagation());
      row.addEventListener("keydown", (event) => {
        if (event.key === "Enter" && event.target === field) apply();
        else if (event.key === "Escape") finish();
        else return;
        event.preventDefault();
        event.stopPropagation();
      });
      return row;
    }

    #openLink() {
      this.range = this.#squire.getSelection();
      const node = this.range.startContainer;
      const link = (node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement).closest("a");
      const field = this.linkRow.querySelector("input");
      this.linkRow.hidden = false;
      field.value = link?.getAttribute("href") ?? "";
      field.focus();
    }

    #toggleSource(button) {
      const toSource = this.textarea.hidden;
      // What was typed as source stays exactly so until something is changed in the text view.
      if (toSource) this.sourceBefore = this.textarea.value;
      else if (this.textarea.value !== this.sourceBefore) this.#show(this.textarea.value);
      this.textarea.hidden = !toSource;
      this.area.hidden = toSource;
      this.linkRow.hidden = true;
      button.setAttribute("aria-pressed", String(toSource));
      for (const other of this.bar.querySelectorAll("button, summary")) {
        if (other !== button && !other.closest(".menu-list")) other.disabled = toSource;
      }
      (toSource ? this.textarea : this).focus();
    }

    #insertImages(files) {
      for (const file of files) {
        if (!IMAGE_TYPES.includes(file.type)) app.toast(TEXTS.type, "warn");
        else if (file.size > LARGEST_IMAGE) app.toast(TEXTS.large, "warn");
        else this.#insertImage(file);
      }
    }

    #insertImage(file) {
      const reader = new FileReader();
      reader.onload = () => {
        this.#squire.focus();
        this.#squire.insertImage(reader.result, { alt: file.name.replace(/\.[^.]+$/, ""), style: "max-width:100%" });
      };
      reader.readAsDataURL(file);
    }
  }

  customElements.define("rich-editor", RichEditor);
};
