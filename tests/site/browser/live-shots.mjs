// Pictures of live figures: light, dark, on a phone, on paper and with forced colours.
//   node tests/site/browser/live-shots.mjs BOOK OUT figure ...
import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileBase, openBrowser, setTheme, visit } from "./common.mjs";

const [folder, out, ...names] = process.argv.slice(2);
mkdirSync(out, { recursive: true });
const WAYS = { light: [1400, "light"], dark: [1400, "dark"], phone: [375, "light"], paper: [1000, "light"], forced: [1000, "dark"] };
for (const [way, [width, theme]] of Object.entries(WAYS)) {
  const { context, close } = await openBrowser({ width, height: 1000 });
  const page = context.pages()[0];
  for (const name of names) {
    await visit(page, fileBase(resolve(folder)), `book/${name}.html`);
    await page.waitForSelector("live-figure[ready]", { timeout: 15000 });
    await setTheme(page, theme);
    await page.emulateMedia({ media: way === "paper" ? "print" : "screen", forcedColors: way === "forced" ? "active" : "none" });
    await page.addStyleTag({ content: "figure.live { padding: 0 12px; }" });
    await page.locator("figure.live").screenshot({ path: join(out, `${name}-${way}.png`) });
    console.log(join(out, `${name}-${way}.png`));
  }
  await close();
}
