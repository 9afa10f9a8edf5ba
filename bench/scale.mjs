/**
 * @file What a fleet does: pictures per second by the pool and by 1, 2 and 4 workers behind a queue, and what the coordinator, Redis and
 * SQLite bear when workers cost nothing. Grad-CAM and the pointing game on the bundled classifier.
 *
 *   node bench/scale.mjs [--pictures 200] [--instant 50000]
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { availableParallelism, loadavg, tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { Redis } from "ioredis";
import { evaluate } from "../dist/evaluate/evaluate.js";
import { inPool } from "../dist/evaluate/pool.js";
import { overQueue } from "../dist/evaluate/queue/coordinator.js";

const { values } = parseArgs({
  options: { pictures: { type: "string", default: "200" }, instant: { type: "string", default: "50000" } },
});
const here = (file) => fileURLToPath(new URL(`../${file}`, import.meta.url));
const folder = mkdtempSync(path.join(tmpdir(), "gradcam-scale-"));
const running = [];

/** The example's photograph, so many times, with a box around the cat. */
function makeSet(name, count, withFiles) {
  const directory = path.join(folder, name);
  mkdirSync(directory);
  const lines = ["picture,label,name,x0,y0,x1,y1"];
  for (let i = 0; i < count; i++) {
    if (withFiles) copyFileSync(here("examples/images/cat-and-cup.jpg"), path.join(directory, `${i}.jpg`));
    lines.push(`${i}.jpg,Egyptian cat,Egyptian cat,20,60,330,470`);
  }
  writeFileSync(path.join(directory, "manifest.csv"), lines.join("\n"));
  return directory;
}

let runs = 0;
/** Pictures per second between the first answer and the last; the first ones, for which models are opened, do not count. */
async function measure(dataset, examineAll, warm, sample) {
  const out = path.join(folder, `out${runs++}`);
  const begun = { at: 0, done: 0 };
  let [last, latest] = [0, undefined];
  const cpu = process.cpuUsage();
  let [answered, used] = [0, cpu];
  await evaluate({
    ...{ dataset, out, sample, methods: ["grad-cam"], metrics: ["pointing-game"] },
    examineAll: async (samples, errand) => {
      await examineAll(samples, {
        ...errand,
        onAnswer(answer) {
          latest = answer;
          errand.onAnswer(answer);
        },
      });
      answered = performance.now();
      used = process.cpuUsage(cpu);
    },
    onNotice: (text) => console.error(text),
    onProgress: ({ done }) => {
      last = performance.now();
      if (done === warm) Object.assign(begun, { at: last, done });
    },
  });
  const { user, system } = used;
  return {
    rate: (done) => ((done - begun.done) / (last - begun.at)) * 1000,
    ...{ latest, cpu: (user + system) / 1e6, figuresSeconds: (performance.now() - answered) / 1000 },
    bytes: statSync(path.join(out, "results.sqlite")).size,
  };
}

async function startRedis() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  await once(probe, "close");
  const redis = spawn("redis-server", ["--port", String(port), "--save", "", "--dir", folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  running.push(redis);
  for await (const text of redis.stdout) if (text.includes("Ready to accept")) break;
  return `redis://127.0.0.1:${port}`;
}

async function startWorker(url) {
  const worker = spawn(process.execPath, [here("dist/cli/bin.js"), "worker", "--queue", url, "--concurrency", "1"]);
  running.push(worker);
  await once(worker.stderr, "data");
}

/** Seconds of processor that a worker and its processes have used (Linux). */
function processor(worker) {
  const ticks = (pid) => {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1].split(" ");
    return Number(fields[11]) + Number(fields[12]);
  };
  const children = readFileSync(`/proc/${worker.pid}/task/${worker.pid}/children`, "utf8").trim().split(" ");
  return [worker.pid, ...children].map(ticks).reduce((a, b) => a + b, 0) / 100;
}

const load = () => loadavg()[0].toFixed(1);
const line = (...cells) => console.log(`| ${cells.join(" | ")} |`);

try {
  const count = Number(values.pictures);
  const photos = makeSet("photos", count, true);
  const url = await startRedis();
  const redis = new Redis(url);
  console.log(`${availableParallelism()} cores, ${count} photographs of 640 x 480, Grad-CAM and pointing game`);
  line("who", "pictures / s", "processor, ms / picture", "load of the machine");
  line("---", "---:", "---:", "---:");
  let canned;
  for (const workers of [1, 2, 4]) {
    const { rate, latest } = await measure(photos, inPool(workers), 10 * workers);
    canned = latest;
    line(`pool of ${workers}`, rate(count).toFixed(1), "", load());
  }
  for (const workers of [1, 2, 4]) {
    while (running.length - 1 < workers) await startWorker(url);
    // Their models are opened by pictures that do not count.
    await measure(photos, overQueue(url), 1, 16 * workers);
    const used = () => running.slice(1).reduce((sum, worker) => sum + processor(worker), 0);
    const before = used();
    const { rate } = await measure(photos, overQueue(url), 10 * workers);
    const each = ((used() - before) * 1000) / count;
    line(`queue, ${workers} workers`, rate(count).toFixed(1), each.toFixed(1), load());
  }
  for (const worker of running.splice(1)) worker.kill("SIGKILL");

  const many = Number(values.instant);
  running.push(spawn(process.execPath, [here("bench/instant-worker.mjs"), url, JSON.stringify(canned)]));
  const numbers = async () => {
    const info = await redis.info();
    const of = (name) => Number(new RegExp(`^${name}:(.*)`, "m").exec(info)[1]);
    return {
      commands: of("total_commands_processed"),
      network: of("total_net_input_bytes") + of("total_net_output_bytes"),
      cpu: of("used_cpu_user") + of("used_cpu_sys"),
      peak: of("used_memory_peak"),
    };
  };
  const before = await numbers();
  const all = await measure(makeSet("instant", many, false), overQueue(url), 1000);
  const after = await numbers();
  const each = (value, digits = 1) => (value / many).toFixed(digits);
  console.log(`\n${many} pictures by workers that answer at once (load ${load()}):`);
  line("what", "");
  line("---", "---:");
  line("pictures / s that the coordinator records", Math.round(all.rate(many)));
  line("coordinator, ms of processor / picture", each(all.cpu * 1000, 3));
  line("Redis, ms of processor / picture", each((after.cpu - before.cpu) * 1000, 3));
  line("Redis, commands / picture", each(after.commands - before.commands, 2));
  line("Redis, bytes of network / picture", each(after.network - before.network, 0));
  line("Redis, peak memory, MB", (after.peak / 1e6).toFixed(1));
  line("results, bytes / picture", each(all.bytes, 0));
  line("coordinator, peak memory, MB", (process.resourceUsage().maxRSS / 1e3).toFixed(0));
  line("figures with intervals from all of them, s", all.figuresSeconds.toFixed(1));
  redis.disconnect();
} finally {
  for (const one of running) one.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
}
