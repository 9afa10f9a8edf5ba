/** @file A short part of `npm run test:nodes`: under a Node.js on the other side of 24, where the platform got a Float16Array. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const other = Number(process.versions.node.split(".")[0]) < 24 ? "24" : "20";

test(`the built package under Node.js ${other}`, { timeout: 300_000 }, (context) => {
  const asked = ["scripts/test-nodes.mjs", "--smoke", "--node", other];
  const { stdout, stderr, status } = spawnSync(process.execPath, asked, { cwd: root, encoding: "utf8" });
  const missing = /^.* not run: npm cannot install .*$/m.exec(stdout)?.[0];
  if (missing) {
    console.log(missing);
    context.skip(missing);
  }
  expect(stdout + stderr).toMatch(new RegExp(`^v${other}\\.\\S+ +4 +0 +0 +\\d+$`, "m"));
  expect(status).toBe(0);
});
