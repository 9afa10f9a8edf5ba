import { defineConfig } from "vitest/config";

// Tests read what commands print. Where a terminal, CI or FORCE_COLOR asks for colours, the runner alone has them;
// Node.js warns of FORCE_COLOR beside NO_COLOR.
delete process.env.FORCE_COLOR;

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/build.ts"],
    env: { NO_COLOR: "1" },
    // Sessions bring threads of their own; one file for each core keeps a small machine busy enough.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 20_000 } },
    reporters: ["default", "./test/closing-line.ts"],
  },
});
