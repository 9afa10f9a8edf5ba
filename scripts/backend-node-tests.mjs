#!/usr/bin/env node
/**
 * @file Checks gradients on the ONNX project's own backend node tests, as `backend-node-tests.py` writes them:
 *   npm run build && node scripts/backend-node-tests.mjs FOLDER [PART-OF-A-NAME]
 * Each model's float32 inputs are moved along a random direction. Printed are the cases whose error is above 2e-2 (rounding, where
 * gradients are tiny, and kinks), those that end in an error, and the counts; exit code 1 where an error is one of ours.
 */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import ort from "onnxruntime-node";
import { checkVjp } from "../dist/autodiff/check.js";
import { arrays } from "./arrays.mjs";

const [folder, part = ""] = process.argv.slice(2);
const most = 2e-2;
const session = { intraOpNumThreads: 1, logSeverityLevel: 4 };
const counts = {};
const say = (outcome, name, words) => {
  counts[outcome] = (counts[outcome] ?? 0) + 1;
  if (words !== undefined) console.log(`${outcome}: ${name}: ${words}`);
};

/** Float inputs a little beside the values given, which often are kinks (0, whole numbers) and ties. */
function feedsOf(inputs) {
  const feeds = {};
  for (const [name, { type, dims, values }] of Object.entries(inputs)) {
    const array = arrays[type];
    if (!array) return undefined;
    const places = type === "float32" ? values.map((v, i) => v + 0.02 + 0.03 * ((i * 0.618) % 1)) : values;
    feeds[name] = new ort.Tensor(type, array.from(places, type === "int64" ? BigInt : Number), dims);
  }
  return feeds;
}

/** A long step drowns rounding, a short one crosses fewer kinks: the better of the two counts. */
async function best(bytes, feeds, input, output) {
  const checks = [];
  for (const step of [1e-2, 1e-3])
    checks.push(...(await checkVjp(ort, bytes, { feeds, wrt: [input], output, step, directions: 2, session })));
  return checks.reduce((a, b) => (b.error < a.error ? b : a));
}

for (const name of readdirSync(folder).filter((name) => name.includes(part))) {
  const bytes = readFileSync(path.join(folder, name, "model.onnx"));
  const feeds = feedsOf(JSON.parse(readFileSync(path.join(folder, name, "inputs.json"), "utf8")));
  const moved = feeds && Object.keys(feeds).filter((input) => feeds[input].type === "float32");
  if (!moved?.length) {
    say("without float32 inputs", name);
    continue;
  }
  const outputs = await ort.InferenceSession.create(bytes, session).then(
    async (runner) => {
      const results = await runner.run(feeds).catch(() => ({}));
      await runner.release();
      return Object.keys(results).filter((output) => results[output].type === "float32");
    },
    () => undefined,
  );
  if (!outputs?.length) {
    say(outputs ? "without float32 outputs" : "not run by ONNX Runtime", name);
    continue;
  }
  for (const input of moved) {
    try {
      const { analytic, numeric, error } = await best(bytes, feeds, input, outputs[0]);
      if (error < most) say("right", name);
      else say("far", name, `d ${outputs[0]} / d ${input}: ${analytic} beside ${numeric}`);
    } catch (error) {
      const code = error.code ?? "error";
      say(code, name, code === "no-path" ? undefined : error.message);
    }
  }
}
console.log(counts);
process.exitCode = counts.internal || counts.error ? 1 : 0;
