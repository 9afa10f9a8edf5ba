/** @file One explanation: a method's questions about a forward pass, put to the plan's sessions. */

import type { Dense } from "../array/dense.ts";
import type { Rules } from "../autodiff/rules.ts";
import { checkOptions, expects, type OptionNames, throwIfAborted, UserError } from "../errors.ts";
import { type MethodChoice, methodOf } from "../methods/define.ts";
import { onGrid } from "../methods/layer-map.ts";
import { type LayerMap, shareDone } from "../methods/method.ts";
import { isStatic, product, range } from "../onnx/dims.ts";
import { checkSeed } from "../onnx/feeds.ts";
import { type Feeds, type Runtime, run, type Tensor } from "../onnx/runtime.ts";
import { interleave, repeatImage, toDense, toTensor } from "../onnx/tensors.ts";
import { typeName } from "../onnx/types.ts";
import { fromPlain, holdsFrames, toPlain } from "../read/axes.ts";
import { takesIntegers } from "../read/graph.ts";
import type { ExplainedInput } from "../read/inputs.ts";
import type { Layout } from "../read/layout.ts";
import { type Pass, runForward } from "./pass.ts";
import type { Plan } from "./plan.ts";
import { type Asked, classScores, cotangents, plainClasses, resolve, type Target, type Weights } from "./target.ts";

export interface ExplainOptions {
  readonly target?: Target;
  /** "grad-cam" by default. */
  readonly method?: MethodChoice;
  readonly layer?: string;
  /** Called with the share of the work that is done, 0 to 1, by methods of many runs. */
  readonly onProgress?: (done: number) => void;
  readonly signal?: AbortSignal;
}

const forwardOptions: OptionNames<Omit<ExplainOptions, "layer">> = {
  ...{ target: true, method: true, onProgress: true, signal: true },
};

export const explainOptions: OptionNames<ExplainOptions> = { ...forwardOptions, layer: true };

/** Maps of m = n k explanations, image-major. */
export interface Explained {
  /** float32 [m, ...grid]: raw, neither normalised nor resized. */
  readonly maps: Tensor;
  /** For methods in pixel space: the signed image, float32 [m, C, ...], channels first whatever the layout of the input. */
  readonly pixels?: Tensor;
  /** The model's outputs. */
  readonly outputs: Record<string, Tensor>;
  /** The tensor that the maps lie on; undefined for methods in pixel space. */
  readonly layer?: string;
}

/** Explains a pass. */
export async function explainPass(ort: Runtime, pass: Pass, options: ExplainOptions = {}): Promise<Explained> {
  const { target, method = "grad-cam", onProgress, signal } = options;
  const { space, explain } = methodOf(method);
  expects(!onProgress || typeof onProgress === "function", "onProgress", onProgress, "a function");
  expects(!signal || typeof signal.aborted === "boolean", "signal", signal, "an AbortSignal");
  throwIfAborted(signal);
  const { explained } = pass.plan.reading;
  if (!explained) throw new UserError("invalid-model", noImage);
  const dims = await pass.scoreDims();
  const asked = await resolve(target, dims, () => pass.bestClasses());
  for (const [name, seed] of Object.entries(asked.seeds ?? {}))
    checkSeed(pass.plan.model, pass.plan.tensors, name, seed);
  const inquiry = new Inquiry(ort, pass, explained, asked, dims, signal);
  const { maps, pixels } = await explain({
    image: toPlain(toDense(pass.feeds[explained.name]), explained.axes),
    k: asked.k,
    grid: gridOf(pass),
    atLayer: (map) => inquiry.atLayer(map),
    atInput: (rules) => inquiry.atInput(rules),
    respond: (index, variants) => inquiry.respond(index, variants),
    progress: (done) => {
      throwIfAborted(signal);
      onProgress?.(shareDone(done));
    },
  });
  await pass.scores(); // refuses what is not finite, whichever run it came from
  const results = await pass.results();
  return {
    maps: toTensor(ort, maps),
    pixels: pixels && toTensor(ort, pixels),
    outputs: Object.fromEntries(
      pass.plan.model.outputs.flatMap((name) => (results[name] ? [[name, results[name]]] : [])),
    ),
    layer: space === "layer" ? pass.layer : undefined,
  };
}

