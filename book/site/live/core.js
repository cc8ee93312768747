// The few operations that the course's networks need, on Float32Array. A classic script: pages opened from a disk may load
// it, Node and the build (V8 without a page) may too. Names, gate order and the (out, in) layout of weights are course_pkg's.
// A tensor is a Float32Array with a property `shape`; a sequence is an array of vectors.
(() => {
  "use strict";
  const tensor = (data, shape = [data.length]) => Object.assign(Float32Array.from(data), { shape });
  const zeros = (n) => new Float32Array(n);
  const fill = (n, f) => { const y = zeros(n); for (let i = 0; i < n; i++) y[i] = f(i); return y; };
  const map = (x, f) => fill(x.length, (i) => f(x[i], i));
  const concat = (...parts) => Float32Array.from(parts.flatMap((part) => [...part]));
  const row = (W, i) => W.subarray(i * W.shape[1], (i + 1) * W.shape[1]);
  const dot = (a, b) => { let s = 0; for (let i = 0; i < a.length; i++) s += a[i] * b[i]; return s; };
  const argmax = (x) => x.reduce((best, v, i) => (v > x[best] ? i : best), 0);
  const sigmoid = (a) => (a >= 0 ? 1 / (1 + Math.exp(-a)) : 1 - 1 / (1 + Math.exp(a)));

  /** W x + b, W: (O, I). */
  const affine = (W, x, b) => {
    const [rows, cols] = W.shape, y = zeros(rows);
    if (x.length !== cols) throw new Error(`affine: x must have ${cols} entries (from W), got ${x.length}`);
    for (let r = 0, k = 0; r < rows; r++) {
      let s = b ? b[r] : 0;
      for (let c = 0; c < cols; c++) s += W[k++] * x[c];
      y[r] = s;
    }
    return y;
  };
  /** W^T y, for the way back. */
  const transposed = (W, y) => {
    const [rows, cols] = W.shape, x = zeros(cols);
    for (let r = 0; r < rows; r++) for (let c = 0; c < cols; c++) x[c] += W[r * cols + c] * y[r];
    return x;
  };

  const logSoftmax = (z) => {
    const most = Math.max(...z), sum = z.reduce((s, v) => s + Math.exp(v - most), 0);
    return map(z, (v) => v - most - Math.log(sum));
  };
  /** exp(z / temperature), divided by its sum; entries that the mask leaves out are exactly 0. */
  const softmax = (z, temperature = 1, mask = null) => {
    const kept = (i) => !mask || mask[i];
    let most = -Infinity, sum = 0;
    z.forEach((v, i) => { if (kept(i) && v > most) most = v; });
    if (most === -Infinity) throw new Error("softmax: nothing to look at");
    const p = z.map((v, i) => (kept(i) ? Math.exp((v - most) / temperature) : 0));
    for (const v of p) sum += v;
    return map(p, (v) => v / sum);
  };

  // --- cells: each returns what the figures draw, gates included ---

  /** (rnn-step)  {W_xh, W_hh, b_h} -> h. */
  const rnnStep = (p, x, h, activation = Math.tanh) => {
    const fromX = affine(p.W_xh, x, p.b_h), fromH = affine(p.W_hh, h);
    return map(fromX, (v, j) => activation(v + fromH[j]));
  };
  /** (lstm-step)  {W_x (4H, D), W_h (4H, H), b}, gates in the order i, f, g, o -> {h, c, gates}. */
  const lstmStep = (p, x, { h, c }) => {
    const H = h.length, a = affine(p.W_x, x, p.b), fromH = affine(p.W_h, h);
    const gate = (n, f) => fill(H, (j) => f(a[n * H + j] + fromH[n * H + j]));
    const gates = { i: gate(0, sigmoid), f: gate(1, sigmoid), g: gate(2, Math.tanh), o: gate(3, sigmoid) };
    const next = map(c, (v, j) => gates.f[j] * v + gates.i[j] * gates.g[j]);
    return { h: map(next, (v, j) => gates.o[j] * Math.tanh(v)), c: next, gates };
  };
  /** (gru-step)  {W_x (3H, D), W_h (3H, H), b, b_hn}, gates in the order r, z, n -> {h, gates}. */
  const gruStep = (p, x, h) => {
    const H = h.length, a = affine(p.W_x, x, p.b), fromH = affine(p.W_h, h);
    const gate = (n) => fill(H, (j) => sigmoid(a[n * H + j] + fromH[n * H + j]));
    const r = gate(0), z = gate(1);
    const n = map(r, (v, j) => Math.tanh(a[2 * H + j] + v * (fromH[2 * H + j] + p.b_hn[j])));
    return { h: map(h, (v, j) => (1 - z[j]) * n[j] + z[j] * v), gates: { r, z, n } };
  };
  /** [state_0, state_1, ...] of any step function. */
  const unroll = (step, xs, start) => xs.reduce((states, x) => [...states, step(x, states.at(-1))], [start]);

  // --- attention: scores of one query against a sequence of keys ---

  const SCORES = {
    additive: (p, q, key) => {
      const a = affine(p.W, key), b = affine(p.U, q);
      return a.reduce((s, v, i) => s + p.v[i] * Math.tanh(v + b[i]), 0);
    },
    dot: (p, q, key) => dot(q, key),
    general: (p, q, key) => dot(q, affine(p.W, key)),
    "scaled dot": (p, q, key) => dot(q, key) / Math.sqrt(key.length),
  };
  /** -> {weights (S), context (K), scores (S)}: where the query looks, and what it sees there. */
  const attend = (score, p, query, keys, mask = null, values = keys) => {
    const scores = map(keys, (key) => SCORES[score](p, query, key)), weights = softmax(scores, 1, mask);
    const context = map(values[0], (_, k) => values.reduce((s, v, j) => s + weights[j] * v[k], 0));
    return { weights, context, scores };
  };

  /** (seq2seq-encode)  Two GRUs read the ids, one from each end -> {keys, state}: a vector a token, and s_0. */
  const encode = ({ source, encoder: { ahead, back }, bridge }, ids) => {
    const read = (p, order) => unroll((id, h) => gruStep(p, row(source, id), h).h, order, zeros(p.b_hn.length)).slice(1);
    const forth = read(ahead, ids), reverse = read(back, [...ids].reverse());
    const keys = forth.map((h, j) => concat(h, reverse[ids.length - 1 - j]));
    return { keys, state: map(affine(bridge[0].W, concat(forth.at(-1), reverse.at(-1)), bridge[0].b), Math.tanh) };
  };
  /** (seq2seq-decoder)  The token before -> {logProbs of the next, weights: where it looked, memory}; additive scores. */
  const decodeStep = ({ target, decoder, attention, out }, { keys, state }, token) => {
    const { weights, context } = attend("additive", attention, state, keys);
    const next = gruStep(decoder, concat(row(target, token), context), state).h;
    return { logProbs: logSoftmax(affine(out.W, concat(next, context), out.b)), weights, memory: { keys, state: next } };
  };

  // --- convolutions ---

  /** (causal-conv)  W: (K, O, I), tap 0 the newest; xs: T vectors of I -> T vectors of O. */
  const causalConv = (W, b, xs, dilation = 1) => {
    const [K, O, I] = W.shape;
    return xs.map((_, t) => fill(O, (o) => {
      let s = b ? b[o] : 0;
      for (let j = 0; j < K && j * dilation <= t; j++) {
        const x = xs[t - j * dilation];
        for (let c = 0; c < I; c++) s += W[(j * O + o) * I + c] * x[c];
      }
      return s;
    }));
  };
  /** (conv2d)  W: (O, I, P, Q), x: tensor (R, C, I) -> tensor (R', C', O); zeros around the image for "same". */
  const conv2d = (W, b, x, padding = "same") => {
    const [O, I, P, Q] = W.shape, [R, C] = x.shape, same = padding === "same";
    const top = same ? P >> 1 : 0, left = same ? Q >> 1 : 0, rows = R + 2 * top - P + 1, cols = C + 2 * left - Q + 1;
    const y = tensor(zeros(rows * cols * O), [rows, cols, O]);
    for (let r = 0, at = 0; r < rows; r++) for (let c = 0; c < cols; c++) for (let o = 0; o < O; o++, at++) {
      let s = b ? b[o] : 0;
      for (let p = 0; p < P; p++) for (let q = 0; q < Q; q++) {
        const yy = r + p - top, xx = c + q - left;
        if (yy < 0 || yy >= R || xx < 0 || xx >= C) continue;
        for (let i = 0; i < I; i++) s += W[((o * I + i) * P + p) * Q + q] * x[(yy * C + xx) * I + i];
      }
      y[at] = s;
    }
    return y;
  };

  // --- search ---

  /** What log P is divided by: 1 for "none", the length for "mean", ((5 + length) / 6)^alpha for a number. */
  const lengthPenalty = (length, normalise) =>
    (normalise === "none" ? 1 : normalise === "mean" ? length : ((5 + length) / 6) ** normalise);
  const bestEntries = (values, k) => Array.from(values, (v, i) => [v, i]).filter(([v]) => v > -Infinity)
    .sort(([a, i], [b, j]) => b - a || i - j).slice(0, k).map(([, i]) => i);
  /** (beam-step)  step(state, token) -> {logProbs, state}. Returns the outcomes, best first, and the tree: each prefix kept,
   *  and of every prefix the `show` best continuations that were cut. As course_pkg.decoding.beam_search, one sequence. */
  const beamSearch = ({ step, state, first, eos, maxLength, width, nBest = 1, normalise = "none", show = 0 }) => {
    const nodes = [], outcomes = [];
    let live = [{ tokens: [], logProb: 0, node: -1, state, last: first }];
    const add = (before, token, logProb, kept) =>
      nodes.push({ parent: before.node, length: before.tokens.length + 1, token, logProb, kept, finished: token === eos }) - 1;
    while (live.length) {
      const found = live.map((prefix) => step(prefix.state, prefix.last)), V = found[0].logProbs.length;
      const totals = found.flatMap(({ logProbs }, n) => Array.from(logProbs, (v) => live[n].logProb + v));
      const chosen = bestEntries(totals, width);
      const children = chosen.map((at) => {
        const n = Math.floor(at / V), token = at % V, before = live[n], logProb = totals[at];
        return { tokens: [...before.tokens, token], logProb, node: add(before, token, logProb, true), state: found[n].state, last: token };
      });
      live.forEach((before, n) => {
        for (const token of bestEntries(totals.slice(n * V, (n + 1) * V), show)) {
          if (!chosen.includes(n * V + token)) add(before, token, totals[n * V + token], false);
        }
      });
      const over = (prefix) => prefix.last === eos || prefix.tokens.length === maxLength;
      for (const { tokens, logProb, node, last } of children.filter(over)) {
        outcomes.push({ tokens, logProb, score: logProb / lengthPenalty(tokens.length, normalise), finished: last === eos, node });
      }
      outcomes.sort((a, b) => b.score - a.score);
      live = children.filter((prefix) => !over(prefix));
      if (live.length && outcomes.length >= nBest && outcomes[nBest - 1].score > live[0].logProb / lengthPenalty(maxLength, normalise)) break;
    }
    return { best: outcomes.slice(0, nBest), nodes };
  };

  // --- weights as they are shipped: base64 of float32 or float16, little end first ---

  const half = (bits) => {
    const sign = bits & 0x8000 ? -1 : 1, e = (bits >> 10) & 31, m = bits & 1023;
    if (e === 0) return sign * m * 2 ** -24;
    return e === 31 ? (m ? NaN : sign * Infinity) : sign * (1 + m / 1024) * 2 ** (e - 15);
  };
  const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const bytesOf = (text) => {
    if (globalThis.atob) return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const bytes = [];
    for (let i = 0; i < text.length; i += 4) { // V8 without a page has no atob
      const [a, b, c, d] = [0, 1, 2, 3].map((k) => LETTERS.indexOf(text[i + k]));
      bytes.push((a << 2) | (b >> 4), ((b & 15) << 4) | (c >> 2), ((c & 3) << 6) | d);
    }
    return Uint8Array.from(bytes.slice(0, bytes.length - (text.match(/=/g) || []).length));
  };
  const KINDS = {
    float32: (buffer) => new Float32Array(buffer),
    float16: (buffer) => map(new Uint16Array(buffer), half),
    int8: (buffer, [, columns], scales) => { // whole steps, and the size of a step in each row
      const size = KINDS.float32(bytesOf(scales).buffer);
      return map(new Int8Array(buffer), (v, k) => v * size[Math.floor(k / columns)]);
    },
  };
  /** {name: [shape, kind, base64, ...]} -> {name: tensor}, "a.b" as {a: {b}}. */
  const unpack = (packed) => {
    const weights = {};
    for (const [name, [shape, kind, text, scales]] of Object.entries(packed)) {
      const { buffer } = bytesOf(text), path = name.split("."), last = path.pop();
      const place = path.reduce((at, key) => (at[key] ??= {}), weights);
      place[last] = tensor(KINDS[kind](buffer, shape, scales), shape);
    }
    return weights;
  };

  // --- what draw() needs: text that is safe, numbers as the book prints them ---

  const esc = (text) => String(text).replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c]);
  const num = (x, digits = 2) => {
    const text = Math.abs(x).toFixed(digits);
    return x < 0 && Number(text) !== 0 ? `\u2212${text}` : text;
  };
  const signed = (x, digits = 2) => (num(x, digits)[0] === "\u2212" ? num(x, digits) : `+${num(x, digits)}`);
  /** A value in [-1, 1] as a square: its size and its hue tell it. */
  const square = (v, extra = "") =>
    `<span class="lf-sq${v < 0 ? " lf-neg" : ""}" style="--v: ${Math.min(1, Math.abs(v)).toFixed(2)}"${extra}></span>`;
  /** A plot whose letters keep their size: lines in an svg that stretches, all text beside it.
   *  x, y: [from, to]; xticks, yticks: [value, text]; lines: [points, class]; marks: [x, y, html, class]; alt: what is seen. */
  const plot = ({ x, y, xticks = [], yticks = [], lines = [], marks = [], xlabel = "", ylabel = "", alt, extra = "" }) => {
    const at = (v, [from, to]) => (100 * (v - from)) / (to - from), up = (v) => 100 - at(v, y);
    const path = (points) => points.map(([a, b], k) => `${k ? "L" : "M"}${at(a, x).toFixed(2)} ${up(b).toFixed(2)}`).join("");
    const tick = (v, text, side, pos) => `<span class="lf-tick lf-${side}" style="--at: ${pos(v).toFixed(2)}%">${text}</span>`;
    return `<div class="lf-plot" role="img" aria-label="${esc(alt)}"><span class="lf-ylabel">${ylabel}</span><div class="lf-box ${extra}"><svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">${
      yticks.map(([v]) => `<path class="lf-axis" d="M0 ${up(v).toFixed(2)}H100"/>`).join("")}${
      lines.map(([points, name]) => `<path class="${name}" d="${path(points)}"/>`).join("")}</svg>${
      yticks.map(([v, text]) => tick(v, text, "left", up)).join("")}${xticks.map(([v, text]) => tick(v, text, "under", (w) => at(w, x))).join("")}${
      marks.map(([a, b, html, name]) => `<span class="${name}" style="left: ${at(a, x).toFixed(2)}%; top: ${up(b).toFixed(2)}%">${html}</span>`).join("")}</div><span class="lf-xlabel">${xlabel}</span></div>`;
  };
  /** An attribute that makes a click (or the arrow keys, inside data-rove) change the state. */
  const sets = (changes) => `data-set="${esc(JSON.stringify(changes))}"`;
  /** Typed arrays become arrays, all the way down: what numbers() gives is what the package's JSON holds. */
  const plain = (value) => {
    if (ArrayBuffer.isView(value) || Array.isArray(value)) return Array.from(value, plain);
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
  };

  const live = (globalThis.CourseLive ??= { figures: {} });
  live.core = { tensor, zeros, map, concat, row, dot, argmax, sigmoid, affine, transposed, softmax, logSoftmax, rnnStep,
    lstmStep, gruStep, unroll, attend, encode, decodeStep, causalConv, conv2d, lengthPenalty, beamSearch, unpack };
  live.kit = { esc, num, signed, square, plot, sets, plain };
  /** figure("name", { numbers(data, state), draw(data, state, numbers), say?, mount? }): see README.md. */
  live.figure = (name, parts) => { live.figures[name] = parts; };
})();
