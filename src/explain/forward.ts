/** @file One explanation: a method's questions about a forward pass, put to the plan's sessions. */

import type { Dense } from "../array/dense.ts";
import { checkOptions, expects, listing, type OptionNames, present, throwIfAborted, UserError } from "../errors.ts";
import { type MethodChoice, methodOf } from "../methods/define.ts";
import type { Question } from "../methods/method.ts";
import { isStatic, range } from "../onnx/dims.ts";
import { checkSeed } from "../onnx/feeds.ts";
import { typeOf } from "../onnx/observe.ts";
import type { DataType } from "../onnx/proto.ts";
import type { Feeds, Tensor } from "../onnx/runtime.ts";
import { rowsOf, tensorOf, tensorsOf, toDense, toTensor } from "../onnx/tensors.ts";
import { isFloat, typeName } from "../onnx/types.ts";
import { fromPlain, holdsFrames, type Plain, type PlainDims, toPlain } from "../read/axes.ts";
import type { ExplainedInput } from "../read/inputs.ts";
import { ask } from "./adjoint-session.ts";
import { noImage, type Pass } from "./pass.ts";
import { inRuns, progressTo } from "./rows.ts";
import { type Asked, cotangents, plainClasses, resolve, type Target, type Weights } from "./target.ts";

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
export async function explainPass(pass: Pass, options: ExplainOptions = {}): Promise<Explained> {
  const { target, method = "grad-cam", maxRows, onProgress, signal } = options;
  const { space, explain } = methodOf(method);
  expects(!onProgress || typeof onProgress === "function", "onProgress", onProgress, "a function");
  expects(!signal || typeof signal.aborted === "boolean", "signal", signal, "an AbortSignal");
  expects(!maxRows || (Number.isInteger(maxRows) && maxRows > 0), "maxRows", maxRows, "an integer of at least 1");
  throwIfAborted(signal);
  const { explained } = pass.plan.reading;
  if (!explained) throw noImage();
  const dims = await pass.scoreDims();
  const resolved = await resolve(target, dims, () => pass.bestClasses());
  const asked = resolved.seeds ? { seeds: resolved.seeds, k: rowsOfSeeds(pass, resolved.seeds) } : resolved;
  const { maps, pixels } = await explain(questionAbout(pass, explained, asked, dims, options));
  await pass.scores(); // refuses what is not finite, whichever run it came from
  const { ort } = pass.plan;
  return {
    maps: toTensor(ort, maps),
    pixels: pixels && toTensor(ort, pixels),
    outputs: await pass.outputs(),
    layer: space === "layer" ? pass.layer : undefined,
  };
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

/** What a method asks of a pass about targets, put to the sessions of its plan. */
function questionAbout(
  pass: Pass,
  { name: image, axes }: ExplainedInput,
  asked: Asked,
  scoreDims: PlainDims,
  options: ExplainOptions,
): Question {
  const { plan, layer, n } = pass;
  const { ort, score } = plan;
  const { k } = asked;
  const classes = asked.rows && plan.hasClasses ? plainClasses(asked.rows) : undefined;
  const seeded = asked.seeds ? Object.keys(asked.seeds) : [score.name];
  // Several targets of one image can be rows of one batch.
  const rows = n === 1 && k > 1 && plan.isFree;
  const asClasses = (some: readonly Weights[]): Tensor =>
    new ort.Tensor(
      "int64",
      BigInt64Array.from(some, ([[c]]) => BigInt(c)),
      [some.length],
    );
  const asCotangents = (some: readonly Weights[]): Tensor =>
    toTensor(ort, fromPlain(cotangents(some, scoreDims), score.axes));
  /** Answers about all targets, in as few runs as can be. */
  const answers = (
    tensor: string,
    together: boolean,
    seed: (some: readonly Weights[]) => Tensor,
    answer: (seeds: readonly Tensor[]) => Promise<Dense>,
  ): Promise<Dense> =>
    inRuns({ n, k, together, rowBytes: plan.rowBytes(tensor), ...options }, (isAsked) => {
      if (asked.rows) return answer([seed(asked.rows.filter((_, row) => isAsked(row)))]);
      const wanted = range(n * k).filter(isAsked);
      return answer(Object.values(asked.seeds).map((given) => (k > 1 ? rowsOf(ort, given, wanted) : given)));
    });
  const { grid } = layer === undefined ? {} : plan.layoutOf(layer);
  return {
    image: toPlain(toDense(tensorOf(pass.feeds, image)), axes),
    k,
    grid: isStatic(grid) ? grid : undefined,
    progress: progressTo(options),

    async atLayer(map) {
      if (layer === undefined) throw new UserError("no-path", holdsFrames(axes) ? framesAside : noLayer);
      const answer = classes && (await pass.sameRun(layer, map, classes));
      if (answer) return toDense(answer);
      const tensors = await pass.tensors(layer);
      const independent = plan.isIndependent(layer);
      const query = { seeding: classes ? ("classes" as const) : seeded, rows: !independent && rows };
      return plan.atLayer(layer, map, query, (adjoint) => {
        const feeds = tensorsOf(tensors, adjoint.residuals);
        const together = plan.isFree && (independent || adjoint.together);
        const ran = async (seeds: readonly Tensor[]) => (await ask(adjoint, feeds, seeds)).answer;
        return answers(layer, together, classes ? asClasses : asCotangents, ran);
      });
    },

    async atInput(rules) {
      const { type } = typeOf(plan.model, plan.tensors, image);
      if (!isFloat(type)) throw integerPixels(image, type);
      return plan.atInput(image, rules, { seeding: seeded, rows }, (adjoint) =>
        answers(image, adjoint.together, asCotangents, async (seeds) => {
          const { answer, results } = await ask(adjoint, pass.feeds, seeds, pass.wanted);
          pass.keep(results);
          return toPlain(answer, axes);
        }),
      );
    },

    async respond(index, variants) {
      if (!asked.rows) throw new UserError("invalid-option", scoresCompared);
      const scores = await pass.respond(index, variants);
      const weighed = (row: Weights, ofVariant: Float32Array) =>
        row.reduce((sum, [c, weight]) => sum + weight * present(ofVariant[c], "a score"), 0);
      const own = asked.rows.slice(index * k, (index + 1) * k);
      return own.map((row) => Float32Array.from(scores, (ofVariant) => weighed(row, ofVariant)));
    },
  };
}

const integerPixels = (name: string, type: DataType): UserError =>
  new UserError(
    "invalid-option",
    `invalid method: it needs the gradient at the pixels, and the input "${name}" takes ${typeName(type)}, integers; take one at a layer, such as grad-cam, or occlusion`,
  );
const scoresCompared = "invalid target: this method compares scores and takes a class, not seeds";
const framesAside =
  "no path: layers of frames, which lie side by side in the batch, cannot be laid out yet; take a method in pixel space, such as gradient";
const noLayer =
  "no path: the model has no layer with a grid on the way to its scores; name one, or use a method in pixel space";

/** A finished forward pass, which answers any number of questions. */
export class Forward {
  constructor(
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
    return this.pass.respond(index, variants);
  }

  /** Explains this pass; its layer cannot be changed any more. */
  explain(options: Omit<ExplainOptions, "layer"> = {}): Promise<Explained> {
    checkOptions(options, forwardOptions, "explain of a forward pass");
    return explainPass(this.pass, options);
  }
}
