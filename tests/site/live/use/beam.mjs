// Width, penalty, the two translators, typing.
export default async (page, figure, check) => {
  const says = () => figure.locator(".lfs-says").innerText();
  const first = () => figure.locator(".lfs-list tbody th").first().innerText();
  const widths = figure.getByRole("radiogroup", { name: "Width" });
  const kept = (column) => page.evaluate((k) => [...document.querySelectorAll(".lfs-one:not(.lfs-out)")].filter((e) => e.style.gridColumnStart === String(k)).length, column);
  check(/le bolide vert, probability 0\.302.*keeps la, too, and finds la voiture verte, probability 0\.389/.test(await says()), `the first state: ${await says()}`);
  check((await first()) === "1. la voiture verte" && (await kept(2)) === 2, "two are kept");
  await widths.getByRole("radio", { name: "2" }).focus();
  await page.keyboard.press("ArrowLeft");
  check((await says()).startsWith("A beam of 1 is greedy search") && (await first()) === "1. le bolide vert", "width 1 is greedy search");
  check((await kept(3)) === 1, "one is kept");
  await widths.getByRole("radio", { name: "6" }).click();
  check((await kept(3)) === 6, "six are kept");

  await figure.getByRole("radio", { name: "silence wins" }).click();
  check((await first()) === "1. (nothing)" && (await says()).includes("say nothing"), "the careless translator is silent");
  await figure.getByLabel(/length penalty/).fill("0.6");
  check((await first()).startsWith("1. les tables") && (await figure.locator(".lfs-formula").innerText()).includes("/ 6)0.6"), "a length penalty makes it speak");
  check((await says()).includes("To say nothing is likelier, 0.050, but scores less"), `and silence is still likelier: ${await says()}`);
  check((await figure.getByRole("radio", { name: "length counted" }).getAttribute("aria-checked")) === "true", "which is the last of the examples");
  await figure.getByLabel(/length penalty/).fill("0");
  await figure.getByRole("radio", { name: "careful", exact: true }).click();
  check(!(await first()).includes("nothing"), "the careful one never is");
  const field = figure.getByLabel("An English sentence");
  await field.fill("the big elephant dog");
  check((await figure.locator(".lfs-known").innerText()).includes("\u201celephant\u201d"), "an unknown word is named");
  await field.fill("");
  check((await figure.locator(".lfs-one").count()) === 0 && (await says()).startsWith("Type"), "no words, no search");
};
