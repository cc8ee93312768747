// Chapter 20: what the last output of a temporal convolutional network sees, for any kernel, dilation and depth.
(() => {
  "use strict";
  const { kit, figure } = globalThis.CourseLive, { num, sets } = kit, CLEAR = 200; // lines that can be told apart
  const dilations = ({ base, L }) => Array.from({ length: L }, (_, level) => base ** level);
  const spanned = (K, base, L) => 1 + 2 * (K - 1) * dilations({ base, L }).reduce((sum, d) => sum + d, 0);
  const many = (n, what) => `${grouped(n)} ${what}${n === 1 ? "" : "s"}`;
  const grouped = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, ",");

  // What is seen of each row, newest first: a step, and from it all that its taps read.
  const numbers = (data, { K, base, L }) => {
    const length = spanned(K, base, L), rows = [new Uint8Array(length).fill(1, 0, 1)];
    for (const d of dilations({ base, L }).reverse().flatMap((d) => [d, d])) {
      const above = rows.at(-1), row = new Uint8Array(length);
      for (let s = 0; s < length; s++) if (above[s]) for (let j = 0; j < K; j++) row[s + j * d] = 1;
      rows.push(row);
    }
    const last = rows.at(-1), runs = [];
    for (let s = 0; s < Math.min(length, data.task); s++) {
      if (last[s] && !last[s - 1]) runs.push([s, s + 1]);
      else if (last[s]) runs.at(-1)[1] = s + 1;
    }
    let enough = 1;
    while (spanned(K, base, enough) < data.task) enough++;
    const marks = (row) => Array.from({ length: data.steps }, (_, s) => (row[s] ? 1 : 0)).join("");
    return { spanned: length, plain: spanned(K, 1, L), seen: last.reduce((sum, v) => sum + v, 0), rows: rows.map(marks), runs, enough };
  };

  const holes = (n) => n.seen < n.spanned;
  const formula = ({ K, base, L }, n) => {
    const ds = dilations({ base, L }).map(grouped), sum = L > 1 ? `(${ds.join(" + ")})` : "1";
    return `1 + 2 \u00b7 (${K} \u2212 1) \u00b7 ${sum} = ${grouped(n.spanned)}`;
  };
  const against = ({ L, base }, n) => (base === 1 ? "Every convolution adds the same few steps" : `Undilated, the same ${2 * L} convolutions would see ${n.plain}`);
  const enough = (data, n) => `${data.task} numbers take ${many(n.enough, "block")}`;

  const picture = (data, state, n) => {
    const T = data.steps, rows = n.rows.length, ds = dilations(state).reverse().flatMap((d) => [d, d]);
    const seen = (r, s) => n.rows[r][s] === "1", x = (s) => T - 1 - s;
    let lines = "", rest = "", dots = "", faint = "", drawn = 0;
    for (let r = 0; r < rows; r++) for (let s = 0; s < T; s++) {
      if (seen(r, s)) dots += `M${x(s)} ${r}h0`;
      else faint += `M${x(s)} ${r}h0`;
      if (r < rows - 1 && seen(r, s)) for (let j = 0; j < state.K && s + (j - 1) * ds[r] < T; j++, drawn++) {
        const path = `M${x(s)} ${r}L${x(s + j * ds[r])} ${r + 1}`;
        if (s) rest += path; else lines += path;
      }
    }
    if (drawn <= CLEAR) [lines, rest] = [lines + rest, ""];
    const here = [...n.rows.at(-1)].filter((mark) => mark === "1").length;
    const alt = `A tree of taps: ${2 * state.L} convolutions with ${state.K} taps, two to a block, dilations ${dilations(state).join(", ")}. Of the ${T} steps of the input that are drawn, the last output depends on ${here}.`;
    const names = dilations(state).reverse().map((d, k) => `<span style="--at: ${((2 * k + 1.5) / (rows)) * 100}%"><i>d</i> = ${grouped(d)}</span>`);
    const crowded = rest ? " Drawn in full: what the newest step of each row reads." : "";
    return [crowded, `<div class="lfr-tree"><div class="lfr-names" aria-hidden="true"><span class="lfr-end" style="--at: ${50 / rows}%">output</span>${names.join("")}<span class="lfr-end" style="--at: ${100 - 50 / rows}%">input</span></div>
<svg viewBox="-.6 -.5 ${T + 0.2} ${rows}" preserveAspectRatio="none" role="img" aria-label="${alt}"><path class="lfr-rest" d="${rest}"/><path class="lfr-lines" d="${lines}"/><path class="lfr-faint" d="${faint}"/><path class="lfr-dots" d="${dots}"/><path class="lfr-now" d="M${T - 1} 0h0"/></svg>
<div class="lfr-ticks" aria-hidden="true">${[32, 24, 16, 8, 0].map((s) => `<span style="--at: ${((x(s) + 0.6) / (T + 0.2)) * 100}%">${s ? `${s}${s === 32 ? " back" : ""}` : "now"}</span>`).join("")}</div></div>`];
  };
  const strip = (data, n) => {
    const within = n.runs.reduce((sum, [from, to]) => sum + to - from, 0);
    const part = within === data.task ? "all" : holes(n) ? `these ${within}` : within === 1 ? "the last" : `the last ${within}`;
    return `<p class="lf-sub lfr-of">Of ${data.task} numbers, as in the adding problem, it sees ${part}:</p>
<svg class="lfr-strip" viewBox="0 0 ${data.task} 1" preserveAspectRatio="none" role="img" aria-label="A strip of ${data.task} steps; ${within} of them, counted from its right end, are marked as seen."><path class="lfr-seen" d="${n.runs.map(([from, to]) => `M${data.task - to} 0h${to - from}v1h${from - to}z`).join("")}"/></svg>
<div class="lfr-ticks" aria-hidden="true"><span class="lfr-left" style="--at: 0%">599 back</span><span class="lfr-right" style="--at: 100%">now</span></div>`;
  };

  const draw = (data, state, n) => {
    const slider = (key, label, from, to) => `<label>${label} <input type="range" data-bind="${key}" min="${from}" max="${to}" step="1" value="${state[key]}"><output>${state[key]}</output></label>`;
    const base = [1, 2, 3, 4].map((b) => `<button type="button" role="radio" aria-checked="${state.base === b}" tabindex="${state.base === b ? 0 : -1}" ${sets({ base: b })}>${b === 1 ? "stays 1" : `\u00d7 ${b}`}</button>`);
    const gap = holes(n) ? ` <b>But it has holes</b>: of these ${grouped(n.spanned)} steps it reads ${grouped(n.seen)}, and no path leads to the others.` : "";
    const [crowded, tree] = picture(data, state, n);
    return `<div class="lf-controls lfr-set">${slider("K", "taps <i>K</i>", 2, data.taps)}
${slider("L", "blocks <i>L</i>", 1, data.blocks)}
<div role="radiogroup" aria-label="Dilation from block to block" data-rove><span class="lf-label">dilation, block to block</span>${base.join("")}</div></div>
${tree}
${strip(data, n)}
<p class="lfr-says">The last output ${holes(n) ? "reaches over" : "sees"} <b>${many(n.spanned, "step")}</b>: <span class="lfr-sum">${formula(state, n)}</span>.${gap} <span class="lf-muted">${against(state, n)}. With this kernel and dilation, ${enough(data, n)}.${crowded}</span></p>`;
  };

  const say = (data, state, n) => `${many(n.spanned, "step")}${holes(n) ? ` with holes, ${grouped(n.seen)} of them are seen` : " are seen"}, by ${2 * state.L} convolutions with ${state.K} taps, dilations ${dilations(state).join(", ")}.`;

  figure("receptive_field", { numbers, draw, say });
})();
