// Pictures of pages at 1400, 800 and 375 pixels, light and dark.
//   node tests/site/browser/shots.mjs OUT page.html ...        pages as paths under _build/html
// A long page becomes several pictures.
// BOOK names another built folder, WIDTHS="1400 375" and THEMES="light" choose fewer, FOLD=1 takes the first screen only.
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { bookPages, fileBase, openBrowser, setTheme, visit } from "./common.mjs";

const SCREEN = 1000; // pixels high
const PIECE = 6000; // a longer page becomes several pictures: Chromium cannot draw it in one

// Takes the whole page, or with FOLD=1 its first screen. Returns the names of the pictures.
async function shoot(page, path, width) {
  const height = await page.evaluate(() => document.documentElement.scrollHeight);
  if (process.env.FOLD || height <= PIECE) {
    await page.screenshot({ path, fullPage: !process.env.FOLD });
    return [path];
  }
  const names = [];
  await page.setViewportSize({ width, height: PIECE });
  for (let top = 0; top < height; top += PIECE) {
    await page.evaluate((y) => window.scrollTo(0, y), top);
    await page.waitForTimeout(120);
    names.push(path.replace(/\.png$/, `-${names.length + 1}.png`));
    await page.screenshot({ path: names.at(-1) });
  }
  await page.setViewportSize({ width, height: SCREEN });
  return names;
}

const [out, ...asked] = process.argv.slice(2);
if (!out) throw new Error("usage: node shots.mjs OUT [page.html ...]");
const book = resolve(process.env.BOOK || "_build/html");
const pages = asked.length ? asked : bookPages(book);
const widths = (process.env.WIDTHS || "1400 800 375").split(" ").map(Number);
const themes = (process.env.THEMES || "light dark").split(" ");
mkdirSync(out, { recursive: true });
for (const width of widths) {
  const { context, close } = await openBrowser({ width, height: SCREEN });
  const page = context.pages()[0];
  for (const path of pages) {
    for (const theme of themes) {
      await visit(page, fileBase(book), path);
      await setTheme(page, theme);
      const name = `${path.replace(/\.html$/, "").replaceAll("/", "-")}-${width}-${theme}.png`;
      for (const picture of await shoot(page, join(out, name), width)) console.log(picture);
    }
  }
  await close();
}
