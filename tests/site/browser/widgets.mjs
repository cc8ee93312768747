// Uses the widgets of the sample book (tests/site/sample.py) as a reader would, over http and file://.
//   node tests/site/browser/widgets.mjs BOOK      prints one line of JSON for each way
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { AXE, fileBase, openBrowser, serve, visit } from "./common.mjs";

const book = resolve(process.argv[2]);
const scripts = (page) => [...readFileSync(join(book, page), "utf8").matchAll(/<script[^>]*src="(?:\.\.\/)*([^"?]+)/g)].map((m) => m[1]);

async function use(page, base) {
  const { outside, errors, failed } = await visit(page, base, "book/widgets.html");
  const shown = () => page.locator(".cw-stack > .cw-html:visible").allInnerTexts();
  const record = { outside, errors, failed, start: await shown() };
  const slider = page.locator(".course-widgets input[type=range]");
  await slider.focus();
  for (let i = 0; i < 3; i++) await slider.press("ArrowRight");
  record.afterThreeArrows = await shown();
  record.sliderText = await page.locator(".course-widgets output").innerText();
  await page.getByRole("radio", { name: "ReLU" }).check();
  record.afterToggle = await page.locator(".cw-stack > .cw-text:visible").innerText();
  const form = page.getByLabel("form");
  await form.selectOption({ label: "Jordan" });
  record.afterDropdown = await form.evaluate((select) => select.selectedIndex);
  const play = page.locator(".cw-play button").first();
  record.playSays = [await play.innerText()];
  await play.click();
  record.playSays.push(await play.innerText());
  // it runs by itself; how fast depends on the machine
  await slider.evaluate(async (input) => {
    for (let i = 0; i < 400 && Number(input.value) <= 3; i++) await new Promise((later) => setTimeout(later, 50));
  });
  await play.click();
  record.afterPlay = Number(await slider.inputValue());
  record.unknown = await page.locator(".cw-unknown").innerText();
  await page.addScriptTag({ path: AXE });
  const result = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  record.violations = result.violations.map((v) => `${v.id}: ${v.nodes[0].target.join(" ")}`);
  return record;
}

const site = await serve(book);
const { context, close } = await openBrowser();
try {
  for (const [via, base] of [["http", site.base], ["file", fileBase(book)]]) {
    const record = await use(context.pages()[0], base);
    console.log(JSON.stringify({ via, ...record, scripts: scripts("book/widgets.html"), otherScripts: scripts("book/intro.html") }));
  }
} finally {
  await close();
  site.stop();
}
