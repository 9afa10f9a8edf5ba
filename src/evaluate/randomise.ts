/**
 * @file A model whose weights say nothing: each layer's weights are put into random order (Adebayo et al. 2018, sanity checks).
 *
 * A layer is a node with a constant of two dimensions or more behind it, through casts and dequantisation. Shuffling keeps the
 * distribution of the weights, so that activations stay in range, and it works on the bytes, whatever their type.
 */

import { randomFor } from "../array/random.ts";
import { UserError } from "../errors.ts";
import { type Explainer, type OpenOptions, openExplainer } from "../explain/explainer.ts";
import { type Model, readModel } from "../onnx/model.ts";
import { encodeModel, isExternal, type NodeProto, type TensorProto } from "../onnx/proto.ts";
import type { Runtime } from "../onnx/runtime.ts";

/** A layer that can be randomised. */
export interface WeightedLayer {
  /** Its node's name, or its first output where it has none. */
  readonly name: string;
  /** The initialisers that hold its weights. */
  readonly weights: readonly string[];
}

/** Layers with weights on the way to the score, from the top down. */
export function weightedLayers(model: Model, score: string): WeightedLayer[] {
  const layers: WeightedLayer[] = [];
  const seen = new Set<string>();
  const reaching = new Set([score]);
  for (const node of [...model.graph.node].reverse()) {
    if (!node.output.some((name) => reaching.has(name))) continue;
    for (const name of node.input) if (name) reaching.add(name);
    if (node.output.every((name) => model.constants.has(name))) continue;
    const weights = node.input.flatMap((name) => weightsBehind(model, name)).filter((name) => !seen.has(name));
    for (const name of weights) seen.add(name);
    if (weights.length) layers.push({ name: node.name || node.output[0], weights });
  }
  return layers;
}

/** Initialisers of two dimensions or more that a constant is made of. */
function weightsBehind(model: Model, name: string): string[] {
  const tensor = model.initializers.get(name);
  if (tensor) return tensor.dims.filter((d) => d > 1n).length >= 2 ? [name] : [];
  const node: NodeProto | undefined = model.constants.has(name) ? model.producer.get(name) : undefined;
  return node ? weightsBehind(model, node.input[0] ?? "") : [];
}

/**
 * The model with these layers' weights in random order.
 * @throws UserError `invalid-model` where weights are kept outside of the file.
 */
export function randomised(model: Model, layers: readonly WeightedLayer[], seed: number): Uint8Array {
  const names = new Set(layers.flatMap(({ weights }) => weights));
  // A copy of our own: the model at hand stays as it is.
  const copy = readModel(model.bytes);
  for (const tensor of copy.graph.initializer) if (names.has(tensor.name)) shuffle(tensor, seed);
  return encodeModel(copy.proto);
}

function shuffle(tensor: TensorProto, seed: number): void {
  if (isExternal(tensor))
    throw new UserError(
      "invalid-model",
      `invalid model: weights of "${tensor.name}" are kept outside of the file, and cannot be randomised`,
    );
  const count = tensor.dims.reduce((a, d) => a * Number(d), 1);
  const order = randomFor(seed, "weights", tensor.name).choose(count, count);
  const typed = [tensor.floatData, tensor.int32Data, tensor.doubleData].find((list) => list.length === count);
  if (typed) {
    const before = typed.slice();
    order.forEach((from, to) => {
      typed[to] = before[from];
    });
    return;
  }
  const bytes = tensor.rawData.length / count;
  const before = tensor.rawData;
  tensor.rawData = new Uint8Array(before.length);
  order.forEach((from, to) => {
    tensor.rawData.set(before.subarray(from * bytes, (from + 1) * bytes), to * bytes);
  });
}

/** How many layers are tried, evenly from the top one to the bottom one: every one costs an open model. */
const most = 6;

/** A model and its randomised copies, opened when they are asked for. */
export class Randomised {
  /** Layers at which the model is randomised, from the top down. */
  readonly stages: readonly string[];
  readonly #layers: readonly WeightedLayer[];
  readonly #chosen: readonly number[];
  readonly #open = new Map<string, Promise<Explainer>>();

  constructor(
    private readonly ort: Runtime,
    private readonly explainer: Explainer,
    private readonly options: OpenOptions,
    private readonly seed: number,
  ) {
    this.#layers = weightedLayers(explainer.model, explainer.score.name);
    const last = this.#layers.length - 1;
    const count = Math.min(most, last + 1);
    this.#chosen = Array.from({ length: count }, (_, i) => Math.round((i * last) / Math.max(1, count - 1)));
    this.stages = this.#chosen.map((i) => this.#layers[i].name);
  }

  /** Cascading: everything from the top down to the stage is random; independent: the stage's layer alone. */
  explainerAt(stage: number, how: "cascading" | "independent"): Promise<Explainer> {
    const key = `${how} ${stage}`;
    const at = this.#chosen[stage];
    const open =
      this.#open.get(key) ??
      openExplainer(
        this.ort,
        randomised(this.explainer.model, this.#layers.slice(how === "cascading" ? 0 : at, at + 1), this.seed),
        // The same tensors are asked about, whatever the shuffled model's own defaults would be.
        { ...this.options, output: this.explainer.score.name },
      );
    this.#open.set(key, open);
    return open;
  }

  async release(): Promise<void> {
    for (const explainer of this.#open.values()) await (await explainer).release();
    this.#open.clear();
  }
}