/** The answers to one explanation's questions. */
class Inquiry {
  constructor(
    private readonly ort: Runtime,
    private readonly pass: Pass,
    private readonly explained: ExplainedInput,
    private readonly asked: Asked,
    private readonly scoreDims: readonly number[],
    private readonly signal: AbortSignal | undefined,
  ) {}

  get #seeded(): readonly string[] {
    return this.asked.seeds ? Object.keys(this.asked.seeds) : [this.pass.plan.score.name];
  }

  async atLayer(map: LayerMap): Promise<Dense> {
    const { layer, plan } = this.pass;
    if (layer === undefined) throw new UserError("no-path", holdsFrames(this.explained.axes) ? framesAside : noLayer);
    const classes = this.asked.rows && plainClasses(this.asked.rows);
    const byClass = classes !== undefined && plan.hasClasses;
    const layout = plan.layoutOf(layer);
    const known = isStatic(layout.grid);
    const answer = byClass && known ? await this.pass.sameRun(layer, map, classes) : undefined;
    if (answer) return onGrid(toDense(answer), layout.grid);
    const adjoint = await plan.adjoint(layer, byClass ? "classes" : this.#seeded, map);
    const tensors = await this.pass.tensors(layer);
    const grid = known ? layout.grid : gridAsRun(tensors[layer].dims, layout);
    const ask = async (seeds: readonly Tensor[]): Promise<Dense> => {
      const feeds: Feeds = Object.fromEntries(adjoint.residuals.map((name) => [name, tensors[name]]));
      if (adjoint.activations) feeds[adjoint.activations] = tensors[layer];
      adjoint.seeds.forEach((name, i) => {
        feeds[name] = seeds[i];
      });
      return onGrid(toDense((await run(adjoint.session, feeds, [adjoint.output]))[adjoint.output]), grid);
    };
    const together = plan.scoreDims[0] < 0 && adjoint.residuals.length === 0;
    return this.#forEachTarget(together, byClass ? this.#classes : this.#cotangents, ask);
  }

  async atInput(rules: Rules): Promise<Dense> {
    const { plan, feeds, wanted } = this.pass;
    const { name, axes } = this.explained;
    if (takesIntegers(plan.tensors, this.explained)) throw integerPixels(plan, name);
    const fused = await plan.fused(name, this.#seeded, rules);
    return this.#forEachTarget(false, this.#cotangents, async (seeds) => {
      const seedFeeds = Object.fromEntries(fused.seeds.map((name, i) => [name, seeds[i]]));
      const results = await run(fused.session, { ...feeds, ...seedFeeds }, [fused.output, ...wanted]);
      this.pass.keep(results);
      return toPlain(toDense(results[fused.output]), axes);
    });
  }

  /** Asks for all targets in one run where the answer does not depend on the images, else for one target of every image at a time. */
  async #forEachTarget(
    together: boolean,
    seed: (rows: readonly Weights[]) => Tensor,
    ask: (seeds: readonly Tensor[]) => Promise<Dense>,
  ): Promise<Dense> {
    const { seeds, rows, k } = this.asked;
    if (seeds) return ask(Object.values(seeds));
    if (together || k === 1) return ask([seed(rows)]);
    const answers: Dense[] = [];
    for (const j of range(k)) {
      throwIfAborted(this.signal);
      answers.push(await ask([seed(rows.filter((_, r) => r % k === j))]));
    }
    return interleave(answers);
  }

  #classes = (rows: readonly Weights[]): Tensor => {
    const classes = BigInt64Array.from(rows, ([[c]]) => BigInt(c));
    return new this.ort.Tensor("int64", classes, [classes.length]);
  };

  #cotangents = (rows: readonly Weights[]): Tensor =>
    toTensor(this.ort, fromPlain(cotangents(rows, this.scoreDims), this.pass.plan.score.axes));

  async respond(index: number, variants: Dense): Promise<Float32Array[]> {
    const { k, rows } = this.asked;
    if (!rows)
      throw new UserError("invalid-option", "invalid target: this method compares scores and takes a class, not seeds");
    const scores = await scoresOfVariants(this.ort, this.pass, index, variants);
    return range(k).map((j) =>
      Float32Array.from(scores, (ofVariant) =>
        rows[index * k + j].reduce((sum, [c, weight]) => sum + weight * ofVariant[c], 0),
      ),
    );
  }
}

