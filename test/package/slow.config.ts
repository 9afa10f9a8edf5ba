/** @file The package in further bundlers: a part of `npm test -- --full`. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/package/*.slow.ts"],
    globalSetup: ["test/build.ts"],
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
