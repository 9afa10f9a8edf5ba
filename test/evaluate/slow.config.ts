/** @file What goes wrong around a queue, all of it: `npm run test:faults`. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/evaluate/*.slow.ts"],
    globalSetup: ["test/build.ts"],
    env: { NO_COLOR: "1" },
    // Each case has a Redis and up to five processes.
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 20_000 } },
  },
});
