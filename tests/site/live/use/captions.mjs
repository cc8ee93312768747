// Digits dragged by mouse, moved by keys, exchanged; the caption, its verdict and the gaze follow.
export default async (page, figure, check) => {
  const says = () => figure.locator(".lfd-says").innerText();
  const line = async () => (await figure.locator(".lfd-line button").allInnerTexts()).join(" ");
  const places = () => page.evaluate(() => JSON.stringify(document.querySelector("live-figure").state.places));
  const bar = async (k) => parseInt(await figure.locator(".lfd-bars .lf-pc").nth(k).innerText(), 10);
  check((await line()) === "a seven to the left of a one and above an eight end", `the first caption: ${await line()}`);
  check((await says()).includes("This is true"), "is true");
  check((await bar(2)) > 50, "before eight the gaze is on the eight");
  await figure.getByRole("radio", { name: "seven", exact: true }).click();
  check((await bar(2)) < 50 && (await figure.innerText()).includes("Its gaze before seven"), "before seven it is not");

  await figure.getByRole("radio", { name: /^a pair/ }).click();
  check((await says()).includes("these are not the digits"), "a held-out pair is misread");
  await figure.getByRole("radio", { name: "three digits" }).click();
  const box = await figure.locator(".lfd-canvas").boundingBox(), unit = box.width / 24;
  await page.mouse.move(box.x + 5 * unit, box.y + 5 * unit);
  await page.mouse.down();
  await page.mouse.move(box.x + 9 * unit, box.y + 7 * unit, { steps: 4 });
  await page.mouse.up();
  check((await places()) === "[[3,5],[2,14],[15,5]]", `the seven follows the mouse: ${await places()}`);
  await figure.getByRole("button", { name: /^one, row 2/ }).focus();
  for (let i = 0; i < 20; i++) await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowLeft");
  check((await places()) === "[[3,5],[16,13],[15,5]]", `arrows move the one, and stop at the edge: ${await places()}`);
  check(await figure.getByRole("button", { name: "one, row 16, column 13; arrow keys move it" }).evaluate((e) => e === document.activeElement), "and it keeps the focus");

  for (const k of [1, 2, 3]) await figure.getByLabel(`digit ${k}`).selectOption("");
  check((await says()).includes("nothing to see") && (await figure.locator(".lfd-digit").count()) === 0, "an empty canvas is said to be one");
  await figure.getByLabel("digit 1").selectOption({ label: "nine" });
  await figure.getByLabel("digit 2").selectOption({ label: "two" });
  check((await figure.locator(".lfd-digit").count()) === 2, "digits come back");
  const above = await figure.locator(".lfd-ring").evaluate((e) => e.getBBox().width > 4 && !!(e.compareDocumentPosition(document.querySelector(".lfd-ink")) & 2));
  check(above, "the outlines of the gaze lie over the digits");
};
