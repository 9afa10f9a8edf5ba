/**
 * @file `npm test`: makes a fresh clone ready, then everything that continuous integration does, and what each part took. `-- --full` goes
 * on with the slow tests: the studio's, WebGPU's, the queue's faults and further bundlers (an hour and a half on two cores).
 */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const { values } = parseArgs({ options: { full: { type: "boolean", default: false } } });
const cwd = fileURLToPath(new URL("..", import.meta.url));
const parts = [
  ["node", "scripts/setup.mjs"],
  ["npm", "run", "check"],
  ["npm", "run", "build"],
  ["npm", "run", "bench:quick"],
  ["npx", "vitest", "run"],
];
const slow = ["test/studio", "test/web", "test/evaluate", "test/package"].map((folder) => [
  ...["npx", "vitest", "run", "--config", `${folder}/slow.config.ts`],
]);

const took = [];
for (const [command, ...args] of values.full ? [...parts, ...slow] : parts) {
  const start = performance.now();
  const { status, signal } = spawnSync(command, args, { cwd, stdio: "inherit", shell: process.platform === "win32" });
  took.push(`${[command, ...args].join(" ")}: ${((performance.now() - start) / 1000).toFixed(0)} s`);
  if (status === 0) continue;
  console.error(`${[command, ...args].join(" ")} ended with ${status ?? signal}`);
  process.exit(status ?? 1);
}
console.log(took.join("\n"));
