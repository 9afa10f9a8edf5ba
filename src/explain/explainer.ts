/// <reference lib="esnext.disposable" preserve="true" />
/** @file An open model that answers why: the forward pass once, then any number of questions about it. */
import { observedOn, openModel } from "../autodiff/prepare.ts";
import { checkOptions, expects, isRecord, type OptionNames, present, UserError } from "../errors.ts";
import { checkFeeds } from "../onnx/feeds.ts";
import type { Model } from "../onnx/model.ts";
import { type Observed, observe } from "../onnx/observe.ts";
import { declaredDims } from "../onnx/proto.ts";
import { type Feeds, type Runtime, type SessionOptions, shapesOf } from "../onnx/runtime.ts";
import { sideBySide, tensorOf } from "../onnx/tensors.ts";
import { type GraphOptions, type GraphReading, type LayerReading, readGraph } from "../read/graph.ts";
import { candidatesIn, explainedInput } from "../read/inputs.ts";
import { type Layer, layersOf } from "../read/layers.ts";
import type { Layout, TokenGrid } from "../read/layout.ts";
import { ancestors, type Score } from "../read/score.ts";
import { type Explained, type ExplainOptions, explainOptions } from "./explain-options.ts";
import { explainPass, Forward } from "./forward.ts";
import type { InputShapes } from "./input-shapes.ts";
import { Lru } from "./lru.ts";
import { layerOf, namedLayer } from "./named-layer.ts";
import { Pass } from "./pass.ts";
import { Plan } from "./plan.ts";
import { released, type SessionBound, Sessions } from "./sessions.ts";
import { refuseTraining } from "./training.ts";

export interface OpenOptions extends GraphOptions {
  /** The target layer, or a module, whose last layer it is; by default the last activation before the grid is pooled or flattened. */
  readonly layer?: string;
  /** Where layers hold tokens: their grid, and how many tokens come before it; found from the shapes by default. */
  readonly tokens?: TokenGrid;
  /** Sizes of inputs that the file leaves open, by name, the batch included; or those of the only input. Then pictures have that size. */
  readonly inputShapes?: InputShapes;
  readonly session?: SessionOptions;
  /** How many sessions stay open: those of a few methods at one size of picture, by default. */
  readonly keep?: SessionBound;
}

/** What opens an explainer beside options: an owner of sessions that several explainers share. */
interface Shared {
  readonly sessions?: Sessions;
}

export const openNames: OptionNames<OpenOptions> = {
  ...{ output: true, explainInput: true, layout: true, layer: true, tokens: true, inputShapes: true, session: true },
  keep: true,
};

/** As the package exports it, for who needs it at once. */
export async function openExplainer(ort: Runtime, bytes: Uint8Array, options: OpenOptions = {}): Promise<Explainer> {
  checkOptions<OpenOptions>(options, openNames, "openExplainer");
  return Explainer.open(ort, await openModel(bytes), options);
}

/** Sizes of pictures of which the shapes of all tensors are kept. */
const mostSizes = 8;

export class Explainer {
  readonly model: Model;
  /** Lends all sessions that ask the model. */
  readonly sessions: Sessions;
  /** Candidate layers, the default first. */
  readonly layers: readonly Layer[];
  /** Types and shapes of all tensors; -1 for the batch and for sizes that are free. */
  readonly tensors: Observed;
  /** How the axes of a tensor are read. */
  readonly layoutOf: (layer: string) => Layout;
  readonly gridLayoutOf: Plan["gridLayoutOf"];
  /** By sizes; how they are asked, without the sessions that ask. */
  readonly #plans = new Lru<string, Plan>(mostSizes);
  readonly #seeded = new Map<string, readonly Layer[]>();

  private constructor(
    private readonly plan: Plan,
    private readonly options: OpenOptions,
    /** How the model was read. */
    readonly reading: GraphReading,
    /** The order of the layers depends on their sizes: these are known. */
    readonly sized: Observed,
  ) {
    this.model = plan.model;
    this.tensors = plan.tensors;
    this.sessions = plan.sessions;
    this.layoutOf = (layer) => plan.layoutOf(layer);
    this.gridLayoutOf = (name) => plan.gridLayoutOf(name);
    const found = this.#layersOf([reading.score.name]);
    const { tokens } = options;
    expects(!tokens || Array.isArray(tokens.grid), "tokens", tokens, "{ grid: [rows, columns], prefix? }");
    if (tokens && !found.some(({ name }) => plan.layoutOf(name).prefix !== undefined))
      throw new UserError(
        "invalid-option",
        `invalid tokens: no layer has room for a grid of ${tokens.grid.join(" x ")} behind ${tokens.prefix ?? 0} tokens`,
      );
    const chosen = options.layer === undefined ? undefined : namedLayer(plan, options.layer, found);
    this.layers = chosen ? [chosen, ...found.filter(({ name }) => name !== chosen.name)] : found;
  }

