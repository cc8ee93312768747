// core.js against the package: the same inputs, the same numbers (1e-5; a cell's state 1e-4).
import assert from "node:assert/strict";
import { test } from "node:test";
import { core, fixtures, furthest, kit } from "./load.mjs";

const tensor = (nested) => core.tensor(nested.flat(Infinity), shape(nested));
const shape = (nested) => (Array.isArray(nested) ? [nested.length, ...shape(nested[0])] : []);
const params = (p) => Object.fromEntries(Object.entries(p).map(([name, array]) => [name, tensor(array)]));
const tree = (flat) => { // {"a.b": [...]} -> {a: {b: tensor}}
  const whole = {};
  for (const [name, array] of Object.entries(flat)) {
    const path = name.split("."), last = path.pop();
    path.reduce((at, key) => (at[key] ??= {}), whole)[last] = tensor(array);
  }
  return whole;
};
const vectors = (rows) => rows.map((row) => Float32Array.from(row));

const OPERATIONS = {
  affine: ({ W, x, b }) => core.affine(tensor(W), x, b),
  sigmoid: ({ z }) => z.map(core.sigmoid),
  softmax: ({ z }) => core.softmax(z),
  logSoftmax: ({ z }) => core.logSoftmax(z),
  rnnStep: ({ p, xs }) => {
    const net = params(p);
    return { hs: core.unroll((x, h) => core.rnnStep(net, x, h), vectors(xs), core.zeros(net.b_h.length)).slice(1) };
  },
  lstmStep: ({ p, xs }) => {
    const net = params(p), H = net.b.length / 4;
    const states = core.unroll((x, state) => core.lstmStep(net, x, state), vectors(xs), { h: core.zeros(H), c: core.zeros(H) }).slice(1);
    return { hs: states.map((s) => s.h), cs: states.map((s) => s.c), gates: states.map(({ gates: { i, f, g, o } }) => [i, f, g, o]) };
  },
  gruStep: ({ p, xs }) => {
    const net = params(p), H = net.b_hn.length;
    return { hs: core.unroll((x, state) => core.gruStep(net, x, state.h), vectors(xs), { h: core.zeros(H) }).slice(1).map((s) => s.h) };
  },
  attend: ({ score, p, query, keys, mask }) => {
    const { weights, context } = core.attend(score, params(p), query, vectors(keys), mask);
    return { weights, context };
  },
  decodeStep: ({ p, source, written }) => {
    const net = tree(p), steps = [];
    let memory = core.encode(net, source);
    for (const token of written) steps.push(core.decodeStep(net, memory, token)), ({ memory } = steps.at(-1));
    return { logProbs: steps.map((one) => one.logProbs), weights: steps.map((one) => one.weights) };
  },
  causalConv: ({ W, b, xs, dilation }) => core.causalConv(tensor(W), b, vectors(xs), dilation),
  conv2d: ({ W, b, x, padding }) => core.conv2d(tensor(W), b, tensor(x), padding),
  beamSearch: ({ logProbs, ...asked }) => {
    const step = (depth, token) => ({ logProbs: logProbs[depth][token], state: depth + 1 });
    const { best, nodes } = core.beamSearch({ step, state: 0, ...asked });
    return { best: best.map(({ node, ...one }) => one), nodes };
  },
};

for (const what of new Set(fixtures.core.map((one) => one.what))) {
  test(`${what} agrees with the package`, () => {
    const cases = fixtures.core.filter((one) => one.what === what);
    assert.ok(cases.length >= 5, `only ${cases.length} cases`);
    for (const { inputs, wanted } of cases) {
      const found = kit.plain(OPERATIONS[what](inputs));
      if (found.cs) {
        assert.ok(furthest(found.cs, wanted.cs) < 1e-4);
        found.cs = wanted.cs;
      }
      const distance = furthest(found, wanted);
      assert.ok(distance < 1e-5, `${what}: ${distance}`);
    }
  });
}

test("every operation of the package is among the cases", () => {
  assert.deepEqual(Object.keys(OPERATIONS).filter((what) => !fixtures.core.some((one) => one.what === what)), []);
});

test("softmax: large logits, a temperature, a mask, nothing to look at", () => {
  const p = core.softmax([1000, 999, -1000]);
  assert.ok(Math.abs(p[0] + p[1] + p[2] - 1) < 1e-6 && p[2] === 0);
  assert.ok(furthest([...core.softmax([2, 1], 0.5)], [...core.softmax([4, 2])]) < 1e-7);
  assert.equal(core.softmax([1, 5, 2], 1, [true, false, true])[1], 0);
  assert.throws(() => core.softmax([1, 2], 1, [false, false]), /nothing to look at/);
});

test("a vector of the wrong size is refused", () => {
  assert.throws(() => core.affine(core.tensor([1, 2], [1, 2]), [1, 2, 3]), /2 entries/);
});

test("numbers as the book prints them; text that is safe", () => {
  assert.deepEqual([kit.num(-0.001), kit.num(-1.5), kit.signed(0.25), kit.signed(-3, 0)], ["0.00", "\u22121.50", "+0.25", "\u22123"]);
  assert.equal(kit.esc('<b a="1">&'), "&lt;b a=&quot;1&quot;&gt;&amp;");
});

test("weights come through base64, with and without atob", () => {
  const halves = Buffer.from(Uint16Array.from([0x3c00, 0xc000, 0x0001, 0x7c00]).buffer).toString("base64");
  const floats = Buffer.from(Float32Array.from([0.1, -2.5]).buffer).toString("base64");
  const packed = { "rnn.W": [[2, 2], "float16", halves], b: [[2], "float32", floats] }, { atob } = globalThis;
  for (const there of [atob, undefined]) {
    globalThis.atob = there;
    const weights = core.unpack(packed);
    assert.deepEqual([...weights.rnn.W], [1, -2, Math.fround(2 ** -24), Infinity]);
    assert.deepEqual([weights.rnn.W.shape, [...weights.b]], [[2, 2], [Math.fround(0.1), -2.5]]);
  }
  globalThis.atob = atob;
});
