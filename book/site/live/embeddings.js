// Chapter 13: type words; the nearest ones, what b - a + c finds, and where it goes wrong.
(() => {
  "use strict";
  const { core, kit, figure } = globalThis.CourseLive, { esc, num, signed, square, sets } = kit;
  const SHOWN = 6, NEAR = 7;

  const numbers = (data, state) => {
    const { vectors } = data.weights;
    const unit = data.words.map((_, i) => { const v = [...core.row(vectors, i)], size = Math.hypot(...v); return v.map((x) => x / size); });
    const number = (word) => data.words.indexOf(word.trim().toLowerCase());
    const cos = (i, j) => core.dot(unit[i], unit[j]);
    const order = (score, banned, k) => data.words.map((_, i) => i).filter((i) => !banned.includes(i))
      .map((i) => [score(i), i]).sort(([x, i], [y, j]) => y - x || i - j).slice(0, k).map(([, i]) => i);
    const answers = (b, a, c) => order((d) => cos(d, b) - cos(d, a) + cos(d, c), state.ban ? [a, b, c] : [], SHOWN);
    const asked = ["b", "a", "c"].map((key) => number(state[key])), near = number(state.near), [b, a, c] = asked;
    const best = Math.min(...asked) < 0 ? [] : answers(...asked);
    return { asked, near, best, parts: best.map((d) => [cos(d, b), -cos(d, a), cos(d, c)]),
      first: data.questions.map((q) => answers(number(q.b), number(q.a), number(q.c))[0]),
      around: near < 0 ? [] : order((d) => cos(d, near), [near], NEAR).map((word) => ({ word, cos: cos(word, near) })) };
  };

  const sum = ({ b, a, c }) => `${esc(b.trim())} \u2212 ${esc(a.trim())} + ${esc(c.trim())}`;
  const current = (data, state) => data.questions.findIndex((q) => ["b", "a", "c"].every((key) => q[key] === state[key].trim().toLowerCase()));
  // What an answer is worth: right; as good, used by the same rules; a word of the question; wrong.
  const worth = (data, k, word, ban) => {
    const q = data.questions[k];
    if (word === data.wanted[k]) return ["right", "\u2713 right"];
    if (q.right.includes(word)) return ["right", `\u2713 as good as ${data.wanted[k]}`];
    const asked = [q.a, q.b, q.c], lost = ban && asked.includes(data.wanted[k]) ? ", which is forbidden" : "";
    return ["wrong", `\u2717 ${asked.includes(word) ? "from the question; " : ""}right: ${data.wanted[k]}${lost}`];
  };
  const missing = (data, n) => (Math.min(...n.asked) < 0 ? `Only the ${data.words.length} words of the small world have vectors.` : "");

  const draw = (data, state, n) => {
    const at = current(data, state);
    const rows = data.questions.map((q, k) => {
      const word = data.words[n.first[k]], [kind, text] = worth(data, k, word, state.ban);
      return `<button type="button" role="radio" aria-checked="${k === at}" tabindex="${k === Math.max(at, 0) ? 0 : -1}" ${sets({ b: q.b, a: q.a, c: q.c })}><span>${sum(q)}</span><b>${word}</b><span class="lfe-${kind}">${text}</span></button>`;
    });
    const field = (key, label, place) => `<input class="lf-field lfe-field" data-bind="${key}" value="${esc(state[key])}" aria-label="${label}" list="lfe-words" autocomplete="off" autocapitalize="none" spellcheck="false" maxlength="12"${place < 0 ? ' aria-invalid="true"' : ""}>`;
    const [b, a, c] = n.asked;
    const mark = (d) => (n.asked.includes(d) ? ' class="lfe-asked"' : "");
    const cell = (v) => `<td>${square(v)} <span>${signed(v)}</span></td>`;
    const lines = n.best.map((d, k) => `<tr><th scope="row"${mark(d)}>${data.words[d]}</th>${n.parts[k].map(cell).join("")}<td><b>${num(n.parts[k].reduce((s, v) => s + v, 0))}</b></td></tr>`);
    const blank = Array.from({ length: SHOWN - lines.length }, () => '<tr><th scope="row">\u00a0</th><td></td><td></td><td></td><td></td></tr>');
    const head = n.best.length ? [`like ${data.words[b]}`, `unlike ${data.words[a]}`, `like ${data.words[c]}`] : ["like", "unlike", "like"];
    const near = n.around.map(({ word, cos }, k) => `<button type="button" class="lfe-near" tabindex="${k ? -1 : 0}" ${sets({ near: data.words[word] })}><span>${data.words[word]}</span><span class="lf-b" style="--p: ${Math.max(0, cos).toFixed(3)}"></span><span class="lf-pc">${num(cos)}</span></button>`);
    return `<datalist id="lfe-words">${data.words.map((word) => `<option value="${word}">`).join("")}</datalist>
<div class="lf-top"><p class="lf-h">b \u2212 a + c, and the first answer</p><div class="lf-controls"><label><input type="checkbox" data-bind="ban"${state.ban ? " checked" : ""}> forbid the words of the question</label></div></div>
<div class="lfe-list" role="radiogroup" aria-label="Questions to the vectors" data-rove>${rows.join("")}</div>
<div class="lf-panels"><div>
<div class="lf-controls lfe-sum">${field("b", "word b", b)}<span>\u2212</span>${field("a", "word a, subtracted", a)}<span>+</span>${field("c", "word c, added", c)}</div>
<p class="lf-sub">${missing(data, n) || `The six words nearest to ${sum(state)}.`}</p>
<div class="lf-scroll" tabindex="0" role="group" aria-label="Answers"><table class="lfe-table"><thead><tr><th scope="col"><span class="lf-hidden">word</span></th>${head.map((text) => `<th scope="col">${text}</th>`).join("")}<th scope="col">sum</th></tr></thead><tbody>${lines.join("")}${blank.join("")}</tbody></table></div>
</div><div>
<div class="lf-controls lfe-sum"><span class="lf-label">nearest to</span>${field("near", "word whose neighbours are shown", n.near)}</div>
<p class="lf-sub">${n.near < 0 ? `Only the ${data.words.length} words of the small world have vectors.` : `By the cosine with ${data.words[n.near]}. Each word leads on.`}</p>
<div class="lfe-around" role="group" aria-label="Nearest words" data-rove data-rove-only>${near.join("")}</div>
</div></div>`;
  };

  const say = (data, state, n) => {
    const first = n.best.slice(0, 3).map((d) => data.words[d]), at = current(data, state);
    const verdict = at < 0 || !first.length ? "" : ` ${worth(data, at, first[0], state.ban)[1].replace(/[\u2713\u2717] /, "")}.`;
    const answer = first.length ? `The arithmetic finds ${first.join(", ")}.${verdict}` : missing(data, n);
    return `${answer} ${n.near < 0 ? "" : `Nearest to ${data.words[n.near]}: ${n.around.slice(0, 3).map(({ word }) => data.words[word]).join(", ")}.`}`;
  };

  figure("embeddings", { numbers, draw, say });
})();
