// The questions and their verdicts, the ban, typed words, unknown ones, and the walk from neighbour to neighbour.
export default async (page, figure, check) => {
  const question = (name) => figure.getByRole("radio", { name });
  const first = () => figure.locator(".lfe-table tbody th").first().innerText();
  const near = () => figure.locator(".lfe-near").first().innerText();
  check((await question(/^paris/).innerText()).includes("right"), "a capital is found");
  check((await question(/^king/).innerText()).includes("as good as queen"), "duchess is as good as queen");
  check(/woman[^]*from the question; right: doctor/.test(await question(/^doctor/).innerText()), "the doctor is made a woman");
  check((await first()) === "woman" && (await near()).startsWith("young"), "the first state shows both failures");

  await figure.getByLabel("forbid the words of the question").check();
  check((await first()) === "maid", "the ban only changes the word");
  check((await question(/^doctor/).innerText()).includes("right: doctor, which is forbidden"), "and forbids the right one");
  check((await question(/^greek/).innerText()).includes("\u2713 right"), "and makes others right");
  await question(/^doctor/).focus();
  await page.keyboard.press("Home");
  check((await first()) === "rome", "Home goes to the first question");
  await figure.getByLabel("forbid the words of the question").uncheck();

  await figure.getByLabel("word b").fill(" Oslo");
  await figure.getByLabel("word a, subtracted").fill("norway");
  await figure.getByLabel("word c, added").fill("greece");
  check((await first()) === "athens", "typed words are asked");
  await figure.getByLabel("word b").fill("car");
  check((await figure.innerText()).includes("Only the 89 words") && (await first()).trim() === "", "an unknown word is said to be one");
  check((await figure.getByLabel("word b").getAttribute("aria-invalid")) === "true", "and marked");
  await figure.getByLabel("word b").fill("oslo");
  await figure.getByRole("button", { name: /^young/ }).focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  check((await figure.getByLabel("word whose neighbours are shown").inputValue()) === "village", "a neighbour leads on");
  check((await near()).startsWith("palace"), `to its own: ${await near()}`);
};
