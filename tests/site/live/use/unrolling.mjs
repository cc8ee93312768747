// Stepping, typing, an unknown word, a sentence to try.
export default async (page, figure, check) => {
  const answer = () => figure.locator(".lfu-answer b").innerText();
  check((await answer()) === "0.979", "the first state is step 3 of the chapter's sentence");
  await figure.getByRole("button", { name: "next step" }).click();
  check((await figure.locator(".lf-h").innerText()).startsWith("Step 4"), "the button goes one step on");
  await figure.getByRole("radio", { name: /^step 5/ }).click();
  check((await answer()) === "0.993", "the last step answers as in the chapter");
  await figure.getByRole("button", { name: "from the start" }).click();
  check((await figure.locator(".lf-h").innerText()).startsWith("Step 1"), "after the last step comes the first");
  const field = figure.getByLabel("A sentence for the network");
  await field.fill("This is not good news");
  check((await field.inputValue()) === "This is not good news", "what is typed stays as it is typed");
  await figure.getByRole("radio", { name: /^step 6/ }).click();
  check(Number(await answer()) < 0.1, "not turns the answer round");
  await field.fill("This is not good bananas <script>");
  check((await figure.locator(".lfu-known").innerText()).includes("bananas"), "an unknown word is named");
  check((await figure.getByRole("radio", { name: /^step/ }).count()) === 5, "and skipped");
  await figure.getByRole("radio", { name: "That was awful advice" }).click();
  check((await field.inputValue()) === "That was awful advice", "a sentence to try stands in the field");
  await page.keyboard.press("ArrowRight");
  check((await field.inputValue()) === "Good news is this not", "the arrow takes the next sentence");
  await field.fill("this is not good news that was not");
  await page.setViewportSize({ width: 375, height: 800 });
  const wide = await page.evaluate(() => { const e = document.querySelector(".lfu-steps").parentNode; return e.scrollWidth - e.clientWidth; });
  check((await figure.getByRole("radio", { name: /^step/ }).count()) === 9 && wide <= 1, `nine steps stand on a phone: ${wide} pixels too many`);
};
