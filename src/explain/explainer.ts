/** @file An open model that answers why: the forward pass once, then any number of questions about it. */
import { listing, UserError } from "../errors.ts";
import { checkFeeds } from "../onnx/feeds.ts";
import { type Model, readModel } from "../onnx/model.ts";
import { type Observed, observe } from "../onnx/observe.ts";
import { declaredDims } from "../onnx/proto.ts";
import { type Feeds, type Runtime, type SessionOptions, shapesOf } from "../onnx/runtime.ts";
import { upgrade } from "../onnx/upgrade.ts";
import { loadOperatorsOf } from "../ops/index.ts";
import { type Explained, type ExplainOptions, explainPass, Forward } from "./forward.ts";
import { ancestors, imageInputOf, type Layer, layersOf, type Score, scoreOf } from "./layers.ts";
import { type Layout, patchesOf, type TokenGrid } from "./layout.ts";
import { Pass } from "./pass.ts";
import { Plan } from "./plan.ts";
import { sideBySide } from "./tensors.ts";
import { patchesReach } from "./tokens.ts";

export interface OpenOptions {
  /** The output that holds the scores; by default the first of shape [n, classes], or else the first of a float type. A softmax it ends with is explained in front of. */
  readonly output?: string;
  /** The tensor that maps lie on; by default the last activation before the grid is pooled or flattened. */
  readonly layer?: string;
  /** Where layers hold tokens: their grid, and how many tokens come before it; found from the shapes by default. */
  readonly tokens?: TokenGrid;
  readonly session?: SessionOptions;
}

/**
 * Opens a model for explanation.
 * @param bytes the ONNX file's.
 * @throws UserError when the file is no model, a name is wrong, or an operator behind the layer has no gradient rule.
 */
export async function openExplainer(ort: Runtime, bytes: Uint8Array, options: OpenOptions = {}): Promise<Explainer> {
  return Explainer.open(ort, upgrade(readModel(bytes)), options);
}

export class Explainer {
  /** Candidate layers, the default first. */
  readonly layers: readonly Layer[];
  /** What is explained: the scores before any softmax. */
  readonly score: Score;
  /** Types and shapes of all tensors; -1 for the batch and for sizes that are free. */
  readonly tensors: Observed;
  /** The input that is the image. */
  readonly imageInput: string | undefined;
  /** How the axes of a tensor are read. */
  readonly layoutOf: (layer: string) => Layout;
  readonly #plans: Map<string, Promise<Plan>>;

  private constructor(
    readonly model: Model,
    private readonly ort: Runtime,
    private readonly options: OpenOptions,
    plan: Plan,
    score: Score,
    /** The order of the layers depends on their sizes: these are known. */
    sized: Observed,
  ) {
    this.score = score;
    this.tensors = plan.tensors;
    this.imageInput = imageInputOf(model, plan.tensors);
    this.layoutOf = (layer) => plan.layoutOf(layer);
    const found = layersOf(model, sized, score.name, options.tokens).map(({ name }) => layerOf(plan, name));
    const { tokens } = options;
    if (tokens && !found.some(({ name }) => plan.layoutOf(name).prefix !== undefined))
      throw new UserError(
        "invalid-option",
        `invalid tokens: no layer has room for a grid of ${tokens.grid.join(" x ")} behind ${tokens.prefix ?? 0} tokens`,
      );
    const chosen = options.layer === undefined ? undefined : namedLayer(plan, options.layer, found);
    this.layers = chosen ? [chosen, ...found.filter(({ name }) => name !== chosen.name)] : found;
    this.#plans = new Map([[freeSizes(model, {}), Promise.resolve(plan)]]);
  }

  static async open(ort: Runtime, model: Model, options: OpenOptions): Promise<Explainer> {
    await loadOperatorsOf(model.graph);
    const tensors = await observe(ort, model, {}, options.session);
    const score = scoreOf(model, tensors, options.output);
    const plan = new Plan(ort, model, tensors, score.name, options.session, options.tokens);
    // A model of fixed size is made ready now; one of free size when it is known which size is asked.
    const fixed = freeSizes(model, {}) === "";
    const sized = fixed ? tensors : await observe(ort, model, nominalShapes(model, tensors), options.session);
    const explainer = new Explainer(model, ort, options, plan, score, sized);
    const [first] = explainer.layers;
    if (first && fixed) await plan.forward(first.name);
    return explainer;
  }

