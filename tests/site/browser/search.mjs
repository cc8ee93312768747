// Types queries into the search of a built book, over http and from the disk; prints the pages found, in order.
//   node tests/site/browser/search.mjs BOOK QUERY [QUERY ...]
import { resolve } from "node:path";
import { fileBase, openBrowser, serve } from "./common.mjs";

const [folder, ...queries] = process.argv.slice(2);
const site = await serve(resolve(folder));
const { context, close } = await openBrowser();
const page = context.pages()[0];
try {
  for (const [via, base] of [["http", site.base], ["file", fileBase(resolve(folder))]]) {
    for (const query of queries) {
      const errors = [];
      const note = (error) => errors.push(String(error));
      page.on("pageerror", note);
      await page.goto(`${base}search.html?q=${encodeURIComponent(query)}`);
      await page.waitForFunction(() => /finished|did not match/i.test(document.querySelector("#search-results")?.innerText || ""), null, { timeout: 20000 });
      const found = await page.$$eval("#search-results ul.search li > a", (links) =>
        links.map((link) => link.getAttribute("href").split(/[?#]/)[0].replace(/^book\//, "")));
      page.off("pageerror", note);
      console.log(JSON.stringify({ via, query, found: found.slice(0, 5), errors }));
    }
  }
} finally {
  await close();
  site.stop();
}