  static async open(ort: Runtime, opened: Model, given: OpenOptions & Shared): Promise<Explainer> {
    const { model, shapes } = given.inputShapes
      ? (await import("./input-shapes.ts")).withInputShapes(opened, given.inputShapes)
      : { model: opened, shapes: {} };
    const { tensors, session, because } = await observedOn(ort, model, shapes, given.session);
    const options = { ...given, session };
    // A model of fixed size is made ready now; one of free size when it is known which size is asked.
    const fixed = freeSizes(model, {}) === "";
    const tried = fixed ? {} : nominalShapes(model, tensors);
    const sized = fixed
      ? tensors
      : await observe(ort, model, tried, options.session).catch(async (error: unknown) => {
          throw (await import("./input-shapes.ts")).refusedSizes(model, tried, error);
        });
    if (candidatesIn(model, sized).length === 0 || !model.outputs.some((name) => sized.has(name)))
      (await import("./input-shapes.ts")).askForSizes(model, sized);
    const read = readGraph(model, sized, options);
    const elsewhere = because && { what: "provider", value: "the processor, not WebGPU", because };
    const reading = elsewhere ? { ...read, decisions: [...read.decisions, elsewhere] } : read;
    refuseTraining(model, ancestors(model, [reading.score.name]));
    const sessions = given.sessions ?? new Sessions(given.keep);
    const plan = new Plan(ort, model, tensors, reading, sessions, options.session, options.tokens);
    const explainer = new Explainer(plan, options, reading, sized);
    const [first] = explainer.layers;
    if (first && fixed) await plan.forward(first.name, async () => undefined);
    return explainer;
  }

  /** The options that its sessions have: without WebGPU, where that was asked for and cannot run the model. */
  get session(): SessionOptions | undefined {
    return this.options.session;
  }

  /** What is explained: the scores before any softmax. */
  get score(): Score {
    return this.reading.score;
  }

  /** The input that is the image. */
  get imageInput(): string | undefined {
    return this.reading.explained?.name;
  }

  /** The layers of every picture that the model takes, those of the explained one first. */
  layersOfAll(): LayerReading[] {
    const { reading, model, sized, options } = this;
    const scores = [reading.score.name];
    const wanted = ancestors(model, scores);
    const others = candidatesIn(model, sized).flatMap((explainInput) => {
      const { input } = explainedInput(model, sized, wanted, { explainInput });
      const isOther = input && explainInput !== this.imageInput;
      return isOther ? [{ of: explainInput, layers: layersOf(model, sized, input, scores, options.tokens) }] : [];
    });
    const seen = new Set<string>();
    return [{ of: this.imageInput ?? "", layers: this.layers }, ...others].flatMap(({ of, layers }) =>
      layers.flatMap(({ name, shape: _, grid, ...more }, i) => {
        if (seen.has(name)) return [];
        seen.add(name);
        const shape = this.tensors.get(name)?.dims ?? [];
        return [{ name, shape, grid, of, ...more, ...(i === 0 && { default: true as const }) }];
      }),
    );
  }

