/**
 * @file The service beside the bare ONNX Runtime loop, in one run: throughput, delay at 80 % of it, and overload.
 *
 *   node bench/serve.mjs [--quick] [--rounds N] [--seconds N]
 *
 * Loops and service take turns, round by round, so that whatever else the machine does meets both. The bare loop runs the bundled network on
 * an input that is ready, on all cores: as one session, and as a session for each core; what counts is the faster of the two in each round. The
 * service is sent the same input as a file (.npy), and photographs, which it also decodes and prepares.
 */
import { readFileSync } from "node:fs";
import os from "node:os";
import { parseArgs } from "node:util";
import ort from "onnxruntime-node";
import sharp from "sharp";
import { encodeNpy } from "../dist/array/npy.js";
import { load, preprocess } from "../dist/node.js";
import { openBareLoop } from "./bare-loop.mjs";
import { median, pause } from "./measure.mjs";
import { closedLoop, openLoop, processorTimeOf, quantile, randomOf, request, startServer } from "./service.mjs";

const { values: options } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    rounds: { type: "string" },
    seconds: { type: "string" },
  },
});
const rounds = Number(options.rounds ?? (options.quick ? 1 : 7));
const milliseconds = 1000 * Number(options.seconds ?? (options.quick ? 0.5 : 5));
/** Enough that no computing thread waits for a client. */
const clients = 16;
ort.env.logLevel = "error";

const photo = readFileSync(new URL("../examples/images/cat-and-cup.jpg", import.meta.url));
const small = await sharp(photo).resize({ width: 256, height: 256, fit: "cover" }).jpeg().toBuffer();
const model = await load();
const how = model.classifier.preprocess;
await model.release();
const { data } = await sharp(photo).removeAlpha().raw().toBuffer({ resolveWithObject: true });
const input = preprocess({ width: 640, height: 480, data: new Uint8Array(data) }, how);

const cores = os.availableParallelism();
const plain = { data: input.data, dims: input.dims };
const loops = {
  "one session on all cores": await openBareLoop({ sessions: 1, threads: cores, input: plain }),
  "a session for each core": await openBareLoop({ sessions: cores, threads: 1, input: plain }),
};

const queue = 32;
const server = await startServer(["--queue", String(queue)]);
const files = { tensor: encodeNpy(input.data, input.dims), "JPEG, 256 x 256": small, "JPEG, 640 x 480": photo };
const requests = Object.fromEntries(Object.entries(files).map(([name, file]) => [name, request(server.url, file)]));
for (const one of Object.values(requests)) await closedLoop(one, 4, options.quick ? 200 : 2000);

const bare = Object.fromEntries(Object.keys(loops).map((name) => [name, []]));
const rates = Object.fromEntries(Object.keys(files).map((name) => [name, []]));
for (let round = 0; round < rounds; round++) {
  for (const [name, loop] of Object.entries(loops)) {
    await pause();
    bare[name].push(await loop.measure(milliseconds));
  }
  for (const [name, one] of Object.entries(requests)) {
    await pause();
    const before = processorTimeOf(server.pid);
    const { answers, perSecond } = await closedLoop(one, clients, milliseconds);
    const wrong = answers.find(({ status }) => status !== 200);
    if (wrong) throw new Error(`the service answered ${wrong.status}`);
    rates[name].push({ perSecond, processor: (processorTimeOf(server.pid) - before) / answers.length });
  }
}
console.log(
  `${os.cpus()[0].model}, ${cores} cores, load ${os.loadavg()[0].toFixed(1)}, ONNX Runtime ${ort.env.versions.common}, Node ${process.version}`,
);
const of = (what, each) => median(each.map((one) => one[what]));
const words = (each) =>
  `${of("perSecond", each).toFixed(1)} a second, ${of("processor", each).toFixed(1)} ms of processor time each`;
for (const [name, each] of Object.entries(bare)) console.log(`bare ONNX Runtime loop, ${name}: ${words(each)}`);
const fastest = (round) => Math.max(...Object.values(bare).map((each) => each[round].perSecond));
const least = Math.min(...Object.values(bare).map((each) => of("processor", each)));
for (const [name, each] of Object.entries(rates)) {
  const share = median(each.map(({ perSecond }, round) => perSecond / fastest(round)));
  console.log(
    `served, ${name}: ${words(each)}; ${(100 * share).toFixed(0)} % of the bare loop, ${(of("processor", each) / least).toFixed(2)} x its processor time`,
  );
}

// At 80 % of what the service can do at the time, requests at random times. A burst says as much as the service: the middle of some rounds.
const late = [];
for (let round = 0; round < rounds; round++) {
  const { perSecond } = await closedLoop(requests.tensor, clients, milliseconds);
  const answers = await openLoop(requests.tensor, 0.8 * perSecond, 3 * milliseconds, randomOf(round));
  const delays = answers.map(({ ms }) => ms);
  const [middle, p99] = [quantile(delays, 0.5), quantile(delays, 0.99)];
  late.push({ requests: delays.length, middle, p99, ratio: p99 / middle });
}
const ratios = late.map(({ ratio }) => ratio).sort((a, b) => a - b);
console.log(
  `at 80 % load, ${rounds} times about ${of("requests", late).toFixed(0)} requests: median ${of("middle", late).toFixed(1)} ms, p99 ${of("p99", late).toFixed(1)} ms, ${median(ratios).toFixed(2)} x (${ratios[0].toFixed(2)} to ${ratios[ratios.length - 1].toFixed(2)})`,
);

// Three times what it can do: what it has no room for it refuses at once, and afterwards all is well.
const most = of("perSecond", rates.tensor);
const storm = await openLoop(requests.tensor, 3 * most, Math.max(milliseconds, (2000 * queue) / most), randomOf(2));
const refused = storm.filter(({ status }) => status === 429);
const answered = storm.filter(({ status }) => status === 200);
const after = await requests.tensor.ask();
console.log(
  `at 300 % load: ${answered.length} answered, ${refused.length} refused with 429 in a median of ${median(refused.map(({ ms }) => ms)).toFixed(1)} ms, ${storm.length - answered.length - refused.length} otherwise; then ${after.status} in ${after.ms.toFixed(1)} ms`,
);
for (const one of Object.values(requests)) one.close();
await server.stop();
for (const loop of Object.values(loops)) await loop.close();
