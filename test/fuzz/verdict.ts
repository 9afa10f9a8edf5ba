/** @file Whether a graph's gradients are right, as far as finite differences can tell. */
import * as ort from "onnxruntime-node";
import { checkVjp, type GradientCheck } from "../../src/autodiff/check.ts";
import { UserError } from "../../src/errors.ts";
import type { Feeds } from "../../src/onnx/runtime.ts";
import { operators } from "../../src/ops/index.ts";
import { feedDraw } from "./draw.ts";
import { randomFeeds, session } from "./generate.ts";
import { bytesOf, type Graph, pruned, stepsBehind } from "./graph.ts";

export type Verdict =
  | { readonly is: "right"; readonly exact: boolean }
  /** The package says that it cannot, or ONNX Runtime that it will not. */
  | { readonly is: "refused"; readonly why: string }
  /** Kinks or rounding: differences of two lengths disagree with each other, so they say nothing of the gradient. */
  | { readonly is: "undecided" }
  | { readonly is: "wrong"; readonly why: string };

/** Largest error of a right gradient: of differences, and of the adjoint identity (both relative to the size of its terms). */
const most = { differences: 2e-2, exact: 2e-3 };
const places = 3;

/** Looks at a graph at a few places: one at which the gradient is right is enough, for wrong rules are wrong nearly everywhere. */
export async function verdict(whole: Graph, seed: number): Promise<Verdict> {
  const graph = pruned(whole);
  const read = new Set(stepsBehind(graph.steps, graph.outputs.slice(0, 1)).flatMap(({ inputs }) => inputs));
  const wrt = Object.keys(graph.inputs).filter((name) => read.has(name));
  if (wrt.length === 0) return { is: "refused", why: "the output depends on no input" };
  const bytes = bytesOf(graph);
  const [output] = graph.outputs;
  const linear = wrt.every((name) => isAffine(graph, name));
  const decided: string[] = [];
  for (let place = 0; place < places; place++) {
    const feeds = randomFeeds(graph.inputs, feedDraw(seed + 7919 * place));
    const rounding = Math.max(1, await normOf(bytes, feeds, output)) * 1e-6;
    const look = async (step: number) => {
      const checks = await checkVjp(ort, bytes, {
        feeds,
        wrt,
        output,
        step,
        linear,
        directions: 2,
        seed: seed + place,
        session,
      });
      // A difference of outputs is worth no more than their last digits.
      return checks.map((check) => ({ ...check, error: apart(check) < rounding / step ? 0 : check.error }));
    };
    try {
      const first = await look(linear ? 1 : 4e-3);
      const limit = linear ? most.exact : most.differences;
      if (first.every(({ error }) => error < limit)) return { is: "right", exact: linear };
      const second = await look(linear ? 0.25 : 1e-3);
      if (second.every(({ error }) => error < limit)) return { is: "right", exact: linear };
      const bad = first.find((check, i) => consistent(check, second[i], limit));
      if (bad)
        decided.push(
          `d ${output} / d ${bad.input}: analytic ${bad.analytic}, numeric ${bad.numeric}, error ${bad.error}`,
        );
    } catch (error) {
      if (!(error instanceof UserError)) return { is: "wrong", why: String(error) };
      if (error.code === "unsupported-operator") return { is: "refused", why: error.message };
      if (error.code !== "no-path") return { is: "wrong", why: `${error.code}: ${error.message}` };
      // "No path" claims that the output does not move with an input.
      const [still] = wrt.filter((name) => error.message.includes(`"${name}"`));
      // A step function moves too, but hardly ever at three places.
      const three = [0, 1, 2].map((i) => moves(graph, bytes, still, seed + i));
      if ((await Promise.all(three)).every(Boolean)) return { is: "wrong", why: `${error.message}, but it moves` };
      wrt.splice(wrt.indexOf(still), 1);
      if (wrt.length === 0) return { is: "right", exact: true };
      place--;
    }
  }
  return decided.length < 2 ? { is: "undecided" } : { is: "wrong", why: decided[0] };
}

const apart = ({ analytic, numeric }: GradientCheck): number => Math.abs(analytic - numeric);

/** Whether two differences of other lengths agree with each other far better than with the gradient. */
function consistent(a: GradientCheck, b: GradientCheck, limit: number): boolean {
  if (!Number.isFinite(a.numeric) || !Number.isFinite(b.numeric)) return false;
  if (Number.isNaN(a.analytic) || Number.isNaN(b.analytic)) return true;
  const between = Math.abs(a.numeric - a.analytic - (b.numeric - b.analytic));
  return Math.min(a.error, b.error) > limit && between < 0.2 * Math.min(apart(a), apart(b));
}

/** The length of an output. */
async function normOf(bytes: Uint8Array, feeds: Feeds, output: string): Promise<number> {
  const runner = await ort.InferenceSession.create(bytes, session);
  const { data } = (await runner.run(feeds))[output];
  await runner.release();
  return Math.hypot(...(data as Float32Array));
}

/** Whether the output moves with an input. */
async function moves(graph: Graph, bytes: Uint8Array, input: string, seed: number): Promise<boolean> {
  const runner = await ort.InferenceSession.create(bytes, session);
  const at = async (shift: number): Promise<Float32Array> => {
    const feeds = randomFeeds(graph.inputs, feedDraw(seed));
    const moved = Float32Array.from(feeds[input].data as Float32Array, (v, i) => v + shift * (1 + (i % 3)));
    const tensor = new ort.Tensor("float32", moved, feeds[input].dims);
    return (await runner.run({ ...feeds, [input]: tensor }))[graph.outputs[0]].data as Float32Array;
  };
  const [here, there] = [await at(0), await at(1e-4)];
  await runner.release();
  return here.some((v, i) => Math.abs(v - there[i]) > 1e-6);
}

/** Operators that are affine in all their inputs together, not only in each. */
const jointly = new Set(["Add", "Sub", "Sum", "Mean", "Concat", "ScatterND"]);

/** Whether the output is affine in one input, as the table of operators says. */
function isAffine({ steps }: Graph, input: string): boolean {
  const moving = new Set([input]);
  for (const { domain, opType, inputs, outputs } of steps) {
    const read = inputs.map((name, i) => (moving.has(name) ? i : -1)).filter((i) => i >= 0);
    if (read.length === 0) continue;
    const linear = operators.get(domain ? `${domain}.${opType}` : opType)?.linear ?? [];
    if (!read.every((i) => linear.includes(i)) || (read.length > 1 && !jointly.has(opType))) return false;
    for (const name of outputs) moving.add(name);
  }
  return true;
}
