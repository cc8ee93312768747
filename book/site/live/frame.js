// What makes <live-figure> live: it takes over the picture that the build has drawn, and redraws it when its state changes.
(() => {
  "use strict";
  const live = globalThis.CourseLive, here = document.currentScript.src;
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  // --- weights: a script of their own, asked for when the figure comes near the view ---

  const waiting = {}, loaded = {};
  live.weights = (name, packed) => { waiting[name]?.(live.core.unpack(packed)); };
  const load = (name) => (loaded[name] ??= new Promise((done, failed) => {
    waiting[name] = done;
    const script = document.createElement("script");
    script.src = new URL(`${name}.weights.js`, here).href;
    script.onerror = () => failed(new Error(`the weights of ${name} did not load`));
    document.head.append(script);
  }));

  // --- the picture: new HTML is laid over the old, so that focus, selection and transitions stay ---

  const attributes = (old, made) => {
    for (const { name } of [...old.attributes]) if (!made.hasAttribute(name)) old.removeAttribute(name);
    for (const { name, value } of made.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    if (old.matches("input, textarea, select") && old !== document.activeElement) {
      if (old.value !== made.value) old.value = made.value;
      if (old.checked !== made.checked) old.checked = made.checked;
    }
  };
  const lay = (old, made) => {
    const before = [...old.childNodes], after = [...made.childNodes];
    after.forEach((node, i) => {
      const there = before[i];
      if (!there) old.append(node);
      else if (there.nodeName !== node.nodeName) there.replaceWith(node);
      else if (node.nodeType !== Node.ELEMENT_NODE) { if (there.data !== node.data) there.data = node.data; }
      else if (!there.isEqualNode(node)) { attributes(there, node); lay(there, node); }
      else attributes(there, node); // a control may hold another value than its markup says
    });
    before.slice(after.length).forEach((node) => node.remove());
  };

  const KEYS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };

  class LiveFigure extends HTMLElement {
    connectedCallback() {
      if (this.root) return;
      this.root = this.querySelector(".lf");
      this.timers = new Set();
      const near = new IntersectionObserver((seen) => {
        if (!seen.some((one) => one.isIntersecting)) return;
        near.disconnect();
        this.start().catch((problem) => { console.error(problem); this.setAttribute("failed", ""); }); // the picture stays
      }, { rootMargin: "800px" });
      near.observe(this);
    }
    disconnectedCallback() { for (const timer of this.timers) clearInterval(timer); }

    async start() {
      const { data, state, weights } = JSON.parse(this.querySelector("script").textContent), name = this.getAttribute("name");
      this.parts = live.figures[name];
      if (!this.parts) throw new Error(`${name}.js defines no figure "${name}"`);
      this.data = { ...data, weights: weights ? live.core.unpack(weights) : await load(name) };
      this.state = { ...state };
      this.voice = Object.assign(document.createElement("div"), { className: "lf-hidden", ariaLive: "polite" });
      this.append(this.voice);
      this.drawn = this.root.innerHTML; // what the build drew; the tests compare
      this.redraw();
      this.root.addEventListener("click", (event) => this.click(event));
      this.root.addEventListener("keydown", (event) => this.key(event));
      this.root.addEventListener("input", (event) => this.input(event));
      this.parts.mount?.(this.root, this);
      this.setAttribute("ready", "");
    }

    // --- for the figures ---

    /** Change the state, let the network run, draw, and (when the reader did it) say it. */
    set(changes) {
      Object.assign(this.state, changes);
      if (this.still) return;
      this.redraw();
      if (this.parts.say) this.say(this.parts.say(this.data, this.state, this.numbers));
    }
    redraw() {
      const started = performance.now();
      this.numbers = live.kit.plain(this.parts.numbers(this.data, this.state));
      this.ran = performance.now() - started; // milliseconds
      const made = document.createElement("template");
      made.innerHTML = this.parts.draw(this.data, this.state, this.numbers);
      lay(this.root, made.content);
      this.took = performance.now() - started;
    }
    /** Say a sentence to those who listen, once the reader has paused. */
    say(text) {
      clearTimeout(this.speaking);
      this.speaking = setTimeout(() => { this.voice.textContent = text; }, 500);
    }
    /** Do something again and again until it returns false; readers who asked for calm get the end at once. Returns stop(). */
    play(action, milliseconds) {
      if (calm.matches) {
        this.still = true;
        for (let n = 0; n < 1000 && action() !== false; n++);
        this.still = false;
        this.set({});
        return () => {};
      }
      const stop = () => { clearInterval(timer); this.timers.delete(timer); };
      const timer = setInterval(() => { if (action() === false) stop(); }, milliseconds);
      this.timers.add(timer);
      return stop;
    }

    /** Mouse, pen or finger, from where it comes down inside `selector` until it goes up: action({x, y, box, first}), where
     *  x and y go from 0 to 1 over the box and stop at its edges. The box needs `touch-action` in its style. */
    drag(selector, action) {
      let box = null;
      const follow = (event, first) => {
        const at = box.getBoundingClientRect(), inside = (v) => Math.max(0, Math.min(1, v));
        action({ x: inside((event.clientX - at.left) / at.width), y: inside((event.clientY - at.top) / at.height), box, first });
      };
      this.root.addEventListener("pointerdown", (event) => {
        box = event.button ? null : event.target.closest(selector);
        if (box) follow(event, true);
      });
      document.addEventListener("pointermove", (event) => { if (box) follow(event, false); });
      for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, () => { box = null; });
    }

    // --- data-set, data-bind and data-rove do most of the work ---

    click(event) {
      const place = event.target.closest("[data-set]");
      if (place && this.root.contains(place)) this.set(JSON.parse(place.dataset.set));
    }
    input({ target }) {
      if (!target.dataset.bind) return;
      const value = target.type === "checkbox" ? target.checked : target.type === "range" ? Number(target.value) : target.value;
      this.set({ [target.dataset.bind]: value });
    }
    /** Arrows inside a composite: data-rove holds the number of columns, or nothing for one row. */
    key(event) {
      const box = event.target.closest("[data-rove]");
      if (!box || event.ctrlKey || event.metaKey || event.altKey) return;
      const ITEMS = "[data-set], [data-item]";
      const items = [...box.querySelectorAll(ITEMS)], at = items.indexOf(event.target.closest(ITEMS));
      const columns = Number(box.dataset.rove) || 1, [right, down] = KEYS[event.key] || [0, 0];
      const to = { Home: 0, End: items.length - 1 }[event.key] ?? at + right + down * columns;
      if (at < 0 || !(event.key in KEYS || event.key === "Home" || event.key === "End")) return;
      event.preventDefault();
      if (!items[to]) return;
      items[to].focus();
      if (!box.hasAttribute("data-rove-only")) items[to].click();
      else items.forEach((item, i) => { item.tabIndex = i === to ? 0 : -1; });
    }
  }
  if (!customElements.get("live-figure")) customElements.define("live-figure", LiveFigure);
})();
