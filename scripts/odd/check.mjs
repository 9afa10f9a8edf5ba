/**
 * @file One odd file beside its truth: `vjp` at the input and at a layer, the outputs, Grad-CAM at that layer and at the default one.
 * The verdict is "right", "refused" (a UserError of one line) or what is wrong.
 */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { arrays } from "../arrays.mjs";

/** Half precision: bits for the binding of Node, numbers for what compares. */
function decode({ type, dims, base64 }) {
  const bytes = Buffer.from(base64, "base64");
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  return { type, dims, data: new (type === "float16" ? Uint16Array : arrays[type])(buffer) };
}

const halfValue = (bits) => {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -24 * fraction);
};
const numbers = ({ type, data }) =>
  type === "float16" && data instanceof Uint16Array ? Array.from(data, halfValue) : Array.from(data, Number);

/** What is wrong with `got` beside `want`, or nothing. Places where the truth is NaN are kinks. */
function difference(what, got, want, tolerance) {
  if (!got) return `${what}: nothing came back`;
  if (String(got.dims) !== String(want.dims)) return `${what}: shape [${got.dims}] where [${want.dims}] is right`;
  const [a, b] = [numbers(got), numbers(want)];
  let [worst, scale] = [0, 1e-6];
  for (let i = 0; i < b.length; i++) {
    if (Number.isNaN(b[i])) continue;
    if (!Number.isFinite(a[i])) return `${what}: ${a[i]} where ${b[i].toPrecision(3)} is right`;
    worst = Math.max(worst, Math.abs(a[i] - b[i]));
    scale = Math.max(scale, Math.abs(b[i]));
  }
  return worst <= tolerance * scale ? undefined : `${what}: off by ${((100 * worst) / scale).toPrecision(2)} %`;
}

const sourcePath = /[\w/.-]+\.(?:cc|cpp|h|ts|js|mjs):\d+/;

/** A refusal is one line for people; anything else that is thrown is a fault of ours. */
function thrown(error, UserError) {
  const words = String(error?.message ?? error);
  if (words.startsWith("internal:")) return { verdict: "internal", words };
  if (!(error instanceof UserError)) return { verdict: "stack", words: `${error?.name}: ${words}` };
  if (sourcePath.test(words)) return { verdict: "stack", words: `a source path in: ${words}` };
  if (/[\r\n\u2028\u2029]/.test(words)) return { verdict: "stack", words: `not one plain line: ${words}` };
  return { verdict: "refused", words };
}

/**
 * @param ort onnxruntime-node
 * @param gradcam the built package's `vjp`, `openExplainer` and `UserError`
 * @param folder of `model.onnx` and `case.json`
 */
export async function check(ort, { vjp, openExplainer, UserError }, folder) {
  const told = JSON.parse(readFileSync(path.join(folder, "case.json"), "utf8"));
  const bytes = new Uint8Array(readFileSync(path.join(folder, "model.onnx")));
  const tensor = (array) => {
    const { type, dims, data } = decode(array);
    return new ort.Tensor(type, data, dims);
  };
  const feeds = Object.fromEntries(Object.entries(told.feeds).map(([name, array]) => [name, tensor(array)]));
  const beside = existsSync(path.join(folder, "weights.bin"));
  const session = {
    intraOpNumThreads: 1,
    logSeverityLevel: 4,
    ...(beside && { extra: { session: { model_external_initializers_file_folder_path: folder } } }),
  };
  const { tolerance, kind, tool } = told;
  const wrong = [];
  const note = (what, got, key, most = tolerance) => {
    const fault = difference(what, got, decode(key), most);
    if (fault) wrong.push(fault);
  };
  const refusals = [];
  /** Each question may be refused by itself; what is answered has to be right. */
  const ask = async (what, question) => {
    try {
      await question();
    } catch (error) {
      const fault = thrown(error, UserError);
      if (fault.verdict === "refused") refusals.push(`${what}: ${fault.words}`);
      else wrong.push(`${what}: ${fault.verdict === "stack" ? "stack trace: " : ""}${fault.words}`);
    }
  };
  let answers = 0;
  const wrt = told.refuse ? [told.image] : Object.keys(told.gradients);
  await ask("vjp", async () => {
    const seeds = { [told.output]: tensor(told.seed) };
    const found = await vjp(ort, bytes, { feeds, seeds, wrt, session });
    if (told.refuse) return void wrong.push(`vjp: answered where there is no right answer (${told.refuse})`);
    answers++;
    for (const name of wrt)
      note(`vjp at ${name === told.image ? "the input" : "the layer"}`, found.gradients[name], told.gradients[name]);
    for (const [name, value] of Object.entries(told.outputs))
      note("the output", found.outputs[name], value, Math.max(tolerance, 1e-3));
  });
  const target = () => (told.class === null ? { seeds: { [told.score]: tensor(told.scoreSeed) } } : told.class);
  const open = { ...told.options, session };
  const wantsMaps = told.map || told.refuse;
  if (wantsMaps)
    await ask("explain", async () => {
      const explainer = await openExplainer(ort, bytes, { ...open, layer: told.layer });
      try {
        const { maps } = await explainer.explain(feeds, { target: target() });
        if (told.refuse) return void wrong.push(`explain: answered where there is no right answer (${told.refuse})`);
        answers++;
        note("the map", maps, told.map, 2 * tolerance);
      } finally {
        await explainer.release();
      }
    });
  if (told.byDefault && !told.refuse)
    await ask("default layer", async () => {
      const explainer = await openExplainer(ort, bytes, open);
      try {
        const { maps } = await explainer.explain(feeds, { target: target() });
        answers++;
        const fault = difference("the default map", maps, decode(told.map), 2 * tolerance);
        if (fault) wrong.push(`${fault} (on ${explainer.layers[0]?.name}, right is ${told.layer})`);
      } finally {
        await explainer.release();
      }
    });
  const words = [...wrong, ...refusals];
  const has = (part) => wrong.some((line) => line.includes(part));
  const verdict = has("internal:")
    ? "internal"
    : has("stack trace: ")
      ? "stack"
      : wrong.length
        ? "wrong"
        : refusals.length
          ? "refused"
          : "right";
  return { kind, tool, verdict, words, answers, must: told.refuse, may: told.mayRefuse ?? told.refuse };
}
