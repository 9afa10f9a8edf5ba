/**
 * @file The tests under other versions of Node.js, which the npm registry has as binaries.
 *
 *   npm run test:nodes                                      all of them, under 20, 22, 24 and the newest
 *   npm run test:nodes -- --node 24 --node latest test/cli  some of the tests under some versions
 *   npm run test:nodes -- --smoke                           what is likeliest to differ, in some seconds each
 *   npm run test:nodes -- --node 20 --cpu Haswell test/cli  on an emulated processor: AVX2 without VNNI (needs qemu-user)
 *
 * Ends with a table, and with 1 where a test failed or a version could not be had.
 */
import { spawn } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { emulated, nodeBinary } from "./nodes/binary.mjs";

const root = fileURLToPath(new URL("..", import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    node: { type: "string", multiple: true, default: ["20", "22", "24", "latest"] },
    smoke: { type: "boolean", default: false },
    cpu: { type: "string" },
  },
});
// An emulated processor takes some twenty times as long.
const patience = values.cpu ? ["--testTimeout=1800000", "--hookTimeout=1800000"] : [];
const script = values.smoke
  ? ["scripts/nodes/smoke.mjs"]
  : ["node_modules/vitest/vitest.mjs", "run", ...patience, ...positionals];

const rows = [];
for (const version of values.node) rows.push(await tested(version));
console.log(
  `\n${"Node.js".padEnd(12)} ${"passed".padStart(7)} ${"failed".padStart(7)} ${"skipped".padStart(7)} ${"seconds".padStart(8)}`,
);
for (const { name, counts, seconds, reason } of rows)
  console.log(
    name.padEnd(12),
    counts
      ? [...counts.map((count) => count.padStart(7)), String(seconds).padStart(8)].join(" ")
      : `not run: ${reason}`,
  );
process.exitCode = rows.every(({ counts, status }) => counts && status === 0) ? 0 : 1;

async function tested(version) {
  const start = performance.now();
  try {
    const plain = nodeBinary(version);
    const binary = values.cpu ? emulated(plain, values.cpu) : plain;
    const [name] = (await run(binary, ["--version"], false)).text.trim().split("\n");
    const { text, status } = await run(binary, script, true);
    const counts = [...text.matchAll(/^(\d+) passed, (\d+) failed, (\d+) skipped$/gm)].at(-1)?.slice(1);
    return {
      name,
      counts,
      status,
      seconds: Math.round((performance.now() - start) / 1000),
      reason: `exit code ${status}`,
    };
  } catch (error) {
    return { name: version, reason: error.message };
  }
}

/** Runs it with that Node.js before any other on the path, since tests start npm and node by name. */
function run(binary, args, shown) {
  const env = { ...process.env, PATH: path.dirname(binary) + path.delimiter + process.env.PATH };
  const child = spawn(binary, args, { cwd: root, env, stdio: ["ignore", "pipe", "inherit"] });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part) => {
    text += part;
    if (shown) process.stdout.write(part);
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject).on("close", (status) => resolve({ text, status }));
  });
}
