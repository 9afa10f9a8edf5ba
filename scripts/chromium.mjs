/** @file Where Chromium is: where CHROMIUM says, or where Debian and Google put it. */
import { existsSync } from "node:fs";

/** Undefined where there is none. */
export const chromium =
  process.env.CHROMIUM ??
  ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((file) => existsSync(file));

/** @throws Error that says how to come by one */
export function chromiumPath() {
  if (!chromium) throw new Error("no Chromium: run `node scripts/setup.mjs`, or name one in CHROMIUM");
  return chromium;
}
