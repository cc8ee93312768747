// Visits pages of a built book over http and file://, and prints one line of JSON for each visit.
//   node tests/site/browser/check.mjs BOOK [page.html ...]      all pages when none is named
import { resolve } from "node:path";
import { AXE, bookPages, fileBase, openBrowser, serve, setTheme, visit } from "./common.mjs";

const [folder, ...asked] = process.argv.slice(2);
if (!folder) throw new Error("usage: node check.mjs BOOK [page.html ...]");
const book = resolve(folder);
const pages = asked.length ? asked : bookPages(book);

// What stands on the page once it is ready. Runs in the page.
const inspect = () => {
  const math = [...document.querySelectorAll(".bd-article .math")];
  return {
    math: math.length,
    untypeset: math.filter((e) => !e.querySelector("mjx-container")).map((e) => e.textContent.slice(0, 80)),
    mathErrors: [...document.querySelectorAll("mjx-merror")].map((e) => e.title || e.textContent.slice(0, 80)),
    widgets: document.querySelectorAll(".course-widgets").length,
    waiting: document.querySelectorAll('script[type="application/vnd.jupyter.widget-view+json"]').length,
    broken: [...document.images].filter((e) => e.complete && !e.naturalWidth).map((e) => e.src.slice(-60)),
    unnamed: [...document.querySelectorAll(".bd-article img")].filter((e) => !e.alt.trim()).map((e) => e.src.slice(-60)),
  };
};

// What sticks out to the right of the window, and is not inside something that scrolls. Runs in the page.
const sticking = () => {
  if (document.documentElement.scrollWidth <= window.innerWidth) return [];
  const scrolls = (e) => e && (/(auto|scroll|hidden)/.test(getComputedStyle(e).overflowX) || scrolls(e.parentElement));
  return [...document.querySelectorAll("main *")]
    .filter((e) => e.getBoundingClientRect().right > window.innerWidth + 1 && !scrolls(e.parentElement))
    .slice(0, 5).map((e) => `${e.tagName.toLowerCase()}.${e.className}`.slice(0, 90)).concat("page wider than the window");
};

// What axe-core finds, with every quiz answer and hidden piece of code open.
async function violations(page) {
  await page.addScriptTag({ path: AXE });
  await page.evaluate(() => document.querySelectorAll("details").forEach((e) => { e.open = true; }));
  const result = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return result.violations.flatMap((v) => v.nodes.slice(0, 4).map((n) =>
    `${v.id}: ${n.target.join(" ")} ${(n.any[0] || n.all[0] || n.none[0] || {}).message || ""}`.slice(0, 260)));
}

const site = await serve(book);
const { context, close } = await openBrowser();
const page = context.pages()[0];
try {
  for (const path of pages) {
    for (const [via, base] of [["http", site.base], ["file", fileBase(book)]]) {
      await page.setViewportSize({ width: 1200, height: 1000 });
      const log = await visit(page, base, path);
      const record = { path, via, ...log, files: undefined, kB: Math.round(log.bytes / 1024), ...(await page.evaluate(inspect)) };
      if (via === "file") {
        for (const width of [1400, 375]) {
          await page.setViewportSize({ width, height: 1000 });
          await page.waitForTimeout(400); // what scrolls at this width is marked once the page stands
          for (const theme of ["light", "dark"]) {
            await setTheme(page, theme);
            record[`${theme}${width}`] = await violations(page);
          }
        }
        for (const width of [800, 375]) {
          await page.setViewportSize({ width, height: 800 });
          await page.waitForTimeout(120);
          record[`wide${width}`] = await page.evaluate(sticking);
        }
      }
      console.log(JSON.stringify(record));
    }
  }
} finally {
  await close();
  site.stop();
}
