// Draws the widgets that a notebook stored, on a page without a kernel: native controls, linked in the browser.
// Known: boxes, Stack, sliders, ToggleButtons, RadioButtons, Dropdown, Checkbox, Play, HTML, Label, jslink and jsdlink.
// Any other widget becomes a visible sentence that says where it runs.
(() => {
  "use strict";
  const STATE = "application/vnd.jupyter.widget-state+json";
  const VIEW = "application/vnd.jupyter.widget-view+json";
  const PREFIX = "IPY_MODEL_";
  let serial = 0;

  // --- models: what the notebook stored, and who listens to which of its values ---

  class Model {
    constructor(kind, state) {
      this.kind = kind;
      this.state = state;
      this.listeners = [];
    }
    get(key, otherwise) {
      const value = this.state[key];
      return value === undefined || value === null ? otherwise : value;
    }
    set(key, value) {
      if (this.state[key] === value) return;
      this.state[key] = value;
      for (const listen of this.listeners) listen(key, value);
    }
    on(key, action) {
      this.listeners.push((changed, value) => changed === key && action(value));
      action(this.state[key]);
    }
  }

  const readModels = () => {
    const models = new Map();
    for (const script of document.querySelectorAll(`script[type="${STATE}"]`)) {
      for (const [id, entry] of Object.entries(JSON.parse(script.textContent).state || {})) {
        models.set(id, new Model(entry.model_name.replace(/Model$/, ""), entry.state || {}));
      }
    }
    return models;
  };

  const follow = (models, reference) => models.get(String(reference).replace(PREFIX, ""));

  const link = (models) => {
    for (const model of models.values()) {
      if (model.kind !== "Link" && model.kind !== "DirectionalLink") continue;
      const [[a, from], [b, to]] = [model.state.source, model.state.target];
      const source = follow(models, a), target = follow(models, b);
      if (!source || !target) continue;
      if (model.kind === "Link") target.on(to, (value) => value !== undefined && source.set(from, value));
      source.on(from, (value) => value !== undefined && target.set(to, value));
    }
  };

  // --- elements ---

  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === true) element.setAttribute(name, "");
      else if (value !== false && value !== undefined) element.setAttribute(name, value);
    }
    element.append(...children);
    return element;
  };

  const field = (model, id, control, ...more) => {
    const text = model.get("description", "");
    const label = make("label", { for: id, class: "cw-label" }, text);
    if (!text) control.setAttribute("aria-label", model.get("tooltip", "") || model.kind);
    return make("div", { class: "cw-field" }, ...(text ? [label] : []), control, ...more);
  };

  const box = (className) => (model, draw) =>
    make("div", { class: className }, ...model.get("children", []).map(draw));

  const stack = (model, draw) => {
    const children = model.get("children", []).map(draw);
    const element = make("div", { class: "cw-stack", "aria-live": "polite" }, ...children);
    model.on("selected_index", (chosen) => children.forEach((child, i) => { child.hidden = i !== chosen; }));
    return element;
  };

  const digits = (step) => (String(step).split(".")[1] || "").length;

  const slider = (model) => {
    const id = `cw-${++serial}`;
    const step = model.get("step", model.kind === "FloatSlider" ? 0.1 : 1);
    const input = make("input", {
      id, type: "range", min: model.get("min", 0), max: model.get("max", 100), step, disabled: model.get("disabled", false),
    });
    const output = make("output", { for: id });
    output.hidden = !model.get("readout", true);
    model.on("value", (value) => {
      input.value = value;
      output.value = Number(value).toFixed(digits(step)).replace("-", "\u2212");
    });
    input.addEventListener("input", () => model.set("value", Number(input.value)));
    return field(model, id, input, output);
  };

  const dropdown = (model) => {
    const id = `cw-${++serial}`;
    const options = model.get("_options_labels", []).map((text, i) => make("option", { value: i }, text));
    const select = make("select", { id, disabled: model.get("disabled", false) }, ...options);
    model.on("index", (chosen) => { select.selectedIndex = chosen ?? -1; });
    select.addEventListener("change", () => model.set("index", select.selectedIndex));
    return field(model, id, select);
  };

  const choices = (className) => (model) => {
    const name = `cw-${++serial}`;
    const inputs = [];
    const labels = model.get("_options_labels", []).map((text, i) => {
      const input = make("input", { type: "radio", name, value: i, disabled: model.get("disabled", false) });
      input.addEventListener("change", () => model.set("index", i));
      inputs.push(input);
      return make("label", {}, input, make("span", {}, text));
    });
    model.on("index", (chosen) => inputs.forEach((input, i) => { input.checked = i === chosen; }));
    const legend = make("legend", {}, model.get("description", "") || "Choose");
    legend.classList.toggle("cw-hidden", !model.get("description", ""));
    return make("fieldset", { class: className }, legend, make("div", {}, ...labels));
  };

  const checkbox = (model) => {
    const input = make("input", { type: "checkbox", disabled: model.get("disabled", false) });
    model.on("value", (value) => { input.checked = Boolean(value); });
    input.addEventListener("change", () => model.set("value", input.checked));
    return make("label", { class: "cw-field" }, input, model.get("description", ""));
  };

  const play = (model) => {
    const toggle = make("button", { type: "button" }), back = make("button", { type: "button" }, "Start again");
    let timer = null;
    const show = () => { toggle.textContent = timer === null ? "Play" : "Pause"; };
    const stop = () => { clearInterval(timer); timer = null; show(); };
    const advance = () => {
      const next = model.get("value", 0) + model.get("step", 1);
      if (next <= model.get("max", 100)) model.set("value", next);
      else if (model.get("repeat", false) || model.get("_repeat", false)) model.set("value", model.get("min", 0));
      else stop();
    };
    toggle.addEventListener("click", () => {
      if (timer !== null) return stop();
      if (model.get("value", 0) >= model.get("max", 100)) model.set("value", model.get("min", 0));
      timer = setInterval(advance, Math.max(60, model.get("interval", 100)));
      show();
    });
    back.addEventListener("click", () => { stop(); model.set("value", model.get("min", 0)); });
    show();
    return make("div", { class: "cw-field cw-play", role: "group", "aria-label": model.get("description", "") || "Animation" }, toggle, back);
  };

  const html = (model) => {
    const element = make("div", { class: "cw-html" });
    model.on("value", (value) => { element.innerHTML = value ?? ""; }); // the notebook's own markup
    return element;
  };

  const label = (model) => {
    const element = make("span", { class: "cw-text" });
    model.on("value", (value) => { element.textContent = value ?? ""; });
    return element;
  };

  const DRAW = {
    VBox: box("cw-vbox"), Box: box("cw-hbox"), HBox: box("cw-hbox"), Stack: stack,
    IntSlider: slider, FloatSlider: slider, Dropdown: dropdown, Checkbox: checkbox, Play: play,
    ToggleButtons: choices("cw-toggles"), RadioButtons: choices("cw-radios"),
    HTML: html, HTMLMath: html, Label: label,
  };

  const unknown = (kind) => make("p", { class: "cw-unknown", role: "note" },
    `This part (${kind}) needs a running notebook: open the chapter in JupyterLab to use it.`);

  const start = () => {
    const models = readModels();
    link(models);
    const draw = (reference) => {
      const model = follow(models, reference);
      return model && DRAW[model.kind] ? DRAW[model.kind](model, draw) : unknown(model ? model.kind : "a widget");
    };
    for (const script of document.querySelectorAll(`script[type="${VIEW}"]`)) {
      const root = make("div", { class: "course-widgets" }, draw(JSON.parse(script.textContent).model_id));
      script.replaceWith(root);
    }
    document.documentElement.dataset.widgets = "ready";
  };

  start();
})();
