/** @file One explanation: a target resolved, and a method's questions about a forward pass. */
import type { Dense } from "../array/dense.ts";
import { checkOptions, expects, listing, present, throwIfAborted, UserError } from "../errors.ts";
import { methodOf } from "../methods/by-name.ts";
import type { Question } from "../methods/method.ts";
import { optionsOf } from "../methods/options.ts";
import { checkSeed } from "../onnx/feeds.ts";
import type { Feeds, Tensor } from "../onnx/runtime.ts";
import { toTensor } from "../onnx/tensors.ts";
import { fromPlain, type Plain, type PlainDims } from "../read/axes.ts";
import { type ExplainedInput, noImage } from "../read/inputs.ts";
import { type Explained, type ExplainOptions, forwardOptions } from "./explain-options.ts";
import { checkMaps, checkMaxMemory, checkRun } from "./memory.ts";
import type { Pass } from "./pass.ts";
import { type Asking, questionOf, type Seeder } from "./question.ts";
import { type Asked, classesIn, cotangents, plainClasses, resolve, type Weights } from "./target.ts";

export async function explainPass(pass: Pass, options: ExplainOptions = {}): Promise<Explained> {
  const { target, method = "grad-cam", maxRows, maxMemory, onProgress, signal } = options;
  const chosen = await methodOf(method);
  const { space, explain, blackBox } = chosen;
  const told = optionsOf(chosen, options.options);
  expects(!onProgress || typeof onProgress === "function", "onProgress", onProgress, "a function");
  expects(!signal || typeof signal.aborted === "boolean", "signal", signal, "an AbortSignal");
  expects(!maxRows || (Number.isInteger(maxRows) && maxRows > 0), "maxRows", maxRows, "an integer of at least 1");
  checkMaxMemory(maxMemory);
  throwIfAborted(signal);
  const { explained } = pass.plan.reading;
  if (!explained) throw noImage();
  const to = space === "layer" ? pass.layer : explained.name;
  checkRun(pass.plan, maxMemory, { pictures: picturesOf(pass), ...(!blackBox && { to }) });
  if (chosen.readsAttentions) (await import("./attentions.ts")).attentionsOf(pass.plan);
  const dims = await pass.scoreDims();
  const resolved = await resolve(target, dims, () => pass.bestClasses());
  const asked = resolved.seeds ? { seeds: resolved.seeds, k: rowsOfSeeds(pass, resolved.seeds) } : resolved;
  const questionAt = (at: Pass): Question => ({
    ...questionOf(askingAbout(at, explained, asked, dims, options), told),
    elsewhere: {
      layers: at.layers,
      layer: at.layer,
      at: (layer) => questionAt(at.at(layer)),
      of: (images) => {
        if (asked.seeds) throw new UserError("invalid-option", seedsOfThese);
        return questionAt(at.ofImages(images));
      },
    },
  });
  const question = questionAt(pass);
  const values = space === "layer" ? (question.grid ?? []) : question.image.dims.slice(1);
  checkMaps(maxMemory, pass.n * asked.k, values);
  const { maps, pixels, layer = pass.layer, partial } = await explain(question);
  await pass.scores(); // refuses what is not finite, whichever run it came from
  const { ort } = pass.plan;
  return {
    maps: toTensor(ort, maps),
    pixels: pixels && toTensor(ort, pixels),
    outputs: await pass.outputs(),
    layer: space === "layer" ? layer : undefined,
    ...(partial && { partial }),
  };
}

const seedsOfThese = "invalid target: augment shows other images, and seeds are those of these; take a class";

/** Pictures of a run, as sizes count them: a batch that is fixed is one. */
const picturesOf = ({ plan, n }: Pass): number => (plan.isFree ? n : 1);

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

function askingAbout(
  pass: Pass,
  explained: ExplainedInput,
  asked: Asked,
  scoreDims: PlainDims,
  options: ExplainOptions,
): Asking {
  const { plan, n } = pass;
  const { ort, score } = plan;
  const classes = asked.rows && plan.hasClasses ? plainClasses(asked.rows) : undefined;
  const asClasses = (rows: readonly Weights[]): Tensor =>
    new ort.Tensor("int64", BigInt64Array.from(classesIn(rows), BigInt), [rows.length]);
  const asCotangents = (rows: readonly Weights[]): Tensor =>
    toTensor(ort, fromPlain(cotangents(rows, scoreDims), score.axes));
  const atInput: Seeder = {
    seeding: asked.seeds ? Object.keys(asked.seeds) : [score.name],
    feed: (rows) => [asCotangents(rows)],
  };
  const atLayer: Seeder = classes ? { seeding: "classes", feed: (rows) => [asClasses(rows)] } : atInput;
  const rows = n === 1 && asked.k > 1 && plan.isFree;
  return { pass, explained, asked, atLayer, atInput, rows, classes, options };
}

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
