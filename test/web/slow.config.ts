/** @file The slow tests of browsers: `npm run test:webgpu`. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/web/*.slow.ts"],
    fileParallelism: false,
    testTimeout: 900_000, // a graphics card of software
    hookTimeout: 120_000,
  },
});
