/**
 * @file One hostile request at a time beside four honest clients: how long these wait, during it and five seconds after.
 *
 *   node bench/hostile.mjs [--seconds N] [--rounds N] [--only TEXT]
 *
 * The service has two computing threads. The clients send the bundled network's input as .npy, again as soon as they are answered. Each
 * kind has rounds of a time without it, a time with it (sent again as soon as it is answered, refused or given up), five seconds' pause,
 * and a time without it. The medians of a round are set against each other, and the middle of the rounds counts: whatever else the machine
 * does meets all of them. Fails above 3 times during, and above 1.1 times after.
 */
import os from "node:os";
import { parseArgs } from "node:util";
import { encodeNpy } from "../dist/array/npy.js";
import { load, preprocess } from "../dist/node.js";
import { hostileRequests } from "./hostile-requests.mjs";
import { median, pause } from "./measure.mjs";
import { closedLoop, quantile, request, residentOf, startServer } from "./service.mjs";

const { values: options } = parseArgs({
  options: {
    seconds: { type: "string", default: "3" },
    rounds: { type: "string", default: "3" },
    only: { type: "string", default: "" },
  },
});
const rounds = Number(options.rounds);
const milliseconds = 1000 * Number(options.seconds);
const bounds = { during: 3, after: 1.1 };

const model = await load();
const grey = { width: 256, height: 256, data: Uint8Array.from({ length: 256 * 256 * 3 }, (_, i) => (i * 7919) % 256) };
const { data, dims } = preprocess(grey, model.classifier.preprocess);
await model.release();

const server = await startServer(["--workers", "2"]);
const honest = request(server.url, encodeNpy(data, dims));
const medianOf = async () => {
  const { answers } = await closedLoop(honest, 4, milliseconds);
  const wrong = answers.find(({ status }) => status !== 200);
  if (wrong) throw new Error(`an honest client was answered ${wrong.status}`);
  return quantile(
    answers.map(({ ms }) => ms),
    0.5,
  );
};
await closedLoop(honest, 4, milliseconds);

const all = { during: [], after: [] };
for (const [name, send] of Object.entries(await hostileRequests(server.url))) {
  if (!name.includes(options.only)) continue;
  const answered = {};
  const own = { before: [], during: [], after: [] };
  for (let round = 0; round < rounds; round++) {
    const before = await medianOf();
    let stop = false;
    const hostile = (async () => {
      while (!stop) {
        const status = await send();
        answered[status] = (answered[status] ?? 0) + 1;
      }
    })();
    const during = await medianOf();
    stop = true;
    // Five seconds after the last one was sent, whether it is answered or not.
    await pause(5000);
    const after = await medianOf();
    await hostile;
    own.before.push(before);
    own.during.push(during / before);
    own.after.push(after / before);
  }
  const middle = Object.fromEntries(Object.entries(own).map(([when, each]) => [when, median(each)]));
  for (const when of ["during", "after"]) all[when].push({ name, ratio: middle[when] });
  console.log(
    `${name}: ${JSON.stringify(answered)}; median ${middle.before.toFixed(1)} ms before, ${middle.during.toFixed(2)} x during, ${middle.after.toFixed(2)} x after; resident ${residentOf(server.pid).toFixed(0)} MB`,
  );
}
honest.close();
await server.stop();
console.log(`load ${os.loadavg()[0].toFixed(1)} on ${os.availableParallelism()} cores`);
for (const [when, each] of Object.entries(all)) {
  const worst = each.reduce((a, b) => (b.ratio > a.ratio ? b : a));
  console.log(`at most ${worst.ratio.toFixed(2)} x ${when} (${worst.name}), allowed ${bounds[when]}`);
  if (worst.ratio > bounds[when]) process.exitCode = 1;
}
