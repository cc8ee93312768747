// Every figure under Node: its numbers are the package's in every case, and its picture can be drawn from either.
import assert from "node:assert/strict";
import { test } from "node:test";
import { core, figures, fixtures, furthest, kit } from "./load.mjs";

const LOOSER = new Set(["c", "cs"]); // a cell's state may be 1e-4 away
const apart = (value, loose) => {
  if (value === null || typeof value !== "object" || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).filter(([key]) => LOOSER.has(key) === loose));
};

for (const { name, data, packed, cases } of fixtures.figures) {
  const figure = figures[name];
  const full = { ...data, weights: core.unpack(packed) };
  test(`${name}: the page's numbers are the package's`, () => {
    for (const { state, numbers } of cases) {
      const found = kit.plain(figure.numbers(full, state));
      assert.deepEqual(Object.keys(found).sort(), Object.keys(numbers).sort());
      assert.ok(furthest(apart(found, false), apart(numbers, false)) < 1e-5);
      assert.ok(furthest(apart(found, true), apart(numbers, true)) < 1e-4);
    }
  });
  test(`${name}: a picture and a sentence for every state, the same each time`, () => {
    for (const { state, numbers } of cases) {
      const drawn = figure.draw(full, state, numbers);
      assert.equal(drawn, figure.draw(full, state, numbers));
      assert.ok(!/undefined|NaN|\[object/.test(drawn), drawn.match(/.{60}(undefined|NaN|\[object).{20}/)?.[0]);
      assert.match(figure.say(full, state, numbers), /^[^<]{10,300}$/);
    }
  });
}

test("every script defines the figure of its name, and every figure has its script", () => {
  assert.deepEqual(Object.keys(figures).sort(), fixtures.figures.map((one) => one.name).sort());
});
