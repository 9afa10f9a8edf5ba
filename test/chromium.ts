/** @file The browser of the tests: Debian's Chromium, or the one that CHROMIUM names. */
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const chromiums = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** @param flags further switches of the command line */
export function launch(...flags: string[]): Promise<Browser> {
  const executablePath = process.env.CHROMIUM ?? chromiums.find(existsSync);
  if (!executablePath) throw new Error("no Chromium: run `node scripts/setup.mjs`, or name one in CHROMIUM");
  // Pictures are compared: colours must not depend on the machine's screen.
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--force-color-profile=srgb", ...flags] });
}
