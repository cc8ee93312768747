// Loads the scripts of book/site/live into Node, as a page would, and the numbers that the package has for them.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { runInThisContext } from "node:vm";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const folder = `${root}book/site/live/`;
const run = (name) => runInThisContext(readFileSync(folder + name, "utf8"), { filename: folder + name });
run("core.js");
for (const name of readdirSync(folder)) if (name.endsWith(".js") && !["core.js", "frame.js"].includes(name)) run(name);

const python = process.env.PYTHON || [`${root}.venv/bin/python`].find(existsSync) || "python3";
const printed = process.env.LIVE_FIXTURES ? readFileSync(process.env.LIVE_FIXTURES, "utf8")
  : execFileSync(python, ["-m", "course_pkg.viz.live.fixtures", "--print"], { cwd: root, encoding: "utf8", maxBuffer: 2 ** 28 });
export const fixtures = JSON.parse(printed);
export const { core, kit, figures } = globalThis.CourseLive;

/** The largest difference between two nested structures of numbers; text and shape must be equal. */
export function furthest(a, b, where = "") {
  if (typeof b === "number") {
    if (typeof a !== "number" || Number.isNaN(a)) throw new Error(`${where}: ${a} is no number`);
    return Math.abs(a - b) / Math.max(1, Math.abs(b));
  }
  if (b === null || typeof b !== "object") {
    if (a !== b) throw new Error(`${where}: ${a} is not ${b}`);
    return 0;
  }
  const keys = Object.keys(b);
  if (String(Object.keys(a).sort()) !== String([...keys].sort())) throw new Error(`${where}: ${Object.keys(a)} is not ${keys}`);
  return Math.max(0, ...keys.map((key) => furthest(a[key], b[key], `${where}.${key}`)));
}
