// Chapter 17: the recorded translator writes French; ribbons show for each word where it looked.
(() => {
  "use strict";
  const { core, kit, figure } = globalThis.CourseLive, { esc, num, sets } = kit;

  const read = (data, text) => {
    const found = text.toLowerCase().match(/[^ \t\n.,;:!?"()]+/g) || [], known = (word) => Object.hasOwn(data.known, word);
    return { words: found.filter(known).slice(0, data.longest), unknown: found.filter((word) => !known(word)) };
  };

  const numbers = (data, { text }) => {
    const { words, unknown } = read(data, text), found = { words, unknown, tokens: [], p: [], weights: [] };
    if (!words.length) return found;
    let memory = core.encode(data.weights, words.map((word) => data.known[word])), token = data.start;
    while (token !== data.end && found.tokens.length < words.length + data.more) {
      const step = core.decodeStep(data.weights, memory, token);
      ({ memory } = step);
      token = core.argmax(step.logProbs);
      found.tokens.push(token);
      found.p.push(Math.exp(step.logProbs[token]));
      found.weights.push(step.weights);
    }
    return found;
  };

  // --- what is chosen, and what it looks at or is looked at by ---

  const view = (data, { side, at }, n) => {
    const french = n.tokens.map((token) => (token === data.end ? "end" : data.target[token])), far = side === "french" ? french : n.words;
    const k = Math.max(0, Math.min(at, far.length - 1)), to = side === "french" ? n.words : french;
    const looks = side === "french" ? n.weights[k] || [] : n.weights.map((row) => row[k]);
    const order = looks.map((_, j) => j).sort((a, b) => looks[b] - looks[a]);
    return { french, side, k, looks, order, word: far[k], to };
  };
  const ARTICLES = ["le", "la", "les"];
  const verdict = (data, state, n, bold) => {
    const { side, k, looks, order: [a, b], word, to } = view(data, state, n);
    if (!n.words.length) return "Type some of its words, and it writes.";
    const share = (j) => `${bold(to[j])}${to.filter((other) => other === to[j]).length > 1 ? ` (word ${j + 1})` : ""}, ${num(looks[j])}`;
    if (side === "english") {
      const by = looks.map((_, j) => j).filter((j) => looks[j] >= 0.1);
      const readers = by.map((j) => `${to[j] === "end" ? "the end" : bold(to[j])} (${num(looks[j])})`).join(", ");
      return `${bold(word)}, English word ${k + 1}, ${by.length ? `is looked at by ${readers}` : "is looked at by no French word with a weight of 0.1 or more"}.`;
    }
    const name = word === "end" ? `The end, after ${k} words,` : `${bold(word)}, French word ${k + 1},`;
    const sure = looks[a] >= 0.6;
    const seen = sure || looks.length < 2 ? `looks at ${share(a)}` : `divides its look: ${share(a)}; ${share(b)}`;
    const why = word === "end" ? " There is nothing left to fetch, but the weights must sum to 1." :
      sure && ARTICLES.includes(word) && data.nouns.includes(to[a]) ? " Which article it has to be depends on the noun, not on \u201cthe\u201d." :
        sure && a !== k && to[a] !== "the" ? ` Word ${a + 1} of the English has become word ${k + 1} of the French.` : "";
    return `${name} ${seen}.${why}`;
  };

  // --- the picture ---

  const ribbons = ({ end }, n, chosen) => {
    const S = n.words.length, T = n.tokens.length, x = (j, of) => ((100 * (j + 0.5)) / of).toFixed(2);
    const lines = n.weights.flatMap((row, i) => row.map((w, j) => ({ w, i, j, on: chosen.side === "french" ? i === chosen.k : j === chosen.k })))
      .filter(({ w }) => w >= 0.03).sort((a, b) => a.on - b.on || a.w - b.w);
    return `<svg viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">${lines.map(({ w, i, j, on }) =>
      `<path class="lfa-look${on ? " lfa-on" : n.tokens[i] === end ? " lfa-last" : ""}" d="M${x(j, S)} 0C${x(j, S)} 55 ${x(i, T)} 45 ${x(i, T)} 100" style="stroke-width: ${(0.75 + 12 * w).toFixed(1)}px; --w: ${w.toFixed(2)}"/>`).join("")}</svg>`;
  };
  const row = (side, list, chosen, n) => {
    const own = side === chosen.side, name = side === "french" ? "French, written by the network" : "English, read by the network";
    const cells = list.map((word, k) => {
      const here = own && k === chosen.k, w = own ? null : chosen.looks[k];
      const mark = w === null ? "" : `<span class="lfa-w${w >= 0.03 ? "" : " lf-muted"}">${num(w)}</span>`;
      const said = word === "end" ? "end of the sentence" : word;
      return `<button type="button" role="radio" class="lfa-word${w > 0.5 ? " lfa-seen" : ""}${word === "end" ? " lfa-end" : ""}" aria-checked="${here}" tabindex="${here || (!own && !k) ? 0 : -1}" ${sets({ side, at: k })} aria-label="${esc(said)}${w === null ? "" : `, weight ${num(w)}`}"><span class="lfa-text">${esc(word)}</span>${mark}</button>`;
    });
    return `<div class="lfa-row lfa-${side}" role="${list.length ? "radiogroup" : "group"}" aria-label="${name}" data-rove style="--n: ${Math.max(1, list.length)}">${cells.join("")}</div>`;
  };

  const draw = (data, state, n) => {
    const chosen = view(data, state, n), tried = data.try.indexOf(state.text);
    const chips = data.try.map((text, k) => `<button type="button" role="radio" aria-checked="${k === tried}" tabindex="${k === Math.max(0, tried) ? 0 : -1}" ${sets({ text, side: "french", at: k ? 0 : 2 })}>${esc(text)}</button>`);
    const long = n.words.filter((word) => word === "and").length >= data.phrases ? ` More than ${data.phrases} phrases: no training sentence was as long.` : "";
    const lost = n.unknown.length ? `It has never seen ${[...new Set(n.unknown)].slice(0, 4).map((word) => `\u201c${esc(word.slice(0, 20))}\u201d`).join(", ")} and reads on without.${long}` : long ? long.trim() : `It knows: ${data.knows}.`;
    const wide = Math.max(n.words.length, chosen.french.length, 2);
    return `<div class="lf-controls lfa-ask"><input class="lf-field lfa-field" data-bind="text" value="${esc(state.text)}" maxlength="160" spellcheck="false" autocomplete="off" autocapitalize="off" aria-label="An English sentence">
<div class="lfa-try" role="radiogroup" aria-label="Sentences to try" data-rove><span class="lf-label">Try</span>${chips.join("")}</div><p class="lf-label lfa-known">${lost}</p></div>
<div class="lf-scroll"><div class="lfa-both" style="--wide: ${wide}"><span class="lf-label lfa-side" aria-hidden="true">reads</span>${row("english", n.words, chosen, n)}<div class="lfa-between">${n.words.length ? ribbons(data, n, chosen) : ""}</div>${row("french", chosen.french, chosen, n)}<span class="lf-label lfa-side" aria-hidden="true">writes</span></div></div>
<p class="lfa-says">${verdict(data, state, n, (word) => `<b>${esc(word)}</b>`)}</p>`;
  };

  const say = (data, state, n) => `${n.tokens.slice(0, -1).map((token) => data.target[token]).join(" ")}. ${verdict(data, state, n, String)}`;

  // A mouse that rests on a word, or the focus that comes to it, chooses it as a click does.
  const mount = (root, live) => {
    const choose = ({ target }) => {
      const word = target.closest(".lfa-word");
      if (!word || !root.contains(word)) return;
      const { side, at } = JSON.parse(word.dataset.set);
      if (side !== live.state.side || at !== live.state.at) live.set({ side, at });
    };
    root.addEventListener("pointerover", (event) => { if (event.pointerType === "mouse") choose(event); });
    root.addEventListener("focusin", choose);
  };

  figure("attention", { numbers, draw, say, mount });
})();
