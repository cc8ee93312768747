// Opens decks from the disk: what they ask for, what they say, and whether every slide fits. One line of JSON each.
//   node tests/site/browser/slides.mjs FOLDER deck.html [deck.html ...]
import { resolve } from "node:path";
import { fileBase, openBrowser } from "./common.mjs";

const [folder, ...decks] = process.argv.slice(2);
const base = fileBase(resolve(folder));
const { context, close } = await openBrowser({ width: 1280, height: 720 });
const page = context.pages()[0];
const seen = { errors: [], outside: [] };
page.on("console", (m) => ["error", "warning"].includes(m.type()) && seen.errors.push(m.text().slice(0, 200)));
page.on("pageerror", (e) => seen.errors.push(String(e).slice(0, 200)));
page.on("request", (r) => { if (!r.url().startsWith(base) && !/^(data|blob):/.test(r.url())) seen.outside.push(r.url()); });
try {
  for (const deck of decks) {
    seen.errors.length = seen.outside.length = 0;
    await page.goto(base + deck, { waitUntil: "load" });
    await page.waitForFunction(() => document.documentElement.dataset.fitted, null, { timeout: 60000 });
    const record = await page.evaluate(() => {
      const all = [...document.querySelectorAll(".slides > section")];
      const tooBig = all.map((section, at) => {
        const shown = section.style.display;
        section.style.display = "block";
        const box = section.querySelector(".slide").getBoundingClientRect(); // on a window of the deck's own size
        section.style.display = shown;
        return box.height > 722 ? `slide ${at + 1}: ${Math.round(box.height)} high` : "";
      }).filter(Boolean);
      const withNotes = all.filter((section) => section.querySelector("aside.notes").textContent.trim()).length;
      return { slides: all.length, tooBig, withNotes };
    });
    await page.keyboard.press("ArrowRight");
    record.next = await page.evaluate(() => Reveal.getIndices().h);
    console.log(JSON.stringify({ deck, ...record, errors: [...seen.errors], outside: [...seen.outside] }));
  }
} finally {
  await close();
}