  /**
   * Runs the model once; the result answers any number of questions about these images.
   * @param feeds the model's inputs, n images in the first dimension.
   */
  async forward(feeds: Feeds, { layer }: { layer?: string } = {}): Promise<Forward> {
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
    const together = free && apart.length > 1 ? sideBySide(this.ort, apart) : undefined;
    const passes = together && (await (await this.#pass(together, layer)).images());
    if (passes) return Promise.allSettled(passes.map((pass) => this.#ran(pass)));
    const results: PromiseSettledResult<Forward>[] = [];
    for (const feeds of apart) results.push(...(await Promise.allSettled([this.forward(feeds, { layer })])));
    return results;
  }

  async #ran(pass: Pass): Promise<Forward> {
    const scores = await pass.scores();
    const results = await pass.results();
    const outputs = Object.fromEntries(this.model.outputs.map((name) => [name, results[name]]));
    return new Forward(this.ort, pass, this.imageInput, outputs, scores);
  }

  /** Runs the model and explains it. */
  async explain(feeds: Feeds, options: ExplainOptions = {}): Promise<Explained> {
    return explainPass(this.ort, await this.#pass(feeds, options.layer), this.imageInput, options);
  }

  async #pass(feeds: Feeds, layer = this.layers[0]?.name): Promise<Pass> {
    checkFeeds(this.model, feeds);
    const plan = await this.#planFor(feeds);
    const { name } = (layer !== undefined && namedLayer(plan, layer, this.layers)) || {};
    return new Pass(plan, name, feeds, this.imageInput ? feeds[this.imageInput].dims[0] : 1);
  }

  async release(): Promise<void> {
    for (const plan of this.#plans.values()) await (await plan).release();
    this.#plans.clear();
  }

  #planFor(feeds: Feeds): Promise<Plan> {
    const key = freeSizes(this.model, shapesOf(feeds)) + this.#otherBatch(feeds);
    const known = this.#plans.get(key);
    if (known) return known;
    const made = observe(this.ort, this.model, shapesOf(feeds), this.options.session).then(
      (tensors) => new Plan(this.ort, this.model, tensors, this.score.name, this.options.session, this.options.tokens),
    );
    this.#plans.set(key, made);
    made.catch(() => this.#plans.delete(key));
    return made;
  }

  /** Where the batch is free in name only, what was observed holds for one size of it: another one, as fed. */
  #otherBatch(feeds: Feeds): string {
    const batch = this.imageInput && this.tensors.get(this.imageInput)?.dims[0];
    const fed = this.imageInput && feeds[this.imageInput].dims[0];
    return batch === undefined || batch === -1 || batch === fed ? "" : ` ${fed} images`;
  }
}

function layerOf(plan: Plan, name: string): Layer {
  return { name, shape: plan.tensors.get(name)?.dims ?? [], grid: plan.layoutOf(name).grid };
}

/** A candidate by its name, or any other tensor of the graph that has a grid. */
function namedLayer(plan: Plan, name: string, candidates: readonly Layer[]): Layer {
  const known = candidates.find((layer) => layer.name === name);
  if (known) return known;
  const { model, tensors } = plan;
  const tensor = tensors.get(name);
  const names = listing(
    candidates.map((layer) => layer.name),
    8,
  );
  if (!tensor || !model.producer.has(name))
    throw new UserError("unknown-name", `unknown layer: "${name}"; candidates are ${names}`);
  if (tensor.dims.length < 3)
    throw new UserError(
      "invalid-option",
      `invalid layer: "${name}" has shape [${tensor.dims}] and no grid; candidates are ${names}`,
    );
  const layout = plan.layoutOf(name);
  if (layout.prefix === undefined && tensor.dims.length < (plan.grids?.rank ?? 0))
    throw new UserError(
      "invalid-option",
      `invalid layer: "${name}" has shape [${tensor.dims}], which none of the network's grids fits; say its grid in tokens, or take one of ${names}`,
    );
  const reach = () => patchesReach(model, tensors, name, patchesOf(layout), ancestors(model, plan.score));
  return layout.prefix === undefined || reach() ? layerOf(plan, name) : nearest(plan, name, candidates);
}

/** The last candidate in front of a layer whose patch tokens do not reach the score: only its class token does. */
function nearest({ model }: Plan, name: string, candidates: readonly Layer[]): Layer {
  const made = model.graph.node.flatMap(({ output }) => output);
  const places = candidates.map((layer) => made.indexOf(layer.name));
  const before = places.filter((place) => place < made.indexOf(name));
  if (before.length === 0)
    throw new UserError(
      "no-path",
      `no path: the patch tokens of "${name}" do not reach the score, nor does a layer before it`,
    );
  return { ...candidates[places.indexOf(Math.max(...before))], insteadOf: name };
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
  const image = imageInputOf(model, tensors);
  const dims = image ? tensors.get(image)?.dims : undefined;
  return image && dims ? { [image]: dims.map((d) => (d < 0 ? 256 : d)) } : {};
}
