/** @file One explanation: a method's questions about a forward pass, put to the plan's sessions. */

import type { Dense } from "../array/dense.ts";
import type { Rules } from "../autodiff/rules.ts";
import { checkOptions, expects, listing, type OptionNames, present, throwIfAborted, UserError } from "../errors.ts";
import { type MethodChoice, methodOf } from "../methods/define.ts";
import type { LayerMap } from "../methods/method.ts";
import { isStatic, product } from "../onnx/dims.ts";
import { checkSeed } from "../onnx/feeds.ts";
import type { Feeds, Runtime, Tensor } from "../onnx/runtime.ts";
import { repeatImage, rowsOf, tensorOf, tensorsOf, toDense, toTensor } from "../onnx/tensors.ts";
import { typeName } from "../onnx/types.ts";
import { fromPlain, holdsFrames, type Plain, type PlainDims, toPlain } from "../read/axes.ts";
import { takesIntegers } from "../read/graph.ts";
import type { ExplainedInput } from "../read/inputs.ts";
import { ask } from "./adjoint-session.ts";
import { type Pass, runForward } from "./pass.ts";
import type { Plan } from "./plan.ts";
import { inRuns, progressTo } from "./rows.ts";
import { type Asked, classScores, cotangents, plainClasses, resolve, type Target, type Weights } from "./target.ts";

export interface ExplainOptions {
  readonly target?: Target;
  /** "grad-cam" by default. */
  readonly method?: MethodChoice;
  readonly layer?: string;
  /** Explanations in one run at most, where a run can answer several; by default as many as need 128 MB in the backward pass. */
  readonly maxRows?: number;
  /** Called with the share of the work that is done, 0 to 1, by methods of many runs. */
  readonly onProgress?: (done: number) => void;
  readonly signal?: AbortSignal;
}

const forwardOptions: OptionNames<Omit<ExplainOptions, "layer">> = {
  ...{ target: true, method: true, maxRows: true, onProgress: true, signal: true },
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
  /** The target layer; undefined for methods in pixel space. */
  readonly layer?: string;
}