/** The class scores of variants, [any, C, ...], of one image of a pass, whose other inputs are repeated. */
async function scoresOfVariants(
  ort: Runtime,
  { plan, feeds }: Pass,
  index: number,
  variants: Dense,
): Promise<Float32Array[]> {
  const { explained } = plan.reading;
  if (!explained) throw new UserError("invalid-model", noImage);
  const { name: image, axes } = explained;
  const [count, ...shape] = variants.dims;
  const size = product(shape);
  const declared = axes.batch === undefined ? 1 : (plan.tensors.get(image)?.dims[axes.batch] ?? -1);
  const batch = declared > 0 ? declared : count;
  const session = await plan.scores();
  const all: Float32Array[] = [];
  for (let first = 0; first < count; first += batch) {
    // A model of a fixed batch is given that many, the last ones blank.
    const data = new Float32Array(batch * size);
    data.set(variants.data.subarray(first * size, Math.min(count, first + batch) * size));
    const varied = Object.entries(feeds).map(([name, feed]): [string, Tensor] => [
      name,
      name === image
        ? toTensor(ort, fromPlain({ data, dims: [batch, ...shape] }, axes), feed.type)
        : repeatImage(ort, feed, index, batch),
    ]);
    const { name } = plan.score;
    const results = await runForward(ort, session, Object.fromEntries(varied), [name], batch);
    const scores = toPlain(toDense(results[name]), plan.score.axes);
    for (let v = 0; v < Math.min(batch, count - first); v++) all.push(classScores(scores, v));
  }
  return all;
}

/** The grid of the pass's layer, where it is known before the run. */
function gridOf({ plan, layer }: Pass): readonly number[] | undefined {
  const { grid } = layer === undefined ? {} : plan.layoutOf(layer);
  return grid && isStatic(grid) ? grid : undefined;
}

/** The grid of a layer whose sizes only the run knows. */
const gridAsRun = (dims: readonly number[], { channels }: Layout): number[] =>
  dims.filter((_, axis) => axis > 0 && axis !== channels);

const noImage = "invalid model: none of its inputs is an image (with spatial dimensions)";

const integerPixels = ({ tensors }: Plan, name: string): UserError =>
  new UserError(
    "invalid-option",
    `invalid method: it needs the gradient at the pixels, and the input "${name}" takes ${typeName(tensors.get(name)?.type ?? 0)}, whole numbers; take one at a layer, such as grad-cam, or occlusion`,
  );
const framesAside =
  "no path: layers of frames, which lie side by side in the batch, cannot be laid out yet; take a method in pixel space, such as gradient";
const noLayer =
  "no path: the model has no layer with a grid on the way to its scores; name one, or use a method in pixel space";

/** A finished forward pass, which answers any number of questions. */
export class Forward {
  constructor(
    private readonly ort: Runtime,
    private readonly pass: Pass,
    /** The model's outputs. */
    readonly outputs: Record<string, Tensor>,
    /** The scores before any softmax, [n, classes, ...]. */
    readonly scores: Dense,
  ) {}

  get feeds(): Feeds {
    return this.pass.feeds;
  }

  /** The tensor that maps lie on. */
  get layer(): string | undefined {
    return this.pass.layer;
  }

  /** The class scores of variants, [any, C, ...], of one of its images. */
  respond(index: number, variants: Dense): Promise<Float32Array[]> {
    return scoresOfVariants(this.ort, this.pass, index, variants);
  }

  /** Explains this pass; its layer cannot be changed any more. */
  explain(options: Omit<ExplainOptions, "layer"> = {}): Promise<Explained> {
    checkOptions(options, forwardOptions, "explain of a forward pass");
    return explainPass(this.ort, this.pass, options);
  }
}
