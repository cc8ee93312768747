// Chapter 16: a beam search in a trained translator. Each column holds the candidates of one length, the likeliest on top;
// above the edge of the beam they are kept, below it they are cut.
(() => {
  "use strict";
  const { core, kit, figure } = globalThis.CourseLive, { esc, num, sets } = kit;

  const read = (data, text) => {
    const found = text.toLowerCase().match(/[^ \t\n.,;:!?"()]+/g) || [], known = (word) => Object.hasOwn(data.known, word);
    return { words: found.filter(known).slice(0, data.longest), unknown: found.filter((word) => !known(word)) };
  };
  const columns = (data, nodes) => {
    const found = [], places = new Map([[-1, -1]]), last = Math.max(0, ...nodes.map(({ length }) => length));
    for (let length = 1; length <= last; length++) {
      const there = nodes.map((_, k) => k).filter((k) => nodes[k].length === length)
        .sort((a, b) => nodes[b].logProb - nodes[a].logProb).slice(0, data.rows);
      found.push(there.map((k) => ({ token: nodes[k].token, logProb: nodes[k].logProb, kept: nodes[k].kept, up: places.get(nodes[k].parent) })));
      there.forEach((k, place) => places.set(k, place));
    }
    return found;
  };
  const numbers = (data, { text, model, width, alpha }) => {
    const { words, unknown } = read(data, text), p = data.weights[model];
    if (!words.length) return { words, unknown, columns: [], best: [], greedy: [] };
    const step = (memory, token) => { const { logProbs, memory: state } = core.decodeStep(p, memory, token); return { logProbs, state }; };
    const state = core.encode(p, words.map((word) => data.known[word])), { start: first, end: eos } = data;
    const search = (wide, normalise, show) =>
      core.beamSearch({ step, state, first, eos, maxLength: words.length + data.more, width: wide, nBest: wide, normalise, show });
    const listed = (best) => best.slice(0, data.listed).map(({ tokens, logProb, score }) => ({ tokens, logProb, score }));
    const found = search(width, alpha, data.rows);
    return { words, unknown, columns: columns(data, found.nodes), best: listed(found.best), greedy: listed(search(1, 0, 0).best) };
  };

  // --- words and probabilities ---

  const TINY = Math.log(1e-3);
  const probability = (logProb) => (logProb < TINY ? "< 0.001" : num(Math.exp(logProb), logProb < Math.log(0.00995) ? 4 : 3));
  const sentence = (data, tokens) => {
    const words = tokens.filter((token) => token !== data.end).map((token) => data.target[token]).join(" ");
    return tokens.at(-1) === data.end ? words || "(nothing)" : `${words} \u2026`;
  };
  /** The rows of a sentence's beginnings, column by column, as far as the picture has them. */
  const path = (n, tokens) => {
    const rows = [];
    for (const [k, token] of tokens.entries()) {
      const row = (n.columns[k] || []).findIndex((one) => one.token === token && one.up === (k ? rows[k - 1] : -1));
      if (row < 0) break;
      rows.push(row);
    }
    return rows;
  };
  const verdict = (data, { width }, { words, columns: [first], best: [best, second], greedy: [greedy] }, italic) => {
    if (!words.length) return "Type some of its words, and the search begins.";
    const told = (one) => `${italic(sentence(data, one.tokens))}, probability ${probability(one.logProb).replace("<", "below")}`;
    if (width === 1) return `A beam of 1 is greedy search: ${told(greedy)}. Is there a likelier sentence? Make the beam wider.`;
    if (best.tokens[0] === data.end) return `The best of all is to say nothing: probability ${probability(best.logProb)}${second ? `, against ${probability(second.logProb)} for ${italic(sentence(data, second.tokens))}` : ""}. Greedy search never goes there.`;
    const apart = best.tokens.findIndex((token, k) => token !== greedy.tokens[k]);
    const nothing = first.find((one) => one.kept && one.token === data.end && one.logProb > best.logProb);
    const quiet = nothing ? ` To say nothing is likelier, ${probability(nothing.logProb)}, but scores less.` : "";
    if (apart < 0) return `A beam of ${width} finds nothing better than greedy search does: ${told(best)}.${quiet}`;
    if (best.logProb < greedy.logProb) return `By this score ${told(best)}, comes first; greedy search writes ${told(greedy)}.`;
    const token = best.tokens[apart], where = apart ? ` after ${italic(sentence(data, [...best.tokens.slice(0, apart), data.end]))}` : "";
    return `Greedy search writes ${told(greedy)}. A beam of ${width} keeps ${italic(token === data.end ? "the end" : data.target[token])}${where}, too, and finds ${told(best)}.`;
  };

  // --- the picture ---

  const tree = (data, { width }, n) => {
    const T = n.columns.length, best = n.best.length ? path(n, n.best[0].tokens) : [], greedy = n.greedy.length ? path(n, n.greedy[0].tokens) : [];
    const on = (rows, k, row) => rows[k] === row;
    const R = data.rows, x = (k) => 0.3 + k, y = (row) => (row + 0.5).toFixed(2);
    const tiny = (one) => one.logProb < TINY && !one.kept; // no line leads there
    const lines = n.columns.flatMap((column, k) => column.map((one, row) => {
      if (tiny(one)) return [0, ""];
      const from = k ? x(k) - 0.1 : 0.08, to = x(k) + 0.1, a = k ? y(one.up) : y(0), b = y(row), middle = ((from + to) / 2).toFixed(2);
      const name = on(best, k, row) ? " lfs-best" : on(greedy, k, row) ? " lfs-greedy" : one.kept ? "" : " lfs-cut";
      return [name ? (name === " lfs-cut" ? 0 : name === " lfs-greedy" ? 2 : 3) : 1, `<path class="lfs-line${name}" d="M${from.toFixed(2)} ${a}C${middle} ${a} ${middle} ${b} ${to.toFixed(2)} ${b}"/>`];
    })).sort(([a], [b]) => a - b).map(([, line]) => line).join("");
    const edge = `<path class="lfs-edge" d="M.1 ${width}H${(T + 0.3).toFixed(2)}"/>`;
    const cells = n.columns.flatMap((column, k) => column.map((one, row) => {
      const end = one.token === data.end, name = `${one.kept ? "" : " lfs-out"}${tiny(one) ? " lfs-tiny" : ""}${on(best, k, row) ? " lfs-first" : ""}${on(greedy, k, row) ? " lfs-g" : ""}${end ? " lfs-end" : ""}`;
      return `<span class="lfs-one${name}" style="grid-area: ${row + 1} / ${k + 2}"><span class="lfs-word">${end ? "end" : esc(data.target[one.token])}</span><span class="lfs-p">${esc(probability(one.logProb))}</span></span>`;
    })).join("");
    const kept = n.columns.map((column, k) => `after ${k + 1}: ${column.filter((one) => one.kept).map((one) => `${one.token === data.end ? "end" : data.target[one.token]} ${probability(one.logProb)}`).join(", ")}`).join("; ");
    const alt = T ? `Beam of ${width} for \u201c${n.words.join(" ")}\u201d: candidates of ${T} lengths in columns, the likeliest on top. Kept ${kept}. Best: ${sentence(data, n.best[0].tokens)}.` : "No sentence, no search.";
    return `<div class="lf-scroll lfs-scroll" tabindex="0" role="group" aria-label="The beam, step by step"><div class="lfs-tree" role="img" aria-label="${esc(alt)}" style="--t: ${Math.max(T, 1)}; --r: ${R}"><svg viewBox="0 0 ${(Math.max(T, 1) + 0.3).toFixed(1)} ${R}" preserveAspectRatio="none" aria-hidden="true">${lines}${T ? edge : ""}</svg>${cells}</div></div>`;
  };
  const list = (data, n) => {
    const rows = Array.from({ length: data.listed }, (_, k) => n.best[k]).map((one, k) => (one ?
      `<tr class="${k ? "" : "lfs-top"}"><th scope="row">${k + 1}. ${esc(sentence(data, one.tokens))}</th><td>${esc(probability(one.logProb))}</td><td>${num(one.logProb)}</td><td>${one.tokens.length}</td><td>${num(one.score)}</td></tr>` :
      `<tr class="lfs-none" aria-hidden="true"><td colspan="5">\u00a0</td></tr>`)).join("");
    return `<table class="lfs-list"><thead><tr><th scope="col">finished, best first</th><th scope="col">P</th><th scope="col">log P</th><th scope="col">length</th><th scope="col">score</th></tr></thead><tbody>${rows}</tbody></table>`;
  };

  const draw = (data, state, n) => {
    const same = (set) => Object.entries(set).every(([key, value]) => state[key] === value);
    const radios = (label, items) => {
      const at = items.findIndex(({ on }) => on);
      return `<div role="radiogroup" aria-label="${label}" data-rove><span class="lf-label">${label}</span>${items.map(({ name, set, on }, k) =>
        `<button type="button" role="radio" aria-checked="${on}" tabindex="${k === Math.max(0, at) ? 0 : -1}" ${sets(set)}>${name}</button>`).join("")}</div>`;
    };
    const presets = data.presets.map(({ name, set }) => ({ name, set, on: same(set) }));
    const widths = Array.from({ length: data.widest }, (_, k) => ({ name: k + 1, set: { width: k + 1 }, on: state.width === k + 1 }));
    const models = [["careful", "careful"], ["careless", "careless <span class=\"lfs-more\">(5 empty lines in 100)</span>"]].map(([model, name]) => ({ name, set: { model }, on: state.model === model }));
    const lost = n.unknown.length ? `It has never seen ${[...new Set(n.unknown)].slice(0, 4).map((word) => `\u201c${esc(word.slice(0, 20))}\u201d`).join(", ")} and reads on without.` : `It knows: ${data.knows}.`;
    return `<div class="lf-controls">${radios("Try", presets)}</div>
<div class="lf-controls lfs-ask"><input class="lf-field lfs-field" data-bind="text" value="${esc(state.text)}" maxlength="160" spellcheck="false" autocomplete="off" autocapitalize="off" aria-label="An English sentence"><p class="lf-label lfs-known">${lost}</p></div>
<div class="lf-controls lfs-set">${radios("Translator", models)}</div>
<div class="lf-controls lfs-set">${radios("Width", widths)}<label>length penalty \u03b1 <input type="range" data-bind="alpha" min="0" max="1" step="0.1" value="${state.alpha}"><output>${num(state.alpha, 1)}</output></label></div>
<p class="lf-sub lfs-source">Beam of ${state.width}, ${state.model} translator, for <i>${esc(n.words.join(" "))}</i></p>
${tree(data, state, n)}
<div class="lf-key"><span><span class="lfs-key lfs-kbest"></span>best in the end</span><span><span class="lfs-key lfs-kgreedy"></span>greedy search</span><span><span class="lfs-key lfs-kedge"></span>below it, cut</span></div>
<p class="lfs-says">${verdict(data, state, n, (text) => `<i>${esc(text)}</i>`)}</p>
${list(data, n)}
<p class="lf-sub lfs-formula">score = log P${state.alpha ? ` / ((5 + length) / 6)<sup>${num(state.alpha, 1)}</sup>` : ", for \u03b1 = 0"}; the end counts as a word</p>`;
  };

  const say = (data, state, n) => verdict(data, state, n, String);

  figure("beam", { numbers, draw, say });
})();
