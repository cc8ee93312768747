// Units, the bend, going back in training, and training itself.
export default async (page, figure, check) => {
  const says = () => figure.locator(".lfd-says").innerText();
  const state = () => page.evaluate(() => document.querySelector("live-figure").state);
  const right = async () => Number((await says()).match(/^(\d+) of 80/)[1]);
  check((await right()) === 80, "three units tell disc and ring apart");
  const units = figure.getByRole("radiogroup", { name: "Hidden units" });
  await units.getByRole("radio", { name: "1" }).click();
  check((await right()) < 62, "one unit does not");
  await page.keyboard.press("ArrowRight");
  check((await right()) > 62 && (await right()) < 76, "two units draw a band");
  await units.getByRole("radio", { name: "8" }).click();
  check((await figure.locator(".lfd-line").count()) >= 5, "eight units, eight lines (some may lie outside)");
  await figure.getByRole("radio", { name: "none" }).click();
  check((await right()) < 50 && (await figure.locator(".lfd-line").count()) === 0, "without the bend eight are no better than a line");
  await figure.getByRole("radio", { name: "tanh" }).click();
  await figure.getByRole("slider", { name: "steps" }).fill("0");
  check((await right()) < 70, "before training");
  await figure.getByRole("button", { name: "train" }).click();
  check((await state()).steps === 1000 && !(await state()).running && (await right()) === 80, "training ends with all points right");
  await figure.getByRole("button", { name: "train again" }).click();
  check((await state()).steps === 1000, "and can be had again");
};
