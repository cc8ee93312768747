// What helps a reader, on one page over http and from the disk: how soon it shows something, what a link shows on hover
// and on focus, the answers of a quiz, and the way through the page by keyboard. One line of JSON for each way.
//   node tests/site/browser/reading.mjs BOOK PAGE
import { resolve } from "node:path";
import { fileBase, openBrowser, serve } from "./common.mjs";

const [folder, path] = process.argv.slice(2);
const site = await serve(resolve(folder));
const { context, close } = await openBrowser();
const page = context.pages()[0];
const preview = () => page.evaluate(() => {
  const box = document.querySelector(".course-preview");
  if (!box || box.hidden) return null;
  const at = box.getBoundingClientRect();
  return { text: box.textContent.replace(/\s+/g, " ").trim(), formulas: box.querySelectorAll("mjx-container").length,
    inside: at.left >= 0 && at.right <= innerWidth && at.bottom > 0 && at.top < innerHeight };
});
const shown = () => page.waitForFunction(() => {
  const box = document.querySelector(".course-preview");
  const at = box.getBoundingClientRect();
  return !box.hidden && at.bottom > 0 && at.top < innerHeight; // the page may still be scrolling to the link
}, null, { timeout: 10000 });
const gone = () => page.waitForFunction(() => document.querySelector(".course-preview").hidden, null, { timeout: 10000 });

try {
  for (const [via, base] of [["http", site.base], ["file", fileBase(resolve(folder))]]) {
    const record = { via, links: {} };
    const paints = [];
    for (let i = 0; i < 3; i++) {
      await page.goto("about:blank");
      await page.goto(base + path, { waitUntil: "load" });
      paints.push(await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 1e9));
    }
    record.firstPaint = Math.min(...paints); // another program may have had the machine in the other two
    await page.addStyleTag({ content: "html { scroll-behavior: auto !important; }" });
    const kinds = { word: "a.term-link", equation: 'a.reference.internal[href*="#equation-"]', far: 'a.reference.internal[href*=".html#equation-"]',
      source: 'a.reference.internal[href*="references.html#"]' };
    for (const [kind, selector] of Object.entries(kinds)) {
      const link = page.locator(`.bd-article ${selector}`).first();
      if (!(await link.count())) continue;
      await link.scrollIntoViewIfNeeded();
      await link.hover();
      await shown();
      record.links[kind] = { ...(await preview()), described: await link.getAttribute("aria-describedby") };
      await page.keyboard.press("Escape");
      await gone();
      await page.mouse.move(2, 2);
    }
    const word = page.locator(".bd-article a.term-link").first();
    await word.evaluate((link) => { link.focus({ focusVisible: true }); });
    await page.keyboard.press("Shift");
    record.onFocus = await shown().then(preview, () => null);
    await word.evaluate((link) => link.blur());
    record.afterBlur = await preview();
    record.quiz = await page.evaluate(() => document.querySelectorAll("details.quiz").length);
    if (record.quiz) {
      const answer = page.locator("details.quiz.right > summary").first();
      await answer.focus();
      await page.keyboard.press("Enter");
      record.opened = await page.evaluate(() => document.querySelectorAll("details.quiz[open]").length);
      await page.waitForFunction(() => /^1 of/.test(document.querySelector(".quiz-progress").textContent), null, { timeout: 10000 });
      record.says = await page.locator(".quiz-progress").first().textContent().catch(() => null);
      await page.reload({ waitUntil: "load" });
      record.remembered = await page.locator(".quiz-progress").first().textContent().catch(() => null);
      record.cookies = (await context.cookies()).length;
    }
    record.skip = await page.evaluate(() => Boolean(document.querySelector('a[href="#main-content"]')));
    record.copy = await page.locator("button.copybtn").count();
    record.neighbours = await page.$$eval(".prev-next-footer a", (links) => links.length);
    console.log(JSON.stringify(record));
  }
} finally {
  await close();
  site.stop();
}
