// Pictures of pages at 1400, 800 and 375 pixels, light and dark.
//   node tests/site/browser/shots.mjs OUT page.html ...        pages as paths under _build/html
// BOOK names another built folder, WIDTHS="1400 375" and THEMES="light" choose fewer, FOLD=1 takes the first screen only.
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { bookPages, fileBase, openBrowser, setTheme, visit } from "./common.mjs";

const [out, ...asked] = process.argv.slice(2);
if (!out) throw new Error("usage: node shots.mjs OUT [page.html ...]");
const book = resolve(process.env.BOOK || "_build/html");
const pages = asked.length ? asked : bookPages(book);
const widths = (process.env.WIDTHS || "1400 800 375").split(" ").map(Number);
const themes = (process.env.THEMES || "light dark").split(" ");
mkdirSync(out, { recursive: true });
for (const width of widths) {
  const { context, close } = await openBrowser({ width, height: width < 500 ? 812 : 1000 });
  const page = context.pages()[0];
  for (const path of pages) {
    for (const theme of themes) {
      await visit(page, fileBase(book), path);
      await setTheme(page, theme);
      const name = `${path.replace(/\.html$/, "").replaceAll("/", "-")}-${width}-${theme}.png`;
      await page.screenshot({ path: join(out, name), fullPage: !process.env.FOLD });
      console.log(name);
    }
  }
  await close();
}