/** Explains a pass. */
export async function explainPass(ort: Runtime, pass: Pass, options: ExplainOptions = {}): Promise<Explained> {
  const { target, method = "grad-cam", maxRows, onProgress, signal } = options;
  const { space, explain } = methodOf(method);
  expects(!onProgress || typeof onProgress === "function", "onProgress", onProgress, "a function");
  expects(!signal || typeof signal.aborted === "boolean", "signal", signal, "an AbortSignal");
  expects(!maxRows || (Number.isInteger(maxRows) && maxRows > 0), "maxRows", maxRows, "an integer of at least 1");
  throwIfAborted(signal);
  const { explained } = pass.plan.reading;
  if (!explained) throw new UserError("invalid-model", noImage);
  const dims = await pass.scoreDims();
  const resolved = await resolve(target, dims, () => pass.bestClasses());
  const asked = resolved.seeds ? { seeds: resolved.seeds, k: rowsOfSeeds(pass, resolved.seeds) } : resolved;
  const inquiry = new Inquiry(ort, pass, explained, asked, dims, { maxRows, signal });
  const { maps, pixels } = await explain({
    image: toPlain(toDense(tensorOf(pass.feeds, explained.name)), explained.axes),
    k: asked.k,
    grid: gridOf(pass),
    atLayer: (map) => inquiry.atLayer(map),
    atInput: (rules) => inquiry.atInput(rules),
    respond: (index, variants) => inquiry.respond(index, variants),
    progress: progressTo(options),
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

/** The grid of the pass's layer, where it is known before the run. */
function gridOf({ plan, layer }: Pass): readonly number[] | undefined {
  const { grid } = layer === undefined ? {} : plan.layoutOf(layer);
  return grid && isStatic(grid) ? grid : undefined;
}

/** How many cotangents are given for each image: as many as the seeds have rows for it. */
function rowsOfSeeds({ plan, n }: Pass, seeds: Feeds): number {
  const counts = Object.entries(seeds).map(([name, seed]) => {
    const { perImage, dims } = checkSeed(plan.model, plan.tensors, name, seed);
    return perImage && dims[0] === -1 ? present(seed.dims[0], "a seed") / n : 1;
  });
  const [k] = counts;
  if (k !== undefined && counts.every((count) => count === k && Number.isInteger(k) && k > 0)) return k;
  const shapes = Object.values(seeds).map(({ dims }) => `[${dims}]`);
  throw new UserError(
    "invalid-input",
    `invalid seeds: ${listing(shapes)} for a batch of ${n}; give as many rows for each image`,
  );
}

/** The answers to one explanation's questions. */
class Inquiry {
  constructor(
    private readonly ort: Runtime,
    private readonly pass: Pass,
    private readonly explained: ExplainedInput,
    private readonly asked: Asked,
    private readonly scoreDims: PlainDims,
    private readonly options: Pick<ExplainOptions, "maxRows" | "signal">,
  ) {}

  get #seeded(): readonly string[] {
    return this.asked.seeds ? Object.keys(this.asked.seeds) : [this.pass.plan.score.name];
  }

  async atLayer(map: LayerMap): Promise<Dense> {
    const { layer, plan } = this.pass;
    if (layer === undefined) throw new UserError("no-path", holdsFrames(this.explained.axes) ? framesAside : noLayer);
    const classes = this.asked.rows && plainClasses(this.asked.rows);
    const byClass = classes !== undefined && plan.hasClasses;
    const answer = byClass ? await this.pass.sameRun(layer, map, classes) : undefined;
    if (answer) return toDense(answer);
    const tensors = await this.pass.tensors(layer);
    const independent = plan.isIndependent(layer);
    const query = { seeding: byClass ? ("classes" as const) : this.#seeded, rows: !independent && this.#inRows };
    return plan.atLayer(layer, map, query, (adjoint) => {
      const feeds = tensorsOf(tensors, adjoint.residuals);
      const together = plan.isFree && (independent || adjoint.together);
      const seed = byClass ? this.#classes : this.#cotangents;
      return this.#rows(
        together,
        plan.rowBytes(layer),
        seed,
        async (seeds) => (await ask(adjoint, feeds, seeds)).answer,
      );
    });
  }

  async atInput(rules: Rules): Promise<Dense> {
    const { plan, feeds, wanted } = this.pass;
    const { name, axes } = this.explained;
    if (takesIntegers(plan.tensors, this.explained)) throw integerPixels(plan, name);
    return plan.atInput(name, rules, { seeding: this.#seeded, rows: this.#inRows }, (adjoint) =>
      this.#rows(adjoint.together, plan.rowBytes(name), this.#cotangents, async (seeds) => {
        const { answer, results } = await ask(adjoint, feeds, seeds, wanted);
        this.pass.keep(results);
        return toPlain(answer, axes);
      }),
    );
  }

  /** Whether several targets are asked about one image, so that they can be rows of one batch. */
  get #inRows(): boolean {
    return this.pass.n === 1 && this.asked.k > 1 && this.pass.plan.isFree;
  }

  /** Asks about all targets, in as few runs as can be. */
  #rows(
    together: boolean,
    rowBytes: number,
    seed: (rows: readonly Weights[]) => Tensor,
    answer: (seeds: readonly Tensor[]) => Promise<Dense>,
  ): Promise<Dense> {
    const { k, rows, seeds } = this.asked;
    return inRuns({ n: this.pass.n, k, together, rowBytes, ...this.options }, (isAsked) => {
      if (rows) return answer([seed(rows.filter((_, row) => isAsked(row)))]);
      return answer(Object.values(seeds).map((given) => (k > 1 ? rowsOf(this.ort, given, isAsked) : given)));
    });
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
    const own = rows.slice(index * k, (index + 1) * k);
    return own.map((row) =>
      Float32Array.from(scores, (ofVariant) =>
        row.reduce((sum, [c, weight]) => sum + weight * present(ofVariant[c], "a score"), 0),
      ),
    );
  }
}

/** The class scores of variants, [any, C, ...], of one image of a pass, whose other inputs are repeated. */
async function scoresOfVariants(
  ort: Runtime,
  { plan, layer, feeds }: Pass,
  index: number,
  variants: Dense,
): Promise<Float32Array[]> {
  const { explained } = plan.reading;
  if (!explained) throw new UserError("invalid-model", noImage);
  const { name: image, axes } = explained;
  const [rows, ...shape] = variants.dims;
  const [count, size] = [present(rows, "a count"), product(shape)];
  const declared = axes.batch === undefined ? 1 : (plan.tensors.get(image)?.dims[axes.batch] ?? -1);
  const batch = declared > 0 ? declared : count;
  return plan.scores(layer, async (session) => {
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
      const scores = toPlain(toDense(tensorOf(results, name)), plan.score.axes);
      for (let v = 0; v < Math.min(batch, count - first); v++) all.push(classScores(scores, v));
    }
    return all;
  });
}

const noImage = "invalid model: none of its inputs is an image (with spatial dimensions)";

const integerPixels = ({ tensors }: Plan, name: string): UserError =>
  new UserError(
    "invalid-option",
    `invalid method: it needs the gradient at the pixels, and the input "${name}" takes ${typeName(tensors.get(name)?.type ?? 0)}, integers; take one at a layer, such as grad-cam, or occlusion`,
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
    readonly scores: Plain,
  ) {}

  get feeds(): Feeds {
    return this.pass.feeds;
  }

  /** The target layer. */
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
