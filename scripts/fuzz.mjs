/**
 * @file Random graphs and damaged files, as long as asked; continuous integration runs a fixed number of them.
 *
 *   npm run fuzz -- [--seconds N] [--seed N] [--part graphs|files]
 *
 * Each part goes on for N seconds (60). A failure is printed with its seed and, for a graph, shrunk to its smallest; `--seed` with that
 * number starts there.
 */
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    seed: { type: "string", default: "1" },
    part: { type: "string" },
  },
});
const { status } = spawnSync("npx", ["vitest", "run", values.part ? `test/fuzz/${values.part}.test.ts` : "test/fuzz"], {
  stdio: "inherit",
  env: { ...process.env, FUZZ_SECONDS: values.seconds, FUZZ_SEED: values.seed },
});
process.exit(status ?? 1);
