/** @file Tests that visit the studio, each in a browser context of its own. */
import type { Browser, BrowserContext } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { build, launch, serve } from "./browser.ts";

/** What the tests of a file share, and the context that each has for itself. */
export interface Visit {
  browser: Browser;
  served: Awaited<ReturnType<typeof serve>>;
  context: BrowserContext;
}

/** Serves the studio to the tests of a file; what is returned is filled before each of them. */
export function visiting(): Visit {
  const visit = {} as Visit;
  beforeAll(async () => {
    build();
    [visit.browser, visit.served] = await Promise.all([launch(), serve()]);
  });
  beforeEach(async () => {
    visit.context = await visit.browser.newContext({ viewport: { width: 1280, height: 860 } });
  });
  afterEach(() => visit.context.close());
  afterAll(async () => {
    await visit.browser?.close();
    visit.served?.stop();
  });
  return visit;
}