  /** The layers on the way to some tensors, the default first. */
  #layersOf(scores: readonly string[]): readonly Layer[] {
    const { explained } = this.reading;
    if (!explained) return [];
    const key = JSON.stringify(scores);
    const known = this.#seeded.get(key);
    if (known) return known;
    const found = layersOf(this.model, this.sized, explained, scores, this.options.tokens);
    const layers = found.map(({ name, equals }) => ({ ...layerOf(this.plan, name), ...(equals && { equals }) }));
    this.#seeded.set(key, layers);
    return layers;
  }

  /**
   * Runs the model once; the result answers any number of questions about these images.
   * @param feeds the model's inputs, n images in the first dimension.
   */
  async forward(feeds: Feeds, options: { layer?: string } = {}): Promise<Forward> {
    checkOptions<typeof options>(options, { layer: true }, "forward");
    const { layer } = options;
    return this.#ran(await this.#pass(feeds, layer));
  }

  /**
   * Runs the model over images that are fed apart, one each: in one run where their shapes are alike and every tensor keeps a row for
   * each, else in one run after another.
   * @returns in their order; of an image whose scores are not finite, why.
   */
  async forwards(
    apart: readonly Feeds[],
    { layer }: { layer?: string } = {},
  ): Promise<PromiseSettledResult<Forward>[]> {
    const free = this.model.inputs.every(({ name }) => this.tensors.get(name)?.dims[0] === -1);
    const together = free && apart.length > 1 ? sideBySide(this.plan.ort, apart) : undefined;
    const passes = together && (await (await this.#pass(together, layer)).images());
    if (passes) return Promise.allSettled(passes.map((pass) => this.#ran(pass)));
    const results: PromiseSettledResult<Forward>[] = [];
    for (const feeds of apart) results.push(...(await Promise.allSettled([this.forward(feeds, { layer })])));
    return results;
  }

  async #ran(pass: Pass): Promise<Forward> {
    const scores = await pass.scores();
    return new Forward(pass, await pass.outputs(), scores);
  }

  /** Runs the model and explains it. */
  async explain(feeds: Feeds, options: ExplainOptions = {}): Promise<Explained> {
    checkOptions(options, explainOptions, "explain");
    const { target, layer } = options;
    const seeds =
      isRecord(target) && "seeds" in target && isRecord(target.seeds) ? Object.keys(target.seeds) : undefined;
    // A layer that the caller has named at opening stands; else it lies on the way to what is seeded.
    const ofSeeds = seeds && this.options.layer === undefined ? this.#layersOf(seeds)[0]?.name : undefined;
    return explainPass(await this.#pass(feeds, layer ?? ofSeeds), options);
  }

  async #pass(feeds: Feeds, layer = this.layers[0]?.name): Promise<Pass> {
    const plan = await this.planFor(feeds);
    const { name } = (layer !== undefined && namedLayer(plan, layer, this.layers)) || {};
    const { explained } = this.reading;
    const batch = explained?.axes.batch;
    const n = explained && batch !== undefined ? present(tensorOf(feeds, explained.name).dims[batch], "the batch") : 1;
    return new Pass(plan, name, feeds, n, this.layers);
  }

  /** Closes its sessions, once nobody uses them; what is asked from then on is refused with the code `released`. */
  release(): Promise<void> {
    return this.sessions.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release();
  }

  /** How pictures of the size of these are asked. */
  async planFor(feeds: Feeds): Promise<Plan> {
    if (this.sessions.released) throw released();
    checkFeeds(this.model, feeds);
    const key = freeSizes(this.model, shapesOf(feeds)) + this.#otherBatch(this.tensors, feeds);
    const plan = await this.#plan(key, feeds);
    // At other sizes than it was opened with, the batch may be free in name only too.
    const other = this.#otherBatch(plan.tensors, feeds);
    return other ? this.#plan(key + other, feeds) : plan;
  }

  #plan(key: string, feeds: Feeds): Promise<Plan> {
    const { plan, model, session } = this;
    if (key === "") return Promise.resolve(plan); // nothing is free
    return this.#plans.get(key, async () => plan.at(await observe(plan.ort, model, shapesOf(feeds), session)));
  }

  /** Where the batch is free in name only, what was observed holds for one size of it: another one, as fed. */
  #otherBatch(tensors: Observed, feeds: Feeds): string {
    const { explained } = this.reading;
    if (explained?.axes.batch === undefined) return "";
    const batch = tensors.get(explained.name)?.dims[explained.axes.batch];
    const fed = tensorOf(feeds, explained.name).dims[explained.axes.batch];
    return batch === undefined || batch === -1 || batch === fed ? "" : ` ${fed} images`;
  }
}

/** What a model's free dimensions are in these shapes, the batch apart; "" where none is free. */
function freeSizes(model: Model, shapes: Readonly<Record<string, readonly number[]>>): string {
  return model.inputs
    .flatMap((input) =>
      (declaredDims(input) ?? []).map((d, i) =>
        i > 0 && typeof d === "string" ? `${input.name}:${i}=${shapes[input.name]?.[i] ?? "free"}` : "",
      ),
    )
    .filter(Boolean)
    .join(" ");
}

/** Shapes in which to compare layers of a model of free size: pictures of 256 x 256. */
function nominalShapes(model: Model, tensors: Observed): Record<string, number[]> {
  return Object.fromEntries(
    candidatesIn(model, tensors).map((name) => [name, (tensors.get(name)?.dims ?? []).map((d) => (d < 0 ? 256 : d))]),
  );
}
