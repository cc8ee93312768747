// Chapter 4: the gradient walks back through a sentence, and every step hands in its share of the weights' gradient.
(() => {
  "use strict";
  const { core, kit, figure } = globalThis.CourseLive, { esc, num, square, sets } = kit;
  const NAMES = { W_hh: "<b class=\"lf-bold\">W</b><sub>hh</sub>", W_xh: "<b class=\"lf-bold\">W</b><sub>xh</sub>" };
  const LOSSES = { last: "at the last word", each: "at every word" };

  const numbers = (data, { text, losses }) => {
    const { rnn, out } = data.weights, words = [...text.toLowerCase().split(" "), "<eos>"], T = words.length, H = rnn.b_h.length;
    const { target } = data.sentences.find((one) => one.text === text);
    const xs = words.map((word) => core.map(data.vocabulary, (other) => Number(other === word)));
    const hs = core.unroll((x, h) => core.rnnStep(rnn, x, h), xs, core.zeros(H));
    const logits = hs.slice(1).map((h) => core.affine(out.W, h, out.b)[0]), p = logits.map(core.sigmoid);
    const asked = words.map((_, k) => losses === "each" || k === T - 1), count = asked.filter(Boolean).length;
    const loss = asked.reduce((s, yes, k) => s + (yes ? Math.log(1 + Math.exp(target ? -logits[k] : logits[k])) / count : 0), 0);
    const length = (v) => Math.hypot(...v), dhs = [], shares = [], sums = [];
    const total = { W_hh: core.zeros(H * H), W_xh: core.zeros(H * xs[0].length) };
    const outer = (sum, a, b) => a.forEach((v, i) => b.forEach((w, j) => { sum[i * b.length + j] += v * w; }));
    for (let t = T, dh = core.zeros(H); t > 0; t--) {
      const own = asked[t - 1] ? (p[t - 1] - target) / count : 0;
      dh = core.map(dh, (v, i) => v + own * out.W[i]);
      const da = core.map(dh, (v, i) => v * (1 - hs[t][i] ** 2));
      outer(total.W_hh, da, hs[t - 1]);
      outer(total.W_xh, da, xs[t - 1]);
      dhs.unshift(dh);
      shares.unshift({ W_hh: length(da) * length(hs[t - 1]), W_xh: length(da) * length(xs[t - 1]) });
      sums.unshift({ W_hh: length(total.W_hh), W_xh: length(total.W_xh) });
      dh = core.transposed(rnn.W_hh, da);
    }
    return { words, hs: hs.slice(1), p, loss, asked, dhs, shares, sums };
  };

  const length = (v) => Math.hypot(...v), at = ({ t }, { words }) => Math.min(Math.max(t, 1), words.length);
  const squares = (v, scale) => `<span class="lfb-eight">${v.map((one) => square(one / scale)).join("")}</span>`;
  const column = (state, n, scale, most) => (word, k) => {
    const t = k + 1, there = t >= at(state, n), here = t === at(state, n), norm = length(n.dhs[k]), share = n.shares[k][state.weights];
    const name = `step ${t}, ${word}: ${there ? `gradient of length ${num(norm)}, share ${num(share)}` : "not yet reached"}`;
    const back = there && k < n.words.length - 1 ? `<span class="lfb-back" style="--w: ${(1 + 5 * length(n.dhs[k + 1]) / scale / 1.6).toFixed(1)}px"></span>` : "";
    return `<button type="button" role="radio" class="lfb-step${there ? "" : " lfb-later"}" aria-checked="${here}" tabindex="${here ? 0 : -1}" ${sets({ t })} aria-label="${esc(name)}">
<span class="lfb-loss">${n.asked[k] ? `<i>L</i><span class="lfb-down"></span>` : ""}</span>
<span class="lfb-grad">${squares(n.dhs[k].map((v) => (there ? v : 0)), scale)}${back}</span><span class="lfb-n">${there ? num(norm) : "\u2013"}</span>
<span class="lfb-rise"><span class="lfb-share" style="--p: ${(there ? share / most : 0).toFixed(3)}"></span></span><span class="lfb-n">${there ? num(share) : "\u2013"}</span>
<span class="lfb-word">${esc(word)}</span></button>`;
  };
  const radios = (label, key, state, choices) => `<div role="radiogroup" aria-label="${label}" data-rove><span class="lf-label">${label}</span>${choices.map(([value, text, more = {}]) =>
    `<button type="button" role="radio" aria-checked="${state[key] === value}" tabindex="${state[key] === value ? 0 : -1}" ${sets({ [key]: value, ...more })}>${text}</button>`).join("")}</div>`;

  const draw = (data, state, n) => {
    const t = at(state, n), T = n.words.length, scale = Math.max(...n.dhs.flat().map(Math.abs)), most = Math.max(...n.shares.map((one) => one[state.weights]));
    const { target } = data.sentences.find((one) => one.text === state.text), name = NAMES[state.weights];
    const best = n.shares.reduce((a, one, k) => (k >= t - 1 && (a < 0 || one[state.weights] > n.shares[a][state.weights]) ? k : a), -1);
    const done = t === 1 ? `The whole gradient of ${name} has the length <b>${num(n.sums[0][state.weights])}</b>. ` : `The shares of steps ${t} to ${T}, added up, have the length <b>${num(n.sums[t - 1][state.weights])}</b>. `;
    return `<div class="lf-controls lfb-set">${radios("Sentence", "text", state, data.sentences.map(({ text }) => [text, text, { t: 1 }]))}
${radios("Loss", "losses", state, Object.entries(LOSSES))}${radios("Share of", "weights", state, Object.entries(NAMES))}</div>
<div class="lf-scroll"><div class="lfb-steps" role="radiogroup" aria-label="The walk back" data-rove style="--steps: ${T}">
<span class="lfb-sides" aria-hidden="true"><span class="lfb-loss">loss</span><span class="lfb-grad">d<i>L</i>/d<b class="lf-bold">h</b><sub>t</sub></span><span class="lfb-n">length</span><span class="lfb-rise"><span>share of<br>d${name}</span></span><span class="lfb-n">length</span><span class="lfb-word">reads</span></span>
${n.words.map(column(state, n, scale, most)).join("")}</div></div>
<div class="lf-top lfb-says"><p>${t === 1 ? done : `The walk is at step ${t}. ${done}`}The largest share is that of step ${best + 1}, \u201c${esc(n.words[best])}\u201d.
<span class="lf-muted">The answer was P(positive) = ${num(n.p.at(-1))}; right is ${target}; the loss is ${num(n.loss, 3)}.</span></p>
<div class="lf-controls"><button type="button" class="lf-go" ${sets({ t: t > 1 ? t - 1 : T })}>${t > 1 ? "\u25c2 one step back" : "\u21ba from the end"}</button></div></div>`;
  };

  const say = (data, state, n) => {
    const t = at(state, n);
    return `Step ${t}, ${n.words[t - 1].replace(/[<>]/g, "")}: gradient of length ${num(length(n.dhs[t - 1]))}, share ${num(n.shares[t - 1][state.weights])}. Sum so far ${num(n.sums[t - 1][state.weights])}.`;
  };

  figure("bptt", { numbers, draw, say });
})();
