// Chapter 6: the reader opens and closes the gates of one unit, and the cell carries a bit, or loses it.
(() => {
  "use strict";
  const { core, kit, figure } = globalThis.CourseLive, { num, signed, sets } = kit;
  const GATES = { i: "input gate", f: "forget gate", o: "output gate" };

  const numbers = (data, state) => {
    const x = data.noise.map((v, k) => (k === data.write - 1 ? 1.5 * state.bit : v));
    const kept = state.keep >= 1 ? data.sharp : Math.log(state.keep / (1 - state.keep));
    const opened = (name, k, open) => (state[name][k] === "1" ? open : -data.sharp);
    const xs = x.map((v, k) => [opened("i", k, data.sharp), opened("f", k, kept), v, opened("o", k, data.sharp)]);
    const start = { h: core.zeros(1), c: core.zeros(1) };
    const states = core.unroll((v, before) => core.lstmStep(data.weights, v, before), xs, start).slice(1);
    return { x, g: states.map((s) => s.gates.g[0]), f: states.map((s) => s.gates.f[0]), c: states.map((s) => s.c[0]), h: states.map((s) => s.h[0]) };
  };

  // Bars up and down from the middle: one path for each sign.
  const bars = (values, most, marked = 0) => {
    const path = (sign) => values.map((v, k) => (v * sign > 0 && k + 1 !== marked ? `M${k + 0.12} 1h.76v${(-Math.max(-1, Math.min(1, v / most))).toFixed(3)}h-.76z` : "")).join("");
    const there = marked ? `<rect class="lfl-bit" x="${marked - 0.95}" y="${values[marked - 1] > 0 ? 0 : 1}" width=".9" height="1"/>` : "";
    return `<svg viewBox="0 0 50 2" preserveAspectRatio="none" aria-hidden="true"><path class="lfl-zero" d="M0 1h50"/><path class="lfl-pos" d="${path(1)}"/><path class="lfl-neg" d="${path(-1)}"/>${there}</svg>`;
  };
  const line = (label, picture, said, extra = "") =>
    `<div class="lfl-row ${extra}"><span class="lfl-name">${label}</span><span class="lfl-plot" role="img" aria-label="${said}">${picture}</span></div>`;
  const strip = (name, marks, cursor) => {
    const steps = [...marks].map((mark, k) => `<button type="button" data-item="${k}" data-gate="${name}" aria-pressed="${mark === "1"}" tabindex="${k === cursor ? 0 : -1}" aria-label="${GATES[name]}, step ${k + 1}"></button>`);
    return `<div class="lfl-row"><span class="lfl-name">${GATES[name]} <i>${name}</i></span><div class="lfl-gate" role="group" aria-label="${GATES[name]}, open or shut at each step" data-rove data-rove-only>${steps.join("")}</div></div>`;
  };

  const verdict = (data, state, n) => {
    const c = n.c.at(-1), h = n.h.at(-1), sign = state.bit > 0 ? "+1" : "\u22121";
    const right = Math.sign(c) === state.bit && Math.abs(c) > 0.3;
    const quiet = n.h.slice(0, data.read - 1).some((v) => Math.abs(v) > 0.05);
    const mixed = [...state.i].some((mark, k) => mark === "1" && k !== data.write - 1);
    const said = mixed ? "the cell holds all that came through its input gate, bit and noise added up" : right ? `the cell still holds the ${sign} of step ${data.write}` : Math.abs(c) <= 0.3 ? "nothing of the bit is left" : "what the cell holds is no longer the bit";
    const shown = Math.abs(h) < 0.05 ? ", but the output gate shows nothing of it" : quiet ? ", and it was shown all the while" : "";
    return `After 50 steps ${said}${shown}.`;
  };

  // One step at a time, for fingers and for those who want to be exact.
  const one = (state, n) => {
    const k = state.at - 1, flip = (marks) => marks.slice(0, k) + (marks[k] === "1" ? "0" : "1") + marks.slice(k + 1);
    const turn = (name) => `<button type="button" aria-pressed="${state[name][k] === "1"}" ${sets({ [name]: flip(state[name]) })} aria-label="${GATES[name]} open at step ${k + 1}"><i>${name}</i> ${state[name][k] === "1" ? "open" : "shut"}</button>`;
    const go = (to, sign, label) => `<button type="button" ${sets({ at: Math.max(1, Math.min(50, to)) })} aria-label="${label}">${sign}</button>`;
    return `<div class="lf-controls lfl-one" role="group" aria-label="One step">${go(k, "\u25c2", "one step back")}<span class="lf-label">step <output>${k + 1}</output></span>${go(k + 2, "\u25b8", "one step on")}
${turn("i")}${turn("f")}${turn("o")}<span class="lf-label lfl-here"><i>c</i> = ${num(n.c[k])}, <i>h</i> = ${num(n.h[k])}</span></div>`;
  };

  const draw = (data, state, n) => {
    const same = (set) => Object.entries(set).every(([key, value]) => state[key] === value);
    const chosen = data.presets.findIndex(({ set }) => same(set));
    const chips = data.presets.map(({ label, set }, k) => `<button type="button" role="radio" aria-checked="${k === chosen}" tabindex="${k === Math.max(chosen, 0) ? 0 : -1}" ${sets(set)}>${label}</button>`);
    const bit = (value, label) => `<button type="button" role="radio" aria-checked="${state.bit === value}" tabindex="${state.bit === value ? 0 : -1}" ${sets({ bit: value })}>${label}</button>`;
    const tall = Math.max(1, ...n.c.map(Math.abs));
    return `<div class="lf-controls"><div class="lf-controls" role="radiogroup" aria-label="Gates to try" data-rove><span class="lf-label">Gates</span>${chips.join("")}</div></div>
<div class="lf-controls lfl-set"><div role="radiogroup" aria-label="The bit that is written" data-rove><span class="lf-label">Bit</span>${bit(1, "+1")}${bit(-1, "\u22121")}</div>
<label>open <i>f</i> keeps <input type="range" data-bind="keep" min="0.8" max="1" step="0.01" value="${state.keep}" aria-label="What an open forget gate keeps of the cell at each step"><output>${num(100 * state.keep, 0)} %</output></label></div>
<div class="lfl-rows"><span class="lfl-at" style="--k: ${state.at}"></span>
${line(`comes in`, bars(n.x, 1.5, data.write), `The bit ${signed(state.bit, 0)} at step ${data.write}, noise between minus 1 and 1 at all others`, "lfl-in")}
${strip("i", state.i, data.write - 1)}${strip("f", state.f, 29)}
${line(`cell <i>c</i>`, bars(n.c, tall), `The cell: ${num(n.c[data.write - 1])} at step ${data.write}, ${num(n.c[24])} at step 25, ${num(n.c[49])} at step 50`, "lfl-cell")}
${strip("o", state.o, data.read - 1)}
${line(`shown <i>h</i>`, bars(n.h, 1), `What is shown: ${num(n.h[data.write - 1])} at step ${data.write}, ${num(n.h[24])} at step 25, ${num(n.h[49])} at step 50`, "lfl-shown")}
<div class="lfl-row lfl-steps" aria-hidden="true"><span class="lfl-name">step</span><span class="lfl-ticks"><span style="--k: ${data.write}">${data.write}<br>write</span><span style="--k: 25">25</span><span style="--k: ${data.read}">${data.read}<br>read</span><span class="lfl-last" style="--k: 50">50</span></span></div></div>
${one(state, n)}
<p class="lfl-says">${verdict(data, state, n)} <span class="lf-muted"><i>c</i><sub>50</sub> = ${num(n.c[49])}, <i>h</i><sub>50</sub> = ${num(n.h[49])}</span></p>`;
  };

  const say = (data, state, n) => `${verdict(data, state, n)} Cell ${num(n.c[49])}, shown ${num(n.h[49])}.`;

  // Draw with finger or mouse along a gate; Space and Enter turn one step.
  const mount = (root, live) => {
    const put = (name, k, mark) => {
      const marks = live.state[name];
      if (marks[k] !== mark) live.set({ at: k + 1, [name]: marks.slice(0, k) + mark + marks.slice(k + 1) });
    };
    const other = (name, k) => (live.state[name][k] === "1" ? "0" : "1");
    let at = 0, mark = "0";
    live.drag(".lfl-gate", ({ x, box, first }) => {
      const name = box.firstElementChild.dataset.gate, to = Math.min(49, Math.floor(50 * x));
      if (first) [at, mark] = [to, other(name, to)];
      for (const step = Math.sign(to - at); at !== to; at += step) put(name, at, mark);
      put(name, to, mark);
    });
    root.addEventListener("click", (event) => {
      const { gate, item } = event.target.dataset;
      if (gate && event.detail === 0) put(gate, Number(item), other(gate, Number(item)));
    });
  };

  figure("lstm", { numbers, draw, say, mount });
})();
