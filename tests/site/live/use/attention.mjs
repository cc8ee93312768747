// Hovering, keys, typing, unknown words, the other side, nothing at all.
export default async (page, figure, check) => {
  const says = () => figure.locator(".lfa-says").innerText();
  const field = figure.getByLabel("An English sentence");
  const side = (name) => figure.getByRole("radiogroup", { name }).getByRole("radio");
  const french = () => side(/^French/).locator(".lfa-text").allInnerTexts();
  check((await french()).join(" ") === "la voiture verte end", `the first state: ${await french()}`);
  check(/^verte, French word 3, looks at green, 0\.9\d\. Word 2 .* word 3/.test(await says()), `the order: ${await says()}`);
  await side(/^French/).nth(1).hover();
  check(/^voiture, French word 2, looks at car/.test(await says()), "resting on a word shows its look");
  await side(/^French/).first().focus();
  check((await says()).includes("depends on the noun"), "the focus does, too, and the article looks at the noun");
  await page.keyboard.press("ArrowRight");
  check((await says()).startsWith("voiture"), "arrows go along the words");
  await side(/^English/).nth(2).click();
  check(/^car, English word 3, is looked at by la \(.*voiture/.test(await says()), `who looks at car: ${await says()}`);
  check((await side(/^English/).nth(2).getAttribute("aria-checked")) === "true", "an English word can be chosen");
  check((await side(/^French/).nth(1).innerText()).includes("0.9"), "and French words show their weights on it");

  await field.fill("The BLUE hats, and the banana <i>");
  check((await figure.locator(".lfa-known").innerText()).includes("\u201cbanana\u201d"), "an unknown word is named");
  check((await french()).slice(0, 3).join(" ") === "les chapeaux bleus", `and skipped: ${await french()}`);
  await field.fill("");
  check((await french()).length === 0 && (await says()).startsWith("Type"), "no words, no translation");
  await figure.getByRole("radio", { name: "the small black cats and the white house" }).click();
  check((await french()).join(" ") === "les petits chats noirs et la maison blanche end", "a sentence to try");
  await field.fill(Array(5).fill("the red apple").join(" and "));
  check((await figure.locator(".lfa-known").innerText()).includes("no training sentence"), "a sentence longer than all others is said to be");
};
