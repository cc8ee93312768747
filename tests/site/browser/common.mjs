// What the browser scripts share: finding Chromium, serving a folder, opening a page and writing down what it does.
import { createReadStream, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(import.meta.url);
const { chromium } = require("playwright-core");
export const AXE = require.resolve("axe-core/axe.min.js");

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];
const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"];
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml",
  ".png": "image/png", ".json": "application/json", ".woff": "font/woff", ".woff2": "font/woff2" };

export function browserPath() {
  const found = [process.env.CHROMIUM, ...PLACES].find((path) => path && existsSync(path));
  if (!found) throw new Error("no Chromium: install it or set CHROMIUM to its path");
  return found;
}

// A browser with a profile folder of its own, which close() removes.
export async function openBrowser({ width = 1200, height = 1000, scheme = "light", touch = false } = {}) {
  const profile = mkdtempSync(join(tmpdir(), "course-browser-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: browserPath(), headless: true, args: FLAGS, viewport: { width, height }, colorScheme: scheme, reducedMotion: "reduce",
    hasTouch: touch,
  });
  const close = async () => { await context.close(); rmSync(profile, { recursive: true, force: true }); };
  return { context, close };
}

// Serves a folder on this machine only. Returns its address and a function that stops it.
export async function serve(folder) {
  const server = createServer((request, response) => {
    const path = normalize(join(folder, decodeURIComponent(request.url.split("?")[0])));
    if (!path.startsWith(folder) || !existsSync(path) || !statSync(path).isFile()) return response.writeHead(404).end();
    response.writeHead(200, { "content-type": TYPES[extname(path)] || "application/octet-stream" });
    createReadStream(path).pipe(response);
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return { base: `http://127.0.0.1:${server.address().port}/`, stop: () => server.close() };
}

export const fileBase = (folder) => pathToFileURL(folder + "/").href;

// Every page of the built book, as paths from its top; not those that only point to another.
export function bookPages(folder, under = "") {
  return readdirSync(join(folder, under), { withFileTypes: true }).flatMap((entry) => {
    const path = under ? `${under}/${entry.name}` : entry.name;
    if (entry.isDirectory()) return entry.name.startsWith("_") ? [] : bookPages(folder, path);
    if (!entry.name.endsWith(".html")) return [];
    return /http-equiv="?refresh/i.test(readFileSync(join(folder, path), "utf8").slice(0, 2000)) ? [] : [path];
  }).sort();
}

// Goes to a page, waits until it is typeset and its widgets stand, and says what happened on the way.
export async function visit(page, base, path) {
  const log = { outside: [], errors: [], failed: [], bytes: 0, files: [] };
  const note = {
    request: (r) => { if (!r.url().startsWith(base) && !/^(data|blob):/.test(r.url())) log.outside.push(r.url()); },
    response: async (r) => {
      if (r.status() >= 400) log.failed.push(`${r.status()} ${r.url()}`);
      const size = await r.body().then((body) => body.length, () => 0);
      if (!r.url().startsWith("data:")) { log.bytes += size; log.files.push([size, r.url().replace(base, "")]); }
    },
    console: (m) => { if (["error", "warning"].includes(m.type())) log.errors.push(`${m.type()}: ${m.text().slice(0, 300)}`); },
    pageerror: (e) => log.errors.push(`exception: ${String(e).slice(0, 300)}`),
    requestfailed: (r) => log.failed.push(`${r.failure()?.errorText} ${r.url()}`),
  };
  for (const [event, action] of Object.entries(note)) page.on(event, action);
  await page.goto(base + path, { waitUntil: "load", timeout: 60000 });
  await page.evaluate(async () => {
    await document.fonts.ready;
    await new Promise((done) => setTimeout(done, 150));
  });
  for (const [event, action] of Object.entries(note)) page.off(event, action);
  return log;
}

// Light or dark, at once: the theme's transitions would leave colours half-way on a busy machine.
export async function setTheme(page, theme) {
  await page.addStyleTag({ content: "*, ::before, ::after { transition: none !important; animation: none !important; }" });
  await page.evaluate(async (name) => {
    document.documentElement.dataset.mode = name;
    document.documentElement.dataset.theme = name;
    for (let i = 0; i < 2; i++) await new Promise((drawn) => requestAnimationFrame(drawn));
  }, theme);
}
