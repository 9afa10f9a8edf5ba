/**
 * @file The service under load for a while: whether it grows.
 *
 *   node bench/soak.mjs [--seconds N] [--clients N]
 *
 * Photographs, questions of every method, wrong requests and clients that leave take turns. Fails where an answer is one of 5xx, and where
 * the last quarter's least resident memory stands more than a tenth above the second quarter's.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { residentOf, startServer } from "./service.mjs";

const { values: options } = parseArgs({
  options: { seconds: { type: "string", default: "600" }, clients: { type: "string", default: "6" } },
});
const milliseconds = 1000 * Number(options.seconds);
/** Too short a time says nothing of memory: the first minute is the runtime's own. */
const judged = milliseconds >= 120_000;

const photo = new Blob([readFileSync(new URL("../examples/images/cat-and-cup.jpg", import.meta.url))]);
const half = photo.slice(0, Math.floor(photo.size / 2));
const questions = [
  [photo, { classes: ["top3"] }],
  [photo, { classes: ["espresso"], against: "cup", include: ["overlay", "panel"] }],
  [photo, { methods: ["guided-grad-cam"] }],
  [half, {}],
  [photo, { classes: ["no such class"] }],
  [photo, { layer: "no such layer" }],
  [photo, {}],
  [photo, { methods: ["occlusion"] }, 50],
];

const server = await startServer(["--queue", "32"]);
const counts = {};
const resident = [];
const start = performance.now();
let turn = 0;
async function client() {
  while (performance.now() - start < milliseconds) {
    const [file, question, patience] = questions[turn++ % questions.length];
    const body = new FormData();
    body.append("question", JSON.stringify(question));
    body.append("image", file);
    const signal = patience === undefined ? undefined : AbortSignal.timeout(patience);
    const status = await fetch(`${server.url}/v1/explain`, { method: "POST", body, signal }).then(
      async (response) => {
        await response.arrayBuffer();
        return response.status;
      },
      (error) => (signal?.aborted ? "left" : Promise.reject(error)),
    );
    counts[status] = (counts[status] ?? 0) + 1;
  }
}
const watch = setInterval(() => resident.push(residentOf(server.pid)), Math.min(1000, milliseconds / 20));
await Promise.all(Array.from({ length: Number(options.clients) }, client));
clearInterval(watch);
await server.stop();

const quarter = (i) => Math.min(...resident.slice((i * resident.length) / 4, ((i + 1) * resident.length) / 4));
const [before, after] = [quarter(1), quarter(3)];
console.log(
  `soak: ${turn} requests in ${options.seconds} s, by status ${JSON.stringify(counts)}; resident memory at least ${before.toFixed(0)} MB in the second quarter, ${after.toFixed(0)} MB in the last`,
);
if (Object.keys(counts).some((status) => status >= "500" && status <= "599")) throw new Error("the service failed");
if (judged && after > 1.1 * before) throw new Error("the service grows");
