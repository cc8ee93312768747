// Chapters 11 and 12: the recorded network reads what you type and goes on writing; one cell, or its surprise, colours the text.
(() => {
  "use strict";
  const { core, kit, figure } = globalThis.CourseLive, { esc, num, signed, square, sets } = kit;
  const glyph = (token) => ({ "\n": "\u21b5", "\t": "\u21e5", " ": "\u2423" })[token] || token;
  const spoken = (token) => ({ "\n": "new line", "\t": "tab", " ": "space", "'": "single quote", '"': "double quote", ".": "dot", ",": "comma",
    "(": "bracket", ")": "closing bracket", ":": "colon" })[token] || token;
  const SURPRISE = -1;

  // --- the network; only what has changed since the last time is run again ---

  const known = new WeakMap(); // data -> {text, steps, index}
  const step = (data, id, state) => {
    const { embedding, layers, out } = data.weights, next = core.lstmStep(layers[0], core.row(embedding, id), state);
    return { ...next, logits: core.affine(out.W, next.h, out.b) };
  };
  const read = (data, text) => {
    if (!known.has(data)) known.set(data, { ids: [], steps: [], index: new Map(data.tokens.map((token, id) => [token, id])) });
    const memory = known.get(data), ids = [...text].map((c) => memory.index.get(c) ?? data.tokens.length - 1);
    let same = 0;
    while (same < ids.length && ids[same] === memory.ids[same]) same++;
    memory.steps.length = same;
    for (let k = same, last = memory.steps[same - 1] || { h: core.zeros(data.H), c: core.zeros(data.H) }; k < ids.length; k++) {
      last = step(data, ids[k], last);
      memory.steps.push(last);
    }
    memory.ids = ids;
    return memory;
  };
  const ahead = (data, last) => {
    let text = "";
    for (let k = 0, now = last; k < data.ahead; k++) {
      const id = core.argmax(now.logits);
      if (data.tokens[id] === "\n") break;
      text += data.tokens[id];
      now = step(data, id, now);
    }
    return text;
  };

  const numbers = (data, { text, head, lens, temperature }) => {
    const { ids, steps } = read(data, text);
    if (!ids.length) return { ids: [], values: [], bits: 0, cells: core.zeros(data.H), likely: [], ghost: "" };
    const surprise = ids.map((id, k) => (k ? -core.logSoftmax(steps[k - 1].logits)[id] / Math.LN2 : 0));
    const at = head < 0 ? ids.length - 1 : Math.min(head, ids.length - 1);
    const sign = (data.units.find(({ unit }) => unit === lens) || { sign: 1 }).sign;
    const p = core.softmax(steps[at].logits, temperature);
    const order = Array.from(p, (_, id) => id).sort((a, b) => p[b] - p[a]).slice(0, data.likely);
    return { ids, values: lens < 0 ? surprise.map((bits) => Math.min(1, bits / 10)) : steps.map(({ c }) => sign * Math.tanh(c[lens])),
      bits: ids.length > 1 ? surprise.reduce((a, b) => a + b) / (ids.length - 1) : 0, cells: core.map(steps[at].c, Math.tanh),
      likely: order.map((id) => ({ id, p: p[id] })), ghost: ahead(data, steps.at(-1)) };
  };

  // --- the picture ---

  const place = ({ head }, { ids }) => (head < 0 ? ids.length - 1 : Math.min(head, ids.length - 1));
  const coloured = (data, state, n, text) => [...text].map((c, k) =>
    `<span class="lfm-c${n.values[k] < 0 ? " lfm-below" : ""}${k === place(state, n) ? " lfm-head" : ""}" style="--v: ${Math.abs(n.values[k]).toFixed(2)}">${esc(c)}</span>`).join("");
  const cellNote = (data, { lens }, n) => {
    const one = data.units.find(({ unit }) => unit === lens);
    if (lens < 0) return "choose a cell, and the text shows it";
    return `cell ${lens}: <b>${signed(n.cells[lens])}</b>${one ? `; ${one.note}, |r| = ${num(one.r)}${one.sign < 0 ? "; above, turned" : ""}` : ""}`;
  };
  const bar = (data, state, n, next) => ({ id, p }) => {
    const token = data.tokens[id];
    return `<li class="${token === next ? "lf-on" : ""}"><span class="lf-mono lfm-g"><span aria-hidden="true">${esc(glyph(token))}</span><span class="lf-hidden">${esc(spoken(token))}</span></span><span class="lf-b" style="--p: ${p.toFixed(3)}"></span><span class="lf-pc">${num(100 * p, 1)}%</span></li>`;
  };

  const draw = (data, state, n) => {
    const lenses = [...data.units, { unit: SURPRISE, name: "surprise" }], named = lenses.some(({ unit }) => unit === state.lens);
    const chips = lenses.map(({ unit, name }, k) => `<button type="button" role="radio" aria-checked="${unit === state.lens}" tabindex="${unit === state.lens || (!named && !k) ? 0 : -1}" ${sets({ lens: unit })}>${name}</button>`);
    const at = place(state, n), next = [...state.text][at + 1];
    const cells = n.cells.map((v, k) => `<span role="option" id="lfm-cell-${k}" class="lfm-cell${data.units.some(({ unit }) => unit === k) ? " lfm-named" : ""}" aria-selected="${k === state.lens}" aria-label="cell ${k}, ${num(v)}" tabindex="${k === Math.max(state.lens, 0) ? 0 : -1}" ${sets({ lens: k })}>${square(v)}</span>`);
    const before = [...state.text].slice(Math.max(0, at - 15), at + 1).map((c) => (c === "\n" || c === "\t" ? glyph(c) : c)).join("");
    const key = state.lens < 0 ? `expected <span class="lf-scale lf-one"></span> 10 bits` : `\u22121 <span class="lf-scale"></span> +1`;
    return `<div class="lf-controls"><div class="lf-controls" role="radiogroup" aria-label="Colour the text by" data-rove><span class="lf-label">Colour the text by</span>${chips.join("")}</div></div>
<div class="lfm-text"><div class="lfm-mirror">${coloured(data, state, n, state.text)}${state.head < 0 || at === n.ids.length - 1 ? `<span class="lfm-ghost">${esc(n.ghost)}</span>` : ""}\u200b</div>
<textarea class="lfm-area" data-bind="text" spellcheck="false" autocomplete="off" autocapitalize="off" autocorrect="off" maxlength="${data.longest}" aria-label="Text for the network to read">
${esc(state.text)}</textarea></div>
<div class="lf-top lfm-foot"><span class="lf-controls"><button type="button" class="lf-go" data-write aria-pressed="${state.writing}">${state.writing ? "\u25a0 stop" : "\u25b8 let it write"}</button></span><span class="lf-sub">${num(n.bits)} bits per character on this text</span></div>
<div class="lf-panels"><div><p class="lf-h">Memory cells</p><p class="lf-sub">${cellNote(data, state, n)}</p><div class="lfm-cells" role="listbox" aria-label="The ${data.H} memory cells" data-rove="20">${cells.join("")}</div><div class="lf-key"><span>${key}</span><span><span class="lfm-dot"></span>named above</span></div></div>
<div><p class="lf-h">Next character</p><p class="lf-sub">after <span class="lf-mono">\u2026${esc(before)}</span></p><ol class="lf-bars" aria-label="Likeliest next characters">${n.likely.map(bar(data, state, n, next)).join("")}</ol>
<div class="lf-controls"><label>temperature <input type="range" data-bind="temperature" min="0.2" max="1.8" step="0.1" value="${state.temperature}"><output>${num(state.temperature, 1)}</output></label></div></div></div>`;
  };

  const say = (data, state, n) => {
    const first = n.likely[0], one = state.lens < 0 ? "" : ` Cell ${state.lens}: ${num(n.cells[state.lens])}.`;
    return `${num(n.bits)} bits per character.${first ? ` Next: ${spoken(data.tokens[first.id]).replace("<", "less than")}, ${num(100 * first.p, 0)} percent.` : ""}${one}`;
  };

  // --- the caret goes back in time, and the network writes ---

  const mount = (root, live) => {
    const area = () => root.querySelector("textarea");
    const go = (head) => { if (head !== live.state.head) live.set({ head }); };
    document.addEventListener("selectionchange", () => {
      if (document.activeElement !== area()) return;
      const at = area().selectionEnd;
      go(at >= area().value.length ? -1 : Math.max(0, [...area().value.slice(0, at)].length - 1));
    });
    area().addEventListener("pointermove", (event) => {
      if (event.pointerType !== "mouse") return;
      const under = document.elementsFromPoint(event.clientX, event.clientY).find((e) => e.classList.contains("lfm-c"));
      if (under) go([...under.parentNode.children].indexOf(under));
    });
    area().addEventListener("pointerleave", () => go(-1));
    // The cells are small for a finger: it slides over them, and the one below it is named.
    live.drag(".lfm-cells", ({ x, y, box }) => {
      const rows = Math.ceil(box.childElementCount / 20), unit = 20 * Math.min(rows - 1, Math.floor(y * rows)) + Math.min(19, Math.floor(x * 20));
      if (unit !== live.state.lens && box.children[unit]) live.set({ lens: unit });
    });

    let stop = () => {};
    const write = () => {
      const { data, state } = live, { steps } = read(data, state.text);
      const p = core.softmax((steps.at(-1) || step(data, 0, { h: core.zeros(data.H), c: core.zeros(data.H) })).logits, state.temperature);
      let id = 0;
      for (let r = Math.random() - p[0]; r > 0 && id < p.length - 2; r -= p[id]) id++;
      left--;
      const over = left <= 0 || state.text.length >= data.longest - 1;
      live.set({ text: state.text + data.tokens[id], head: -1, writing: !over });
      return !over;
    };
    let left = 0;
    root.addEventListener("click", (event) => {
      if (!event.target.closest("[data-write]")) return;
      stop();
      if (live.state.writing) return live.set({ writing: false });
      left = 160;
      live.set({ writing: true, text: live.state.text.length > live.data.longest - 170 ? live.state.text.slice(-200) : live.state.text });
      stop = live.play(write, 45);
    });
    root.addEventListener("input", () => { stop(); if (live.state.writing) live.set({ writing: false }); });
  };

  figure("language_model", { numbers, draw, say, mount });
})();
