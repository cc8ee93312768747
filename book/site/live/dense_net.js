// Chapter 2: a dense net is trained in the page, and its boundary bends.
(() => {
  "use strict";
  const { kit, figure } = globalThis.CourseLive, { num, plot, sets } = kit;

  // --- the net: plain numbers, since rounding grows over a thousand steps ---

  const read = ({ hidden, out }, tanh, [a, b]) => {
    let logit = out.b[0];
    const ys = out.W.map((w, j) => {
      const sum = hidden.W[2 * j] * a + hidden.W[2 * j + 1] * b + hidden.b[j], y = tanh ? Math.tanh(sum) : sum;
      logit += w * y;
      return y;
    });
    return { ys, logit };
  };
  const lossOf = (logit, y) => Math.max(logit, 0) - logit * y + Math.log(1 + Math.exp(-Math.abs(logit)));
  /** One step of gradient descent on all points; returns the new net and the loss before it. */
  const learn = (net, tanh, { x, y, rate }) => {
    const flat = (v) => v.map(() => 0), grad = { hidden: { W: flat(net.hidden.W), b: flat(net.hidden.b) }, out: { W: flat(net.out.W), b: [0] } };
    let loss = 0;
    x.forEach((point, n) => {
      const { ys, logit } = read(net, tanh, point), d = (1 / (1 + Math.exp(-logit)) - y[n]) / x.length;
      loss += lossOf(logit, y[n]) / x.length;
      grad.out.b[0] += d;
      ys.forEach((v, j) => {
        const da = d * net.out.W[j] * (tanh ? 1 - v * v : 1);
        grad.out.W[j] += d * v;
        grad.hidden.b[j] += da;
        grad.hidden.W[2 * j] += da * point[0];
        grad.hidden.W[2 * j + 1] += da * point[1];
      });
    });
    const down = (p, g) => p.map((v, i) => v - rate * g[i]), layer = (name) => ({ W: down(net[name].W, grad[name].W), b: down(net[name].b, grad[name].b) });
    return { loss, net: { hidden: layer("hidden"), out: layer("out") } };
  };

  // Every tenth net is kept, so that one can go back in training as well as on.
  const memories = new WeakMap();
  const trained = (data, { units, activation, steps }) => {
    if (!memories.has(data)) memories.set(data, {});
    const key = `${units} ${activation}`, memory = memories.get(data), start = data.weights[`net${units}`];
    const plain = ({ W, b }) => ({ W: Array.from(W), b: Array.from(b) });
    memory[key] ??= { nets: [{ hidden: plain(start.hidden), out: plain(start.out) }], losses: [] };
    const { nets, losses } = memory[key], tanh = activation === "tanh", wanted = steps / data.every;
    while (losses.length <= wanted) {
      let net = nets.at(-1);
      for (let n = 0; n < data.every; n++) {
        const done = learn(net, tanh, data);
        if (!n) losses.push(done.loss);
        net = done.net;
      }
      nets.push(net);
    }
    return { net: nets[wanted], losses: losses.slice(0, wanted + 1), tanh };
  };

  const numbers = (data, state) => {
    const { net, losses, tanh } = trained(data, state), middle = (k) => ((k + 0.5) * 2 * data.edge) / data.cells - data.edge;
    const grid = Array.from({ length: data.cells ** 2 }, (_, k) => read(net, tanh, [middle(k % data.cells), -middle(Math.floor(k / data.cells))]).logit);
    const right = data.x.filter((point, n) => (read(net, tanh, point).logit > 0) === (data.y[n] === 1)).length;
    return { losses, right, grid, lines: Array.from(net.hidden.b, (b, j) => [net.hidden.W[2 * j], net.hidden.W[2 * j + 1], b]) };
  };

  // --- the picture ---

  // What it calls a disc is round, what it calls a ring is square: colour is not alone.
  const spots = (data, grid, round) => grid.map((logit, k) => {
    if (logit > 0 !== round) return "";
    const size = 0.96 * Math.sqrt(Math.abs(Math.tanh(logit / 2))), s = size.toFixed(2), r = (size / 2).toFixed(2);
    const x = (k % data.cells) + 0.5, y = Math.floor(k / data.cells) + 0.5, from = (x - size / 2).toFixed(2);
    return round ? `M${from} ${y}a${r} ${r} 0 1 0 ${s} 0a${r} ${r} 0 1 0-${s} 0` : `M${from} ${(y - size / 2).toFixed(2)}h${s}v${s}h-${s}z`;
  }).join("");
  const place = (data, [a, b]) => [((a + data.edge) * data.cells) / (2 * data.edge), ((data.edge - b) * data.cells) / (2 * data.edge)].map((v) => v.toFixed(2));
  const line = (data, [a, b, c]) => {
    const size = Math.hypot(a, b) || 1, foot = [(-a * c) / size ** 2, (-b * c) / size ** 2];
    const end = (s) => place(data, [foot[0] - (4 * s * b) / size, foot[1] + (4 * s * a) / size]).join(" ");
    return Math.hypot(...foot) < 3 ? `<path class="lfd-line" d="M${end(1)}L${end(-1)}"/>` : "";
  };
  const map = (data, state, n) => {
    const dots = data.x.map((point, k) => {
      const [a, b] = place(data, point);
      return data.y[k] ? `<circle class="lfd-in" cx="${a}" cy="${b}" r=".33"/>` : `<path class="lfd-out" d="M${a} ${b}m-.34 -.34h.68v.68h-.68z"/>`;
    }).join("");
    const alt = `${n.right} of ${data.x.length} points are on the right side of the boundary of ${state.units} hidden units after ${state.steps} steps.`;
    return `<svg class="lfd-map" viewBox="0 0 ${data.cells} ${data.cells}" role="img" aria-label="${alt}"><path class="lfd-pos" d="${spots(data, n.grid, true)}"/><path class="lfd-neg" d="${spots(data, n.grid, false)}"/>${state.activation === "tanh" ? n.lines.map((one) => line(data, one)).join("") : ""}${dots}</svg>`;
  };
  const radios = (label, key, state, choices) => `<div role="radiogroup" aria-label="${label}" data-rove><span class="lf-label">${label}</span>${choices.map(([value, text]) =>
    `<button type="button" role="radio" aria-checked="${state[key] === value}" tabindex="${state[key] === value ? 0 : -1}" ${sets({ [key]: value, running: false })}>${text}</button>`).join("")}</div>`;

  const draw = (data, state, n) => {
    const loss = n.losses.at(-1), over = state.steps >= data.longest;
    const curve = plot({ x: [0, data.longest], y: [0, 0.9], extra: "lfd-box", xlabel: "steps", ylabel: "loss", xticks: [0, 500, 1000].map((v) => [v, v]),
      yticks: [0, 0.3, 0.6, 0.9].map((v) => [v, num(v, 1)]), lines: [[n.losses.map((v, k) => [k * data.every, Math.min(v, 0.9)]), "lf-line"]],
      marks: [[state.steps, Math.min(loss, 0.9), "", "lf-dot"]], alt: `The loss fell from ${num(n.losses[0], 2)} to ${num(loss, 3)} in ${state.steps} steps.` });
    const lines = state.activation === "tanh" ? `Each of the ${state.units > 1 ? `${state.units} units is a line` : "units is a line"}: where its tanh is zero.` : "Without the bend the net is one line, however many units it has.";
    return `<div class="lf-controls lfd-set">${radios("Hidden units", "units", state, data.units.map((v) => [v, v]))}${radios("Activation", "activation", state, [["tanh", "tanh"], ["identity", "none"]])}</div>
<div class="lf-panels lfd-panels"><div>${map(data, state, n)}</div><div>
<div class="lf-controls"><button type="button" class="lf-go" data-train aria-pressed="${state.running}">${state.running ? "\u25a0 stop" : over ? "\u21ba train again" : "\u25b8 train"}</button>
<label>steps <input type="range" data-bind="steps" min="0" max="${data.longest}" step="${data.every}" value="${state.steps}"><output>${state.steps}</output></label></div>
${curve}<p class="lfd-says"><b>${n.right} of ${data.x.length}</b> points are on the right side; the loss is ${num(loss, 3)}. <span class="lf-muted">${state.units === 1 && state.activation === "tanh" ? "The one unit is a line: where its tanh is zero." : lines}</span></p>
<p class="lf-key"><span><span class="lfd-mark lfd-disc"></span>disc</span><span><span class="lfd-mark lfd-ring"></span>ring</span><span>the net says: <span class="lfd-mark lfd-round"></span>disc <span class="lfd-mark lfd-square"></span>ring; larger, surer</span></p></div></div>`;
  };

  const say = (data, state, n) => `${n.right} of ${data.x.length} points right after ${state.steps} steps with ${state.units} units. Loss ${num(n.losses.at(-1), 3)}.`;

  const mount = (root, live) => {
    let stop = () => {};
    root.addEventListener("click", (event) => {
      if (!event.target.closest("[data-train]")) return;
      stop();
      if (live.state.running) return live.set({ running: false });
      live.set({ running: true, steps: live.state.steps >= live.data.longest ? 0 : live.state.steps });
      stop = live.play(() => {
        if (!live.state.running) return false;
        const steps = Math.min(live.data.longest, live.state.steps + live.data.every);
        live.set({ steps, running: steps < live.data.longest });
        return live.state.running;
      }, 50);
    });
    root.addEventListener("input", () => { stop(); if (live.state.running) live.set({ running: false }); });
  };

  figure("dense_net", { numbers, draw, say, mount });
})();
