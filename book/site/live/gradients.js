// Chapter 5: the length of a gradient, n steps back, against the line that the spectral radius predicts.
(() => {
  "use strict";
  const { kit, figure } = globalThis.CourseLive, { num, plot, sets } = kit, LEAST = -12, MOST = 12;

  // Plain numbers, not Float32Array: what explodes would take the rounding along.
  const numbers = (data, { rho, gap, activation }) => {
    const { W_hh, W_xh, direction } = data.weights, H = W_xh.length, T = data.heard.length, tanh = activation === "tanh";
    const times = (v, back) => Array.from({ length: H }, (_, i) => v.reduce((s, x, j) => s + x * rho * W_hh[back ? j * H + i : i * H + j], 0));
    const states = [new Array(H).fill(0)];
    for (const x of tanh ? data.heard : []) states.push(times(states.at(-1)).map((a, i) => Math.tanh(a + W_xh[i] * x)));
    const length = (v) => Math.log10(Math.hypot(...v)), logs = [];
    let dh = Array.from(direction);
    logs.push(length(dh));
    for (let t = T; t > 0; t--) {
      dh = times(tanh ? dh.map((v, i) => v * (1 - states[t][i] ** 2)) : dh, true);
      logs.push(length(dh));
    }
    return { logs, line: gap * Math.log10(rho) };
  };

  const power = (log) => {
    if (Math.abs(log) < 3) return log < 0 ? num(10 ** log, Math.min(6, 1 - Math.floor(log))) : num(10 ** log, log < 1 ? 2 : 0);
    const whole = Math.floor(log);
    return `${num(10 ** (log - whole), 1)} \u00b7 10<sup>${num(whole, 0)}</sup>`;
  };
  const pace = (rho) => {
    const steps = Math.log(2) / Math.abs(Math.log(rho));
    if (Math.abs(rho - 1) < 1e-9) return "stays as it is";
    return `${rho < 1 ? "halves" : "doubles"} every ${num(steps, steps < 10 ? 1 : 0)} steps`;
  };
  const back = ({ gap }) => `${gap} step${gap > 1 ? "s" : ""} back`;
  const fate = (log) => (log < -6 ? ": it has vanished" : log > 6 ? ": it has exploded" : "");

  const draw = (data, state, n) => {
    const clip = (points) => points.filter(([, y]) => y >= LEAST - 0.4 && y <= MOST + 0.4);
    const line = (rho) => clip(Array.from({ length: 101 }, (_, k) => [k, k * Math.log10(rho)]));
    const fan = data.fan.map((rho) => [line(rho), "lfg-fan"]);
    const ends = data.fan.filter((rho) => Math.abs(rho - state.rho) > 0.04).map((rho) => [...line(rho).at(-1), num(rho, 1), rho < 0.87 || rho > 1.15 ? "lfg-end lfg-out" : "lfg-end"]);
    const here = Math.max(LEAST, Math.min(MOST, n.logs[state.gap]));
    const exponent = (v) => [v, v ? `10<sup>${num(v, 0)}</sup>` : "1"];
    const picture = plot({ x: [0, 100], y: [LEAST, MOST], extra: "lfg-box", xlabel: "steps back", ylabel: "length of the gradient",
      xticks: [0, 20, 40, 60, 80, 100].map((v) => [v, v]), yticks: [-12, -8, -4, 0, 4, 8, 12].map(exponent),
      lines: [...fan, [line(state.rho), "lf-line2 lf-dashed"], [clip(n.logs.map((log, k) => [k, log])), "lf-line"], [[[state.gap, LEAST], [state.gap, MOST]], "lfg-gap"]],
      marks: [...ends, [state.gap, here, "", "lf-dot"], [state.gap, MOST, `${state.gap} back`, `lfg-flag${state.gap > 80 ? " lfg-left" : ""}`]],
      alt: `On a logarithmic scale, the length of the gradient from 1 at no step back to ten to the power ${num(n.logs[100], 1)} at 100 steps back. The predicted straight line ends at ${num(100 * Math.log10(state.rho), 1)}.` });
    const choice = (name, label) => `<button type="button" role="radio" aria-checked="${state.activation === name}" tabindex="${state.activation === name ? 0 : -1}" ${sets({ activation: name })}>${label}</button>`;
    return `<div class="lf-controls lfg-set"><label>spectral radius \u03c1 <input type="range" data-bind="rho" min="0.6" max="1.4" step="0.01" value="${state.rho}"><output>${num(state.rho)}</output></label>
<label>gap <input type="range" data-bind="gap" min="1" max="100" step="1" value="${state.gap}"><output>${state.gap}</output></label>
<div role="radiogroup" aria-label="Activation" data-rove>${choice("identity", "linear")}${choice("tanh", "with tanh")}</div></div>
${picture}
<p class="lfg-says">${back(state)} the gradient is <b>${power(n.logs[state.gap])}</b> times as long as it was${fate(n.logs[state.gap])}. <span class="lf-muted">The line \u03c1<sup>n</sup> says ${power(n.line)}; along it a length ${pace(state.rho)}.</span></p>
<p class="lf-key"><span><span class="lfg-key lfg-solid"></span>measured on the way back</span><span><span class="lfg-key lfg-dash"></span>predicted, \u03c1<sup>n</sup></span><span><span class="lfg-key lfg-thin"></span>\u03c1<sup>n</sup> of other radii</span></p>`;
  };

  const say = (data, state, n) => {
    const plain = (log) => (Math.abs(log) < 3 ? power(log) : `ten to the power ${num(log, 1)}`);
    return `Radius ${num(state.rho)}. ${back(state)} the gradient is ${plain(n.logs[state.gap])} times as long${fate(n.logs[state.gap])}. Predicted: ${plain(n.line)}.`;
  };

  // The gap can be dragged in the plot itself.
  const mount = (root, live) => live.drag(".lfg-box", ({ x }) => {
    const gap = Math.max(1, Math.round(100 * x));
    if (gap !== live.state.gap) live.set({ gap });
  });

  figure("gradients", { numbers, draw, say, mount });
})();
