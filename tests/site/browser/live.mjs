// Uses live figures as readers do, each on its page of the sample (tests/site/live_sample.py), over http and from the disk.
//   node tests/site/browser/live.mjs BOOK figure ...      prints one line of JSON for each figure and way
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { AXE, fileBase, openBrowser, serve, setTheme, visit } from "./common.mjs";

const [folder, ...names] = process.argv.slice(2), book = resolve(folder);
const USE = new URL("../live/use/", import.meta.url);

// The same text, and numbers within 0.02: the build printed the package's, the page its own.
function differences(a, b) {
  const [one, two] = [a, b].map((html) => html.replace(/\u2212/g, "-").split(/(-?\d+(?:\.\d+)?)/));
  if (one.length !== two.length) return [`${one.length} pieces against ${two.length}`];
  return one.flatMap((piece, i) => {
    const same = i % 2 ? Math.abs(piece - two[i]) <= 0.02 * Math.max(1, Math.abs(piece)) : piece === two[i];
    return same ? [] : [`${one.slice(i - 3, i).join("").slice(-60)} [${piece} against ${two[i]}]`];
  });
}

const state = (page) => page.evaluate(() => JSON.stringify(document.querySelector("live-figure").state));
const ready = (page) => page.waitForSelector("live-figure[ready]", { timeout: 60000, state: "attached" });

async function violations(page) {
  await page.addScriptTag({ path: AXE });
  const result = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return result.violations.flatMap((v) => v.nodes.slice(0, 4).map((n) =>
    `${v.id}: ${n.target.join(" ")} ${(n.any[0] || n.all[0] || n.none[0] || {}).message || ""}`.slice(0, 260)));
}

// Every composite has one tab stop; arrows go through it.
async function keys(page) {
  const boxes = await page.locator("live-figure [data-rove]").count(), problems = [];
  for (let i = 0; i < boxes; i++) {
    const box = page.locator("live-figure [data-rove]").nth(i), name = await box.getAttribute("aria-label");
    const stops = box.locator(':is([data-set], [data-item])[tabindex="0"]'), items = await box.locator("[data-set], [data-item]").count();
    if (!name) problems.push(`composite ${i} has no name`);
    if ((await stops.count()) !== 1) problems.push(`${name}: ${await stops.count()} tab stops`);
    if (items < 2 || !(await box.isVisible())) continue;
    await stops.first().focus();
    await page.keyboard.press("Home");
    const before = await page.evaluate(() => document.activeElement.outerHTML);
    await page.keyboard.press("ArrowRight");
    const after = await page.evaluate(() => [document.activeElement.outerHTML, !!document.activeElement.closest("[data-rove]")]);
    if (!after[1] || after[0] === before) problems.push(`${name}: the arrow did not move the focus`);
    if ((await stops.count()) !== 1) problems.push(`${name}: ${await stops.count()} tab stops after an arrow`);
  }
  return problems;
}

// A click and a tap on what can be set change the state; a slider answers to the arrows.
async function operate(page, tap) {
  const problems = [], targets = page.locator("live-figure [data-set]:not([aria-checked=true]):not([disabled]):visible");
  let changed = (await targets.count()) === 0;
  for (let i = 0; i < Math.min(6, await targets.count()) && !changed; i++) {
    const before = await state(page);
    await (tap ? targets.nth(i).tap() : targets.nth(i).click());
    changed = before !== (await state(page));
  }
  if (!changed) problems.push(`${tap ? "a tap" : "a click"} changed nothing`);
  for (const slider of await page.locator("live-figure input[type=range]:visible").all()) {
    const before = await state(page);
    await slider.focus();
    await page.keyboard.press("ArrowLeft");
    if (before === (await state(page))) await page.keyboard.press("ArrowRight");
    if (before === (await state(page))) problems.push(`slider ${await slider.getAttribute("aria-label")}: arrows change nothing`);
  }
  return problems;
}

const height = (page) => page.evaluate(() => document.querySelector("live-figure").getBoundingClientRect().height);

// How high the picture is before its scripts have come, and where none run.
async function without(browser, base, name) {
  const page = await browser.newPage();
  await page.route(/_static\/live\/[^/]+\.js/, (route) => route.abort());
  await page.goto(`${base}book/${name}.html`, { waitUntil: "load" });
  await page.evaluate(() => document.fonts.ready);
  const waiting = await height(page);
  const usable = await page.locator("live-figure .lf-controls :is(button, input):visible").count();
  const words = (await page.locator("live-figure .lf").innerText()).length;
  await page.close();
  return { waiting, usable, words };
}

