// Typing, the caret, the cells, the lenses, the temperature, and writing.
export default async (page, figure, check) => {
  const area = figure.getByLabel("Text for the network to read");
  const state = () => page.evaluate(() => document.querySelector("live-figure").state);
  const value = (k) => page.evaluate((at) => {
    const e = document.querySelectorAll(".lfm-c")[at];
    return Number(e.style.getPropertyValue("--v")) * (e.classList.contains("lfm-below") ? -1 : 1);
  }, k);
  const level = () => page.evaluate(() => {
    const [mirror, over] = [".lfm-mirror", ".lfm-area"].map((name) => document.querySelector(name));
    return over.scrollHeight <= mirror.offsetHeight + 1 && getComputedStyle(mirror).font === getComputedStyle(over).font;
  });
  // The caret's events come when the browser gets to them: up to five seconds until it is so.
  const soon = async (so) => {
    for (let i = 0; i < 100 && !so(await state()); i++) await page.waitForTimeout(50);
    return so(await state());
  };
  const text = (await state()).text, nobody = text.indexOf("nobody");
  check((await value(nobody + 2)) > 0.5 && (await value(text.indexOf("length"))) < -0.5, "the cell is high in the string, low outside");
  check(await level(), "text and mirror are equally high");

  await area.click();
  await page.keyboard.press("Control+End");
  await page.keyboard.type("x = 'ab");
  check(await soon((now) => now.text.endsWith("x = 'ab")), "what is typed is read");
  check(await level(), "text and mirror are still equally high");
  await page.keyboard.press("ArrowLeft");
  check(await soon((now) => now.head === [...now.text].length - 2), "the caret goes back in time");
  await page.keyboard.press("ArrowRight");
  check(await soon((now) => now.head === -1), "and forth again");

  await figure.getByRole("radio", { name: "surprise" }).click();
  check((await state()).lens === -1 && (await value(nobody)) >= 0, "surprise is never below zero");
  await figure.getByRole("option", { name: /^cell 17,/ }).click();
  await page.keyboard.press("ArrowDown");
  check(await soon((now) => now.lens === 37), "arrows go through the rows of cells");
  const sharp = () => figure.locator(".lf-bars .lf-pc").first().innerText();
  const before = parseFloat(await sharp());
  await figure.getByLabel("temperature").fill("0.2");
  check(parseFloat(await sharp()) > before, "a low temperature sharpens the bars");
  await area.fill("import os\n");
  await figure.getByRole("button", { name: "let it write" }).click();
  await soon((now) => now.text.length >= 170 && !now.writing);
  check((await state()).text.length === 170 && !(await state()).writing, `it writes 160 characters: ${(await state()).text.length}`);
  check((await state()).text.startsWith("import os\n"), "after what stands there");
  const high = () => figure.evaluate((e) => e.getBoundingClientRect().height), full = await high();
  await area.fill("");
  check((await figure.locator(".lf-bars li").count()) === 0, "an empty text has no next character");
  check(Math.abs((await high()) - full) < 2, `and the figure stays as high as it was: ${await high()} against ${full}`);

  await page.emulateMedia({ reducedMotion: "no-preference" });
  await area.fill("def f");
  await figure.getByRole("button", { name: "let it write" }).click();
  await soon((now) => now.text.length > 6);
  const grown = (await state()).text.length;
  check(grown > 6 && grown < 165 && (await state()).writing, `without a wish for calm it writes one by one: ${grown}`);
  await figure.getByRole("button", { name: "stop" }).click();
  const stopped = (await state()).text;
  await page.waitForTimeout(300);
  check((await state()).text === stopped && !(await state()).writing, "and stops when told to");
  const grid = await figure.locator(".lfm-cells").boundingBox(), over = (column, row) => [grid.x + (column + 0.5) * grid.width / 20, grid.y + (row + 0.5) * grid.height / 8];
  await page.mouse.move(...over(3, 2));
  await page.mouse.down();
  await page.mouse.move(...over(7, 2), { steps: 4 });
  await page.mouse.up();
  check(await soon((now) => now.lens === 47), `a finger slides over the cells: ${(await state()).lens}`);
};
