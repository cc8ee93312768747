// Walking back, where the losses are, which weights.
export default async (page, figure, check) => {
  const says = () => figure.locator(".lfb-says p").innerText();
  const steps = figure.getByRole("radiogroup", { name: "The walk back" }).getByRole("radio");
  check((await says()).includes("The largest share is that of step 6"), `the first state: ${await says()}`);
  check((await steps.first().getAttribute("aria-label")).includes("share 0.00"), "step 1 contributes nothing to W_hh");
  await figure.getByRole("button", { name: "from the end" }).click();
  check((await figure.locator(".lfb-later").count()) === 5, "the walk begins at the last step");
  await figure.getByRole("button", { name: "one step back" }).click();
  check((await says()).startsWith("The walk is at step 5"), "and goes one step back");
  await steps.nth(4).focus();
  await page.keyboard.press("ArrowLeft");
  check((await says()).startsWith("The walk is at step 4"), "the arrow goes one step back, too");
  await figure.getByRole("radio", { name: "at every word" }).click();
  check((await figure.locator(".lfb-down").count()) === 6, "every word has its loss");
  await figure.getByRole("radio", { name: "Wxh" }).click();
  await steps.first().click();
  check(!(await steps.first().getAttribute("aria-label")).includes("share 0.00"), "step 1 contributes to W_xh");
  await figure.getByRole("radio", { name: "This is good news" }).click();
  check((await steps.count()) === 5, "a shorter sentence has fewer steps");
};
