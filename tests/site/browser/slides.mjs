// Opens decks from the disk: what they ask for, what they say, whether every slide fits, and whether the live figures live.
// One line of JSON each.
//   node tests/site/browser/slides.mjs FOLDER deck.html [deck.html ...]
import { resolve } from "node:path";
import { fileBase, openBrowser } from "./common.mjs";

const [folder, ...decks] = process.argv.slice(2);
const base = fileBase(resolve(folder));
const { context, close } = await openBrowser({ width: 1280, height: 720 });
const page = context.pages()[0];

// Goes to each slide with a live figure and uses it: its keys are its own, every choice fits the slide, Page Down leads on.
async function use() {
  const places = await page.$$eval(".slides > section", (all) => all.flatMap((one, at) => (one.querySelector("live-figure") ? [at] : [])));
  const found = [];
  for (const at of places) {
    await page.evaluate((slide) => Reveal.slide(slide), at);
    const figure = page.locator("section.present live-figure[ready]");
    await figure.waitFor({ timeout: 30000 });
    const slide = page.locator("section.present .slide"), lowest = [];
    const measure = async () => lowest.push(await slide.evaluate((one) => Math.round(one.getBoundingClientRect().bottom)));
    await measure();
    const state = () => figure.evaluate((one) => JSON.stringify(one.state)), states = new Set([await state()]);
    const choices = figure.locator("[role=radiogroup] [role=radio]");
    for (let i = 0; i < await choices.count(); i++) if (await choices.nth(i).isVisible()) {
      await choices.nth(i).click();
      await measure();
      states.add(await state());
    }
    await page.keyboard.press("ArrowRight");
    const stayed = (await page.evaluate(() => Reveal.getIndices().h)) === at;
    found.push({ at, stayed, name: await figure.getAttribute("name"), lowest: Math.max(...lowest), states: states.size,
      letters: await figure.evaluate((one) => { // the height of a line of 15 pixels, on a screen of the deck's own size
        const probe = one.appendChild(document.createElement("div"));
        probe.style.height = "15px";
        const height = probe.getBoundingClientRect().height;
        probe.remove();
        return height;
      }) });
    await page.keyboard.press("PageDown");
    found.at(-1).left = (await page.evaluate(() => Reveal.getIndices().h)) === at + 1;
  }
  return found;
}

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
    record.live = await use();
    console.log(JSON.stringify({ deck, ...record, errors: [...seen.errors], outside: [...seen.outside] }));
  }
} finally {
  await close();
}
