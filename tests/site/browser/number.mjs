// Answers a question that asks for a number, with and without success. One line of JSON for each way to open the page.
//   node tests/site/browser/number.mjs BOOK
import { resolve } from "node:path";
import { fileBase, openBrowser, serve } from "./common.mjs";

const folder = resolve(process.argv[2]);
const site = await serve(folder);
const { context, close } = await openBrowser();
const page = context.pages()[0];
try {
  for (const [via, base] of [["http", site.base], ["file", fileBase(folder)]]) {
    await page.goto(`${base}book/intro.html`, { waitUntil: "load" });
    const box = page.locator(".quiz-number").first();
    const answer = async (text) => {
      await box.locator("input").fill(text);
      await box.locator("input").press("Enter");
      const said = await box.locator("output").textContent();
      const open = await box.locator("details[open]").allInnerTexts();
      await box.locator("details").evaluateAll((all) => all.forEach((one) => { one.open = false; }));
      return said + open.join(" ");
    };
    console.log(JSON.stringify({
      via, before: await box.locator("summary:visible").allInnerTexts(), nonsense: await answer("many"), far: await answer("12"),
      slip: await answer("30,900"), right: await answer("31 300"),
    }));
  }
} finally {
  await close();
  site.stop();
}
