/** @file The studio's slow tests: `npm run test:studio`. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/studio/*.slow.ts"],
    globalSetup: ["test/build.ts"],
    // What is measured must have the machine for itself.
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 20_000 } },
  },
});
