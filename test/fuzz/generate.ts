/** @file Draws graphs. ONNX Runtime says after each node what shape and values it gives, so no second opinion of operators is needed. */
import * as ort from "onnxruntime-node";
import { range } from "../../src/onnx/dims.ts";
import type { Feeds } from "../../src/onnx/runtime.ts";
import { Draw, feedDraw } from "./draw.ts";
import { elementwiseMakers } from "./elementwise-makers.ts";
import { bytesOf, type Graph, type Step } from "./graph.ts";
import { layerMakers } from "./layer-makers.ts";
import { Impossible, type Known, Making } from "./making.ts";
import { shapeMakers } from "./shape-makers.ts";

export const makers = { ...elementwiseMakers, ...shapeMakers, ...layerMakers };
export const session = { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 4 } as const;

/** Elements of a tensor at most: finite differences of large ones say little, and slowly. */
const mostElements = 600;
const largestValue = 30;

export interface Generated {
  readonly graph: Graph;
  /** Nodes that ONNX Runtime refused, by the maker's name and its words. */
  readonly refused: readonly string[];
}

/** The graph of a seed: 3 to 10 nodes on 1 to 3 inputs. */
export async function generate(seed: number): Promise<Generated> {
  const draw = new Draw(seed);
  const opset = draw.int(7, 24);
  const batch = draw.int(1, 3);
  const inputs: Record<string, readonly number[]> = {};
  for (const i of range(draw.pick([1, 1, 2, 3])))
    inputs[`x${i}`] = draw.chance(0.4) && i ? inputs.x0 : inputShape(draw, batch);
  const values = randomFeeds(inputs, feedDraw(seed));
  // A free batch has one size for all inputs, and nothing may look at it.
  const free = new Set(Object.values(inputs).map(([first]) => first)).size === 1 && draw.chance(0.4);
  const known: Known[] = Object.entries(values).map(([name, tensor]) => describe(name, tensor));
  const steps: Step[] = [];
  const refused: string[] = [];
  let count = 0;
  const fresh = () => `t${count++}`;
  const wanted = draw.int(3, 10);
  for (let tries = 0; steps.length < wanted && tries < 40; tries++) {
    const name = draw.pick(Object.keys(makers));
    const making = new Making(draw, opset, free, known, fresh);
    try {
      makers[name](making);
    } catch (error) {
      if (error instanceof Impossible) continue;
      throw error;
    }
    const results = await resultsOf(opset, making.steps, values).catch((error: Error) => error.message.slice(0, 200));
    if (typeof results === "string") refused.push(`${name}: ${results}`);
    else if (Object.values(results).every(isTame)) {
      steps.push(...making.steps);
      for (const [made, tensor] of Object.entries(results)) {
        values[made] = tensor;
        if (tensor.type === "float32") known.push(describe(made, tensor));
      }
    }
  }
  const made = new Set(steps.flatMap(({ outputs }) => outputs));
  const floats = known.map(({ name }) => name).filter((name) => made.has(name));
  // Inner tensors that are outputs too.
  const inner = draw.chance(0.4) ? draw.sample(floats.slice(0, -1), draw.int(1, 2)) : [];
  const outputs = [...new Set([...floats.slice(-1), ...inner])];
  return { graph: { opset, free, inputs, steps, outputs }, refused };
}

function inputShape(draw: Draw, batch: number): number[] {
  const space = draw.pick([0, 1, 2, 2, 2, 3]);
  if (space === 0) return draw.chance(0.2) ? [batch] : [batch, draw.int(1, 6)];
  return [batch, draw.int(1, 4), ...range(space).map(() => draw.int(space === 3 ? 1 : 2, space === 3 ? 4 : 7))];
}

export const randomFeeds = (inputs: Graph["inputs"], draw: Draw): Feeds =>
  Object.fromEntries(
    Object.entries(inputs).map(([name, dims]) => [
      name,
      new ort.Tensor("float32", Float32Array.from(draw.normal(dims)), dims),
    ]),
  );

function describe(name: string, { data, dims }: ort.Tensor): Known {
  const numbers = data as Float32Array;
  return {
    name,
    dims,
    least: numbers.reduce((a, b) => Math.min(a, b), Infinity),
    most: numbers.reduce((a, b) => Math.max(a, b), -Infinity),
  };
}

const isTame = ({ type, data }: ort.Tensor): boolean =>
  data.length > 0 &&
  data.length <= mostElements &&
  (type !== "float32" || (data as Float32Array).every((v) => Number.isFinite(v) && Math.abs(v) < largestValue));

/** What steps make of the tensors that are there. */
async function resultsOf(opset: number, steps: readonly Step[], values: Feeds): Promise<Record<string, ort.Tensor>> {
  const outputs = steps.flatMap(({ outputs }) => outputs);
  const read = [...new Set(steps.flatMap(({ inputs }) => inputs))].filter((name) => values[name]);
  const inputs = Object.fromEntries(read.map((name) => [name, values[name].dims]));
  const runner = await ort.InferenceSession.create(bytesOf({ opset, free: false, inputs, steps, outputs }), session);
  try {
    return (await runner.run(Object.fromEntries(read.map((name) => [name, values[name]])))) as Record<
      string,
      ort.Tensor
    >;
  } finally {
    await runner.release();
  }
}
