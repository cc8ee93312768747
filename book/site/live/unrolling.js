// Chapter 3: step through a sentence; the step chosen is shown with every number that goes into it.
(() => {
  "use strict";
  const { core, kit, figure } = globalThis.CourseLive, { esc, num, square, sets } = kit;

  const read = (data, text) => {
    const found = text.split(/\s+/).map((word) => word.replace(/^[.,!?]+|[.,!?]+$/g, "").toLowerCase()).filter(Boolean);
    const known = found.filter((word) => data.vocabulary.includes(word) && word !== "<eos>");
    return { words: [...known.slice(0, data.longest), "<eos>"], unknown: found.filter((word) => !data.vocabulary.includes(word)) };
  };

  const numbers = (data, { text }) => {
    const { words, unknown } = read(data, text), { rnn, out } = data.weights, silent = core.zeros(2);
    const xs = words.map((word) => core.map(data.vocabulary, (other) => Number(other === word)));
    const hs = core.unroll((x, h) => core.rnnStep(rnn, x, h), xs, core.zeros(2));
    const logits = hs.slice(1).map((h) => core.affine(out.W, h, out.b)[0]);
    return { words, unknown, fromX: xs.map((x) => core.affine(rnn.W_xh, x, silent)),
      fromH: hs.slice(0, -1).map((h) => core.affine(rnn.W_hh, h)), hs, logits, p: logits.map(core.sigmoid) };
  };

  const at = ({ t }, { words }) => Math.min(Math.max(t, 1), words.length);
  const column = (n, k, chosen) => {
    const t = k + 1, [a, b] = n.hs[t], word = n.words[k];
    const name = `step ${t}, ${word}: state ${num(a)} and ${num(b)}, P positive ${num(n.p[k], 3)}`;
    return `<button type="button" role="radio" class="lfu-step" aria-checked="${t === chosen}" tabindex="${t === chosen ? 0 : -1}" ${sets({ t })} aria-label="${esc(name)}">
<span class="lfu-p">${num(n.p[k], 3)}</span><span class="lfu-rise"><span class="lfu-level" style="--p: ${n.p[k].toFixed(3)}"></span></span>
<span class="lfu-h">${square(a)}<span class="lfu-n">${num(a)}</span>${square(b)}<span class="lfu-n">${num(b)}</span></span>
<span class="lfu-up">\u2191</span><span class="lfu-word">${esc(word)}</span></button>`;
  };
  const table = (data, n, t) => {
    const b = data.weights.rnn.b_h, before = t > 1 ? `<i>h</i><sub>${t - 1}</sub>` : "<i>h</i><sub>0</sub>";
    const unit = (j) => {
      const parts = [n.fromX[t - 1][j], n.fromH[t - 1][j], b[j]], sum = parts.reduce((s, v) => s + v, 0);
      return `<tr><th scope="row">unit ${j + 1}</th>${[...parts, sum].map((v) => `<td>${num(v)}</td>`).join("")}<td><b>${num(n.hs[t][j])}</b> ${square(n.hs[t][j])}</td></tr>`;
    };
    return `<table><thead><tr><td></td><th scope="col">the word<br>pushes</th><th scope="col">+ the past<br>pushes (${before})</th><th scope="col">+ bias</th><th scope="col">= sum</th><th scope="col">tanh of it:<br><i>h</i><sub>${t}</sub></th></tr></thead><tbody>${unit(0)}${unit(1)}</tbody></table>`;
  };

  const draw = (data, state, n) => {
    const t = at(state, n), word = n.words[t - 1], [w1, w2] = data.weights.out.W, [a, b] = n.hs[t];
    const chips = data.try.map((text) => `<button type="button" role="radio" aria-checked="${text === state.text}" tabindex="${text === state.text || (!data.try.includes(state.text) && text === data.try[0]) ? 0 : -1}" ${sets({ text, t: 1 })}>${esc(text)}</button>`);
    const lost = n.unknown.length ? `The network has never seen ${n.unknown.map((other) => `\u201c${esc(other)}\u201d`).join(", ")} and skips it.` : `It knows ${data.vocabulary.slice(0, -1).join(", ")}.`;
    return `<div class="lf-controls lfu-ask"><input class="lf-field lfu-text" data-bind="text" value="${esc(state.text)}" maxlength="80" spellcheck="false" autocomplete="off" autocapitalize="off" aria-label="A sentence for the network">
<span class="lfu-known lf-label">${lost}</span>
<div class="lfu-try" role="radiogroup" aria-label="Sentences to try" data-rove><span class="lf-label">Try</span>${chips.join("")}</div></div>
<div class="lf-scroll"><div class="lfu-steps${n.words.length > 6 ? " lfu-many" : ""}" role="radiogroup" aria-label="Steps of the network" data-rove style="--steps: ${n.words.length}">
<span class="lfu-sides" aria-hidden="true"><span class="lfu-p">P(+)</span><span class="lfu-rise"></span><span class="lfu-h lfu-start">${square(0)}<span class="lfu-n">0</span>${square(0)}<span class="lfu-n">0</span></span><span class="lfu-up"></span><span class="lfu-word">start</span></span>
${n.words.map((_, k) => column(n, k, t)).join("")}</div></div>
<div class="lf-top lfu-says"><p class="lf-h">Step ${t}: it reads \u201c${esc(word)}\u201d</p><div class="lf-controls"><button type="button" class="lf-go" ${sets({ t: t < n.words.length ? t + 1 : 1 })}>${t < n.words.length ? "next step \u25b8" : "from the start \u21ba"}</button></div></div>
<div class="lf-scroll">${table(data, n, t)}</div>
<p class="lfu-answer">If asked now: P(positive) = \u03c3(${num(w1)} \u00b7 ${num(a)} ${w2 < 0 ? "\u2212" : "+"} ${num(Math.abs(w2))} \u00b7 ${num(b)} ${data.weights.out.b[0] < 0 ? "\u2212" : "+"} ${num(Math.abs(data.weights.out.b[0]))}) = \u03c3(${num(n.logits[t - 1])}) = <b>${num(n.p[t - 1], 3)}</b></p>`;
  };

  const say = (data, state, n) => {
    const t = at(state, n);
    return `Step ${t} of ${n.words.length}, ${n.words[t - 1].replace(/[<>]/g, "")}: state ${num(n.hs[t][0])} and ${num(n.hs[t][1])}. P positive ${num(n.p[t - 1], 3)}.`;
  };

  figure("unrolling", { numbers, draw, say });
})();
