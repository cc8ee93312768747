// Presets, the bit, what is kept; a gate drawn by mouse, by key; what is said of it.
export default async (page, figure, check) => {
  const says = () => figure.locator(".lfl-says").innerText();
  const marks = (gate) => page.evaluate((name) => document.querySelector("live-figure").state[name], gate);
  check((await says()).includes("still holds the +1"), "the first state holds the bit");
  await figure.getByRole("radio", { name: "input left open" }).click();
  check((await says()).includes("bit and noise added up"), "noise spoils it");
  await page.keyboard.press("ArrowRight");
  check((await says()).includes("nothing of the bit is left"), "at 95 % a step nothing is left");
  await figure.getByRole("radio", { name: "all three work" }).click();
  await figure.getByRole("radio", { name: "\u22121" }).click();
  check((await says()).includes("still holds the \u22121"), "the other bit is held, too");

  const gate = figure.getByRole("group", { name: /^forget gate/ }), box = await gate.boundingBox();
  await page.mouse.move(box.x + box.width * 0.21, box.y + 10);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.31, box.y + 10, { steps: 3 });
  await page.mouse.up();
  check((await marks("f")).slice(10, 16) === "000000" && (await marks("f"))[9] === "1", `drawing shuts the gate: ${await marks("f")}`);
  check((await says()).includes("nothing of the bit is left"), "a shut forget gate empties the cell");
  await figure.getByRole("button", { name: "output gate, step 46" }).focus();
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("Space");
  check((await marks("o"))[44] === "1", "Space opens the step that the arrow went to");
  check((await figure.getByRole("button", { name: "output gate, step 45" }).getAttribute("aria-pressed")) === "true", "and says so");
  await figure.getByRole("radio", { name: "all three work" }).click();
  const one = figure.getByRole("group", { name: "One step" });
  check((await one.locator("output").innerText()) === "45", "the step touched last is the one that the buttons turn");
  await one.getByRole("button", { name: "one step back" }).click();
  await one.getByRole("button", { name: "forget gate open at step 44" }).click();
  check((await marks("f"))[43] === "0" && (await says()).includes("nothing of the bit is left"), "a button shuts the gate at one step");
  check((await one.getByRole("button", { name: "forget gate open at step 44" }).getAttribute("aria-pressed")) === "false", "and says so");
  for (let i = 0; i < 8; i++) await one.getByRole("button", { name: "one step on" }).click();
  check((await one.locator("output").innerText()) === "50", "there is no step after the last");
};
