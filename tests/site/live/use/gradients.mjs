// Radius, gap, activation; the gap dragged in the plot.
export default async (page, figure, check) => {
  const says = () => figure.locator(".lfg-says").innerText();
  const state = () => page.evaluate(() => document.querySelector("live-figure").state);
  check(/0\.0015 times/.test(await says()) && (await says()).includes("0.0052"), `the first state: ${await says()}`);
  const radius = figure.getByLabel("spectral radius");
  await radius.fill("1.4");
  check((await says()).includes("exploded"), "above one it explodes");
  await figure.getByRole("radio", { name: "with tanh" }).click();
  check(!(await says()).includes("exploded"), "tanh holds it down");
  await radius.fill("0.6");
  check((await says()).includes("vanished"), "below one it vanishes");
  await figure.getByRole("radio", { name: "linear" }).click();
  await radius.fill("1");
  check((await says()).includes("stays as it is"), "at one the line is level");
  const box = await figure.locator(".lfg-box").boundingBox();
  await page.mouse.move(box.x + box.width / 2, box.y + 50);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.2, box.y + 60, { steps: 4 });
  check((await state()).gap === 20, `dragging sets the gap: ${(await state()).gap}`);
  await page.mouse.move(box.x + box.width * 2, box.y + 60);
  await page.mouse.up();
  check((await state()).gap === 100, "and stops at the edge");
  await page.mouse.move(box.x + box.width / 2, box.y + 50);
  check((await state()).gap === 100, "a mouse that is up drags nothing");
};
