/**
 * @file What is done with a damaged file, in a process of its own: it may take the process with it. Answers with what came of it.
 */
import ort from "onnxruntime-node";
import { compile } from "../../dist/compile.js";
import { openExplainer, UserError } from "../../dist/index.js";

const session = { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 4 };
const product = (dims) => dims.reduce((a, b) => a * b, 1);
const arrays = {
  float32: Float32Array,
  int64: BigInt64Array,
  int32: Int32Array,
  bool: Uint8Array,
  float16: Uint16Array,
};

/** Small feeds for what a session says that it takes; undefined where they would be large, or of a type without an array. */
function feedsFor(inputs) {
  const feeds = {};
  for (const { name, isTensor, type, shape } of inputs) {
    const dims = (shape ?? []).map((d) => (typeof d === "number" && d >= 0 ? d : 1));
    if (!isTensor || !arrays[type] || product(dims) > 2e5) return undefined;
    const data = new arrays[type](product(dims));
    feeds[name] = new ort.Tensor(type, type === "float32" ? data.map((_, i) => Math.sin(i)) : data, dims);
  }
  return feeds;
}

/** What ONNX Runtime does with the file alone. */
async function plainly(bytes) {
  const runner = await ort.InferenceSession.create(bytes, session);
  const feeds = feedsFor(runner.inputMetadata);
  if (feeds) await runner.run(feeds);
  await runner.release();
}

async function explained(bytes) {
  const explainer = await openExplainer(ort, bytes, { session });
  try {
    const took = [];
    const attempt = async (what, work) => {
      try {
        await work();
        took.push(what);
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        clean(error);
      }
    };
    await attempt("compile", () => compile(explainer));
    const inputs = explainer.model.inputs.map(({ name }) => {
      const tensor = explainer.tensors.get(name);
      return {
        name,
        isTensor: tensor !== undefined,
        type: { 1: "float32", 7: "int64", 10: "float16" }[tensor?.type],
        shape: tensor?.dims,
      };
    });
    const feeds = feedsFor(inputs);
    if (feeds)
      for (const method of ["grad-cam", "guided-backprop"])
        await attempt(method, () => explainer.explain(feeds, { method }));
    return `opened ${took.join(" ")}`.trim();
  } finally {
    await explainer.release();
  }
}

/** One line that says something, whatever is in the file. */
function clean({ message }) {
  if (!/^[a-z][^\n\r]+$/.test(message) || message.startsWith("internal:"))
    throw new Error(`an unclean message: ${JSON.stringify(message)}`);
}

process.on("message", async ({ bytes, alone }) => {
  try {
    const outcome = alone ? await plainly(bytes) : await explained(bytes);
    process.send({ outcome: outcome ?? "ran" });
  } catch (error) {
    try {
      if (!(error instanceof UserError)) throw error;
      clean(error);
      process.send({ outcome: `refused: ${error.code}` });
    } catch (bad) {
      process.send({ outcome: alone ? "refused" : "bad", why: String(bad.stack ?? bad).slice(0, 1500) });
    }
  }
});
process.send({ outcome: "ready" });
