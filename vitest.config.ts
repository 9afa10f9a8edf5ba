import { defineConfig } from "vitest/config";
import { dependingOnDist } from "./test/needs-dist.ts";

// Tests read what commands print. Where a terminal, CI or FORCE_COLOR asks for colours, the runner alone has them;
// Node.js warns of FORCE_COLOR beside NO_COLOR.
delete process.env.FORCE_COLOR;

const all = "test/**/*.test.ts";
/** It looks at what a process has not loaded yet. */
const fresh = "test/ops/families.test.ts";

export default defineConfig({
  test: {
    projects: [
      // These leave nothing behind in a process, so that one loads the sources once for all of them.
      { extends: true, test: { name: "source", include: [all], exclude: [...dependingOnDist, fresh], isolate: false } },
      { extends: true, test: { name: "fresh", include: [fresh] } },
      { extends: true, test: { name: "package", include: [...dependingOnDist], globalSetup: ["test/build.ts"] } },
    ],
    env: { NO_COLOR: "1" },
    // Sessions bring threads of their own; one file for each core keeps a small machine busy enough.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 20_000 } },
    reporters: ["default", "./test/closing-line.ts"],
  },
});
