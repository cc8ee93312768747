// Chapter 19: the reader arranges digits, the network writes what is where, and shows where it looked before each word.
(() => {
  "use strict";
  const { core, kit, figure } = globalThis.CourseLive, { num, sets } = kit, SIDE = 8, CANVAS = 24, TILES = 6;
  const KEYS = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] };
  const there = (state) => [0, 1, 2].filter((k) => state[`d${k}`] !== "");
  const pixels = (data, state, k) => Array.from(data.pixels[state[`d${k}`]][state.hand], (sign) => parseInt(sign, 17) / 16);

  const compose = (data, state) => {
    const image = core.zeros(CANVAS * CANVAS);
    for (const k of there(state)) {
      const [row, column] = state.places[k];
      pixels(data, state, k).forEach((v, i) => {
        const at = (row + (i >> 3)) * CANVAS + column + (i & 7);
        image[at] = Math.max(image[at], v);
      });
    }
    return image;
  };

  // --- the network: convolutions and pooling, a mean for the first state, a look before each word ---

  const relu = (x) => core.tensor(core.map(x, (v) => Math.max(0, v)), x.shape);
  const pool = (x) => {
    const [R, C, K] = x.shape, y = core.tensor(core.zeros((R * C * K) / 4), [R / 2, C / 2, K]);
    for (let r = 0, at = 0; r < R; r++) for (let c = 0; c < C; c++) for (let k = 0; k < K; k++, at++) {
      const to = ((r >> 1) * (C >> 1) + (c >> 1)) * K + k;
      y[to] = Math.max(y[to], x[at]); // after a ReLU nothing is below 0
    }
    return y;
  };
  const encode = (encoder, image) => {
    const grid = [0, 1, 2].reduce((x, k) => relu(core.conv2d(encoder[k].W, encoder[k].b, k ? pool(x) : x)), image), K = grid.shape[2];
    const place = (k) => (2 * k) / (TILES - 1) - 1;
    return Array.from({ length: TILES * TILES }, (_, j) => core.concat(grid.subarray(j * K, j * K + K), [place(Math.floor(j / TILES)), place(j % TILES)]));
  };
  const write = ({ encoder, first, embedding, cell, attention, out }, image, longest) => {
    const keys = encode(encoder, image), ids = [], p = [], gaze = [];
    const mean = core.map(keys[0], (_, k) => keys.reduce((s, key) => s + key[k], 0) / keys.length);
    let state = core.map(core.affine(first.W, mean, first.b), Math.tanh), last = 0;
    do {
      const { weights, context } = core.attend("additive", attention, state, keys);
      state = core.gruStep(cell, core.concat(core.row(embedding, last), context), state).h;
      const probs = core.softmax(core.affine(out.W, core.concat(state, context), out.b));
      last = core.argmax(probs);
      ids.push(last);
      p.push(probs[last]);
      gaze.push(weights);
    } while (last !== 0 && ids.length < longest);
    return { ids, p, gaze };
  };

  // --- what is true: every caption of the grammar ---

  const relation = ([ra, ca], [rb, cb]) => {
    const down = rb - ra, right = cb - ca, far = Math.max(Math.abs(down), Math.abs(right)), near = Math.min(Math.abs(down), Math.abs(right));
    if (far < SIDE || far - near < 3) return null;
    if (Math.abs(right) > Math.abs(down)) return right > 0 ? "to the left of" : "to the right of";
    return down > 0 ? "above" : "below";
  };
  const written = (text) => text.replace(/\ba eight/g, "an eight");
  const trueCaptions = (data, state) => {
    const all = there(state), name = (k) => `a ${data.names[state[`d${k}`]]}`, found = new Set();
    for (const first of all) {
      const others = all.filter((k) => k !== first), between = (k) => relation(state.places[first], state.places[k]);
      if (others.some((k) => !between(k))) continue;
      for (const order of [others, [...others].reverse()]) found.add(written([name(first), order.map((k) => `${between(k)} ${name(k)}`).join(" and ")].join(" ").trim()));
    }
    return found;
  };
  const wordsOf = (data, n) => n.ids.filter((id) => id !== 0).map((id) => data.tokens[id]);
  const caption = (data, n) => written(wordsOf(data, n).join(" "));

  const overlap = (tile, from) => Math.max(0, Math.min(4 * tile + 4, from + SIDE) - Math.max(4 * tile, from)) / 4;
  const share = (look, [row, column]) => look.reduce((s, v, j) => s + v * overlap(Math.floor(j / TILES), row) * overlap(j % TILES, column), 0);

  const numbers = (data, state) => {
    const image = core.tensor(compose(data, state), [CANVAS, CANVAS, 1]);
    const found = write(data.weights, image, data.longest), valid = trueCaptions(data, state);
    const named = wordsOf(data, found).filter((word) => data.names.includes(word)).sort().join();
    const digits = named === there(state).map((k) => data.names[state[`d${k}`]]).sort().join();
    return { ...found, shares: found.gaze.map((look) => there(state).map((k) => share(look, state.places[k]))),
      digits, whole: valid.has(caption(data, found)), clear: valid.size };
  };

  // --- the picture ---

  const verdict = (state, n) => {
    if (!there(state).length) return ["wrong", "There is nothing to see, and it speaks all the same."];
    if (n.whole) return ["right", "\u2713 This is true."];
    if (!n.digits) return ["wrong", "\u2717 Not true: these are not the digits."];
    return ["wrong", n.clear ? "\u2717 Not true: the right digits, the wrong relation." : "\u2717 No caption of its grammar is true here: no digit stands clearly beside, above or below all others."];
  };
  const ink = (data, state) => {
    const levels = {};
    compose(data, state).forEach((v, at) => { if (v) (levels[v] ??= []).push(`M${at % CANVAS} ${Math.floor(at / CANVAS)}h1v1h-1z`); });
    return Object.entries(levels).map(([v, path]) => `<path style="--v: ${Math.round(100 * v)}%" d="${path.join("")}"/>`).join("");
  };
  // A square for each tile, its area the weight: its outline lies inside, and shows on a digit too.
  const squares = (look, large, line = 0) => {
    const most = Math.max(...look);
    return look.map((v, j) => {
      const full = 3.9 * Math.sqrt(v / most), side = full - line, s = side.toFixed(2);
      return full > 0.5 !== large ? "" : `M${(4 * (j % TILES) + 2 - side / 2).toFixed(2)} ${(4 * Math.floor(j / TILES) + 2 - side / 2).toFixed(2)}h${s}v${s}h-${s}z`;
    }).join("");
  };
  const draw = (data, state, n) => {
    const words = wordsOf(data, n), shown = n.ids.map((id, t) => (id === 0 ? "end" : data.tokens[id] === "a" && words[t + 1] === "eight" ? "an" : data.tokens[id]));
    const at = Math.min(state.word, shown.length - 1), look = n.gaze[at], whole = squares(look, true), outline = squares(look, true, 0.24), all = there(state);
    const name = (k) => data.names[state[`d${k}`]];
    const digits = all.map((k) => { const [row, column] = state.places[k]; return `<button type="button" class="lfd-digit" data-digit="${k}" style="--r: ${row}; --c: ${column}" aria-label="${name(k)}, row ${row}, column ${column}; arrow keys move it"></button>`; });
    const select = (k) => `<select data-bind="d${k}" aria-label="digit ${k + 1}">${["", ...data.names.keys()].map((d) => `<option value="${d}"${String(d) === state[`d${k}`] ? " selected" : ""}>${d === "" ? "none" : data.names[d]}</option>`).join("")}</select>`;
    const radio = (label, changes, on, stop) => `<button type="button" role="radio" aria-checked="${on}" tabindex="${stop ? 0 : -1}" ${sets(changes)}>${label}</button>`;
    const chosen = data.scenes.findIndex(({ set }) => Object.entries(set).every(([key, value]) => key === "word" || JSON.stringify(state[key]) === JSON.stringify(value)));
    const scenes = data.scenes.map(({ label, set }, k) => radio(label, set, k === chosen, k === Math.max(0, chosen)));
    const hands = [0, 1, 2].map((k) => radio(k + 1, { hand: k }, state.hand === k, state.hand === k));
    const line = shown.map((word, t) => `<button type="button" role="radio" class="lfd-word${n.ids[t] ? "" : " lfd-end"}" aria-checked="${t === at}" tabindex="${t === at ? 0 : -1}" ${sets({ word: t })}>${word}</button>`);
    const bar = (label, v) => `<li><span>${label}</span><span class="lf-b" style="--p: ${Math.max(0, v).toFixed(3)}"></span><span class="lf-pc">${num(100 * v, 0)} %</span></li>`;
    const rows = all.map((k, i) => bar(`the ${name(k)}`, n.shares[at][i])), rest = 1 - n.shares[at].reduce((s, v) => s + v, 0);
    const [kind, text] = verdict(state, n);
    return `<div class="lf-controls"><div class="lf-controls" role="radiogroup" aria-label="Scenes to try" data-rove>${scenes.join("")}</div></div>
<div class="lf-panels lfd-panels"><div><div class="lfd-canvas"><svg viewBox="0 0 24 24" role="img" aria-label="A canvas with ${all.length ? all.map((k) => `a ${name(k)} at row ${state.places[k][0]}, column ${state.places[k][1]}`).join(", ") : "nothing on it"}. Squares show the gaze before the word ${shown[at]}."><path class="lfd-gaze" d="${whole}"/><g class="lfd-ink">${ink(data, state)}</g><path class="lfd-halo" d="${whole}"/><path class="lfd-ring" d="${outline}"/><path class="lfd-small" d="${squares(look, false)}"/></svg>${digits.join("")}</div>
<div class="lf-controls lfd-set"><span class="lf-label lfd-hint">Drag a digit, or focus it and use the arrow keys.</span>${[0, 1, 2].map(select).join("")}<div role="radiogroup" aria-label="Handwriting" data-rove><span class="lf-label">hand</span>${hands.join("")}</div></div></div>
<div><p class="lf-h">What it writes</p><div class="lfd-line" role="radiogroup" aria-label="Words of the caption; the chosen one shows its gaze" data-rove>${line.join("")}</div>
<p class="lfd-says lfd-${kind}">${text}</p>
<p class="lf-h">Its gaze before <i>${shown[at]}</i></p><p class="lf-sub">This word got a probability of ${num(n.p[at])}.</p>
<ul class="lf-bars lfd-bars">${rows.join("")}${bar("elsewhere", rest)}</ul></div></div>
<p class="lf-key"><span><span class="lfd-key"></span>gaze: a larger square, more weight (the largest of each word is full)</span></p>`;
  };

  const say = (data, state, n) => `It writes: ${caption(data, n)}. ${verdict(state, n)[1].replace(/[\u2713\u2717] /, "")}`;

  // Digits follow mouse, pen or finger; arrow keys move the one that has the focus.
  const mount = (root, live) => {
    const move = (k, row, column) => {
      const inside = (v) => Math.max(0, Math.min(CANVAS - SIDE, Math.round(v))), to = [inside(row), inside(column)];
      if (String(to) !== String(live.state.places[k])) live.set({ places: live.state.places.map((place, i) => (i === k ? to : place)) });
    };
    let held = null;
    live.drag(".lfd-canvas", ({ x, y, first }) => {
      const [px, py] = [CANVAS * x, CANVAS * y];
      if (first) {
        const away = (k) => { const [row, column] = live.state.places[k]; return Math.max(Math.abs(py - row - 4), Math.abs(px - column - 4)); };
        const k = there(live.state).sort((a, b) => away(a) - away(b))[0];
        held = k === undefined || away(k) > 4.5 ? null : { k, row: py - live.state.places[k][0], column: px - live.state.places[k][1] };
      } else if (held) move(held.k, py - held.row, px - held.column);
    });
    root.addEventListener("keydown", (event) => {
      const k = event.target.dataset.digit, step = KEYS[event.key];
      if (k === undefined || !step || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      const [row, column] = live.state.places[k];
      move(Number(k), row + step[0], column + step[1]);
    });
  };

  figure("captions", { numbers, draw, say, mount });
})();