async function use(context, base, via, name) {
  const page = context.pages()[0];
  await page.setViewportSize({ width: 1400, height: 1000 });
  const log = await visit(page, base, `book/${name}.html`);
  await ready(page).catch((problem) => { throw new Error(`${name} over ${via} was not ready: ${JSON.stringify({ ...log, files: 0 })} ${problem}`); });
  const record = { name, via, outside: log.outside, errors: log.errors, failed: log.failed };
  const drawn = await page.evaluate(() => { const e = document.querySelector("live-figure"); return [e.drawn, e.root.innerHTML]; });
  record.unlike = differences(...drawn);
  const asked = await page.evaluate(() => performance.getEntriesByType("resource").map((entry) => entry.name));
  const files = asked.filter((url) => url.includes("_static/live/") && url.split("?")[0].endsWith(".js"));
  const local = (url) => readFileSync(join(book, "_static/live", url.split("?")[0].split("/").pop()));
  record.scripts = files.filter((url) => !url.includes(".weights.js")).reduce((sum, url) => sum + gzipSync(local(url), { level: 9 }).length, 0);
  record.weights = files.filter((url) => url.includes(".weights.js")).reduce((sum, url) => sum + local(url).length, 0);
  if (via === "http") return record; // the rest is the same however the page came

  record.ms = await page.evaluate(() => {
    const e = document.querySelector("live-figure"), runs = 40;
    const each = (action) => { // the clock of a page ticks only every tenth of a millisecond
      const started = performance.now();
      for (let i = 0; i < runs; i++) action();
      return Number(((performance.now() - started) / runs).toFixed(3));
    };
    return { network: each(() => e.parts.numbers(e.data, e.state)), withPicture: each(() => e.redraw()) };
  });
  const { waiting, usable, words } = await without(context, base, name);
  record.jump = Math.abs(waiting - (await height(page)));
  Object.assign(record, { usableWithoutScript: usable, wordsWithoutScript: words });
  for (const theme of ["light", "dark"]) {
    await setTheme(page, theme);
    record[theme] = await violations(page);
  }
  record.keys = await keys(page);
  record.click = await operate(page, false);
  await page.evaluate(() => document.querySelector("live-figure").say("Heard."));
  await page.waitForTimeout(700);
  record.said = await page.locator("live-figure > [aria-live=polite]").innerText();
  await page.emulateMedia({ media: "print" });
  record.printed = await page.locator("live-figure .lf-controls:visible").count();
  await page.emulateMedia({ media: "screen" });
  await page.setViewportSize({ width: 375, height: 800 });
  await page.waitForTimeout(150);
  record.wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  record.small = await page.evaluate(() => [...document.querySelectorAll(".lf *")].filter((e) =>
    e.checkVisibility() && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()) && !e.closest(".lf-hidden") &&
    parseFloat(getComputedStyle(e).fontSize) * (e.ownerSVGElement ? e.ownerSVGElement.getScreenCTM().a : 1) < 12)
    .slice(0, 4).map((e) => `${e.tagName} ${e.textContent.slice(0, 30)} ${getComputedStyle(e).fontSize}`));
  Object.assign(record, await phone(page));
  record.phone = await violations(page);
  record.errors.push(...(await own(context, base, name)));
  return record;
}

// On a phone: how high the figure is, what scrolls sideways, and what is too small for a finger. The steps of a gate and the
// memory cells are small, but the finger slides over them, and the LSTM has buttons for one step at a time.
const phone = (page) => page.evaluate(() => {
  const seen = (selector) => [...document.querySelectorAll(`.lf :is(${selector})`)].filter((e) => e.checkVisibility());
  const sideways = seen("*").filter((e) => getComputedStyle(e).overflowX === "auto" && e.scrollWidth > e.clientWidth + 1).map((e) => e.className);
  const narrow = seen("button, select, input, [data-set]").filter((e) => !e.matches(".lfl-gate *, .lfm-cell")).flatMap((e) => {
    const { width, height } = (e.closest("label") || e).getBoundingClientRect();
    return Math.min(width, height) < 24 ? [`${e.className} ${e.textContent.slice(0, 20)} ${width} x ${height}`] : [];
  });
  return { sideways, narrow, tall: document.querySelector(".lf").getBoundingClientRect().height };
});

// What only this figure does: tests/site/live/use/NAME.mjs. Also: fingers.
async function own(context, base, name) {
  const problems = [], path = new URL(`${name}.mjs`, USE);
  const check = (true_, what) => { if (!true_) problems.push(what); };
  const page = await context.newPage();
  page.setDefaultTimeout(15000);
  page.on("pageerror", (problem) => problems.push(String(problem)));
  page.on("console", (message) => { if (message.type() === "error") problems.push(message.text()); });
  const open = async () => {
    await page.goto(`${base}book/${name}.html`, { waitUntil: "load" });
    await ready(page);
    return page.locator("live-figure");
  };
  await open();
  problems.push(...(await operate(page, true)));
  if (!existsSync(path)) problems.push(`there is no tests/site/live/use/${name}.mjs`);
  else {
    const acts = (await import(pathToFileURL(path.pathname))).default;
    await acts(page, await open(), check).catch((problem) => problems.push(String(problem).slice(0, 600)));
  }
  await page.close();
  return problems;
}

const site = await serve(book);
const { context, close } = await openBrowser({ touch: true });
try {
  for (const name of names) {
    for (const [via, base] of [["http", site.base], ["file", fileBase(book)]]) {
      console.log(JSON.stringify(await use(context, base, via, name)));
    }
  }
} finally {
  await close();
  site.stop();
}
