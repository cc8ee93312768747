// Kernel, depth and dilation by slider, keys and click: the formula's number, the holes, the strip.
export default async (page, figure, check) => {
  const says = () => figure.locator(".lfr-says").innerText();
  const strip = () => figure.locator(".lfr-strip").getAttribute("aria-label");
  check((await says()).includes("sees 31 steps: 1 + 2 \u00b7 (2 \u2212 1) \u00b7 (1 + 2 + 4 + 8) = 31"), `the first state says the formula: ${await says()}`);
  check((await says()).includes("would see 9"), "and what is seen without dilation");
  check((await figure.locator(".lfr-lines").getAttribute("d")).split("M").length > 60, "the tree is drawn");
  check((await strip()).includes("; 31 of them"), "31 of 600");
  await figure.getByLabel("taps K").fill("8");
  await figure.getByLabel("blocks L").focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowRight");
  check((await says()).includes("sees 883 steps"), "eight taps and six blocks see 883 steps");
  check((await strip()).includes("; 600 of them"), "all of the 600");
  await figure.getByLabel("taps K").fill("2");
  await figure.getByLabel("blocks L").fill("3");
  await figure.getByRole("radio", { name: "\u00d7 4" }).click();
  check((await says()).includes("reaches over 43 steps") && (await says()).includes("it reads 27"), `a dilation that grows too fast leaves holes: ${await says()}`);
  await page.keyboard.press("Home");
  check((await says()).includes("sees 7 steps"), "and without dilation there are seven");
  const drawn = (name) => figure.locator(name).getAttribute("d").then((d) => d.split("M").length - 1);
  check((await drawn(".lfr-rest")) === 0 && !(await says()).includes("Drawn in full"), "few lines are all drawn in full");
  await figure.getByRole("radio", { name: "\u00d7 2" }).click();
  await figure.getByLabel("taps K").fill("8");
  await figure.getByLabel("blocks L").fill("6");
  check((await drawn(".lfr-rest")) > 200 && (await drawn(".lfr-lines")) < 100 && (await says()).includes("Drawn in full"), "of many only those of the newest step");
};
