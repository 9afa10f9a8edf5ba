/**
 * @file Throughput of an evaluation: Grad-CAM and the pointing game by the bundled classifier, beside a Python loop with pytorch-grad-cam.
 *
 *     npm run build && node bench/evaluate.mjs PICTURES [--python python3] [--rounds 3] [--pictures 200]
 *     node bench/evaluate.mjs PICTURES --pictures 10000 --rounds 1      memory: the set is repeated
 *
 * PICTURES is a directory of photographs. Rates are of pictures after the first, so that neither side pays for its start. Python needs
 * scripts/requirements.txt and grad-cam.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs, promisify } from "node:util";
import { evaluate } from "../dist/evaluate/evaluate.js";
import { median } from "./measure.mjs";

const {
  values: options,
  positionals: [pictures],
} = parseArgs({
  allowPositionals: true,
  options: {
    python: { type: "string" },
    rounds: { type: "string", default: "3" },
    pictures: { type: "string", default: "200" },
  },
});
const count = Number(options.pictures);

const root = mkdtempSync(path.join(tmpdir(), "gradcam-bench-"));
process.on("exit", () => rmSync(root, { recursive: true, force: true }));
const files = readdirSync(pictures).filter((name) => /\.jpe?g$/i.test(name));
const lines = ["picture,name,x0,y0,x1,y1"];
for (let i = 0; i < count; i++) {
  symlinkSync(path.resolve(pictures, files[i % files.length]), path.join(root, `${i}.jpg`));
  lines.push(`${i}.jpg,${(i * 37) % 1000},40,40,200,200`);
}
writeFileSync(path.join(root, "manifest.csv"), lines.join("\n"));

const rates = { gradcam: [], python: [] };
for (let round = 0; round < Number(options.rounds); round++) {
  rates.gradcam.push(await ours(round));
  if (options.python) rates.python.push(await theirs());
}
console.log(`gradcam: ${median(rates.gradcam).toFixed(1)} pictures a second`);
if (options.python) {
  console.log(`pytorch-grad-cam: ${median(rates.python).toFixed(1)} pictures a second`);
  const ratios = rates.gradcam.map((rate, i) => rate / rates.python[i]);
  console.log(
    `ratio, median of the rounds: ${median(ratios).toFixed(2)} (${ratios.map((r) => r.toFixed(2)).join(", ")})`,
  );
}

async function ours(round) {
  let [first, last, done] = [0, 0, 0];
  const memory = [];
  await evaluate({
    ...{ dataset: root, methods: ["grad-cam"], metrics: ["pointing-game"], out: path.join(root, `out-${round}`) },
    onProgress(progress) {
      last = performance.now();
      first ||= last;
      done = progress.done;
      if (done % Math.ceil(count / 10) === 0) memory.push(`${done}: ${Math.round(resident())} MB`);
    },
  });
  console.log(`  resident, all processes: ${memory.join(", ")}`);
  return ((done - 1) / (last - first)) * 1000;
}

async function theirs() {
  const script = new URL("./evaluate.py", import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(options.python, [script, root]);
  return Number(stdout.trim().split("\n").at(-1));
}

/** Megabytes of this process and its children (Linux). */
function resident() {
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, "utf8").trim().split(" ");
  const of = (pid) => {
    const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return Number(kilobytes) / 1024;
  };
  return [process.pid, ...children].filter(Boolean).reduce((sum, pid) => sum + of(pid), 0);
}
