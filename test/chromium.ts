/** @file The browser of the tests: Debian's Chromium, or the one that CHROMIUM names. */
import { type Browser, chromium } from "playwright-core";
import { chromiumPath } from "../scripts/chromium.mjs";

/** @param flags further switches of the command line */
export function launch(...flags: string[]): Promise<Browser> {
  // Pictures are compared: colours must not depend on the machine's screen.
  return chromium.launch({
    executablePath: chromiumPath(),
    args: ["--no-sandbox", "--force-color-profile=srgb", ...flags],
  });
}
