/** @file A finished forward pass, which answers any number of questions: each method's questions are put to the plan's sessions here. */
import type { Rules } from "../autodiff/rules.ts";
import { UserError } from "../errors.ts";
import { methodNamed } from "../methods/index.ts";
import type { Dense, LayerMap, Question } from "../methods/method.ts";
import { product, range } from "../onnx/build.ts";
import { type Feeds, type Runtime, run, type Tensor } from "../onnx/runtime.ts";
import type { Plan } from "./plan.ts";
import { type Asked, checkFinite, classScores, cotangents, plainClasses, resolve, type Target, type Weights } from "./target.ts";
import { asLaidOut, channelsFirst, interleave, repeatImage, toDense } from "./tensors.ts";

export interface ExplainOptions {
  readonly target?: Target;
  /** A method's name; "grad-cam" by default. */
  readonly method?: string;
  readonly layer?: string;
  /** Called with the share of the work that is done, 0 to 1, by methods of many runs. */
  readonly onProgress?: (done: number) => void;
  readonly signal?: AbortSignal;
}

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

/** A finished forward pass. */
export class Forward {
  /** The model's outputs. */
  readonly outputs: Record<string, Tensor>;
  /** The scores before any softmax, [n, classes, ...]. */
  readonly scores: Dense;

  constructor(
    private readonly ort: Runtime,
    private readonly plan: Plan,
    /** The tensor that maps lie on. */
    readonly layer: string,
    private readonly imageInput: string | undefined,
    private readonly feeds: Feeds,
    private readonly tensors: Record<string, Tensor>,
  ) {
    this.outputs = Object.fromEntries(plan.model.outputs.map((name) => [name, tensors[name]]));
    this.scores = toDense(tensors[plan.score]);
  }

  /**
   * Explains this pass.
   * @throws UserError for a wrong target or method, `not-finite` for NaN in the scores, `cancelled` when the signal says so.
   */
  async explain({ target, method = "grad-cam", onProgress, signal }: ExplainOptions = {}): Promise<Explained> {
    const { space, explain } = methodNamed(method);
    checkFinite(this.scores, this.plan.score);
    const asked = resolve(target, this.scores);
    const question: Question = {
      image: channelsFirst(toDense(this.feeds[this.#imageInput])),
      k: asked.k,
      atLayer: (map) => this.#atLayer(asked, map),
      atInput: (rules) => this.#atInput(asked, rules),
      respond: (image, variants) => this.#respond(asked, image, variants),
      progress: (done) => {
        if (signal?.aborted) throw new UserError("cancelled", "cancelled");
        onProgress?.(done);
      },
    };
    const { maps, pixels } = await explain(question);
    return {
      maps: this.#tensor(maps),
      pixels: pixels && this.#tensor(pixels),
      outputs: this.outputs,
      layer: space === "layer" ? this.layer : undefined,
    };
  }

  get #imageInput(): string {
    if (this.imageInput) return this.imageInput;
    throw new UserError("invalid-model", "invalid model: none of its inputs is an image (float, with spatial dimensions)");
  }

  async #atLayer(asked: Asked, map: LayerMap): Promise<Dense> {
    const byClass = asked.rows && plainClasses(asked.rows) !== undefined && this.scores.dims.slice(2).every((d) => d === 1);
    const seeding = asked.seeds ? Object.keys(asked.seeds) : byClass ? "classes" : [this.plan.score];
    const adjoint = await this.plan.adjoint(this.layer, seeding, map);
    const ask = async (seeds: readonly Tensor[]): Promise<Dense> => {
      const feeds: Feeds = Object.fromEntries(adjoint.residuals.map((name) => [name, this.tensors[name]]));
      if (adjoint.activations) feeds[adjoint.activations] = this.tensors[this.layer];
      adjoint.seeds.forEach((name, i) => {
        feeds[name] = seeds[i];
      });
      return toDense((await run(adjoint.session, feeds, [adjoint.output]))[adjoint.output]);
    };
    const together = adjoint.residuals.length === 0;
    const { data } = await this.#forEachTarget(asked, together, byClass ? this.#classes : this.#cotangents, ask);
    const grid = this.tensors[this.layer].dims.slice(2);
    return { data, dims: [data.length / product(grid), ...grid] };
  }

  async #atInput(asked: Asked, rules: Rules): Promise<Dense> {
    const fused = await this.plan.fused(this.#imageInput, asked.seeds ? Object.keys(asked.seeds) : [this.plan.score], rules);
    return this.#forEachTarget(asked, false, this.#cotangents, async (seeds) => {
      const feeds = { ...this.feeds, ...Object.fromEntries(fused.seeds.map((name, i) => [name, seeds[i]])) };
      return channelsFirst(toDense((await run(fused.session, feeds, [fused.output]))[fused.output]));
    });
  }

  /** Asks for all targets in one run where the answer does not depend on the images, else for one target of every image at a time. */
  async #forEachTarget(
    asked: Asked,
    together: boolean,
    seed: (rows: readonly Weights[]) => Tensor,
    ask: (seeds: readonly Tensor[]) => Promise<Dense>,
  ): Promise<Dense> {
    if (asked.seeds) return ask(Object.values(asked.seeds));
    const { k, rows } = asked;
    if (together || k === 1) return ask([seed(rows)]);
    const answers: Dense[] = [];
    for (const j of range(k)) answers.push(await ask([seed(rows.filter((_, r) => r % k === j))]));
    return interleave(answers);
  }

  #classes = (rows: readonly Weights[]): Tensor => {
    const classes = BigInt64Array.from(rows, ([[c]]) => BigInt(c));
    return new this.ort.Tensor("int64", classes, [classes.length]);
  };

  #cotangents = (rows: readonly Weights[]): Tensor => this.#tensor(cotangents(rows, this.scores));

  async #respond(asked: Asked, image: number, variants: Dense): Promise<Float32Array[]> {
    if (asked.seeds) throw new UserError("invalid-option", "invalid target: this method compares scores and takes a class, not seeds");
    const { k, rows } = asked;
    const feeds = Object.fromEntries(
      Object.entries(this.feeds).map(([name, feed]) => [
        name,
        name === this.#imageInput ? this.#tensor(asLaidOut(variants, feed.dims)) : repeatImage(this.ort, feed, image, variants.dims[0]),
      ]),
    );
    const { session } = await this.plan.forward(this.layer);
    const scores = toDense((await run(session, feeds, [this.plan.score]))[this.plan.score]);
    return range(k).map((j) =>
      Float32Array.from({ length: variants.dims[0] }, (_, v) => {
        const ofVariant = classScores(scores, v);
        return rows[image * k + j].reduce((sum, [c, weight]) => sum + weight * ofVariant[c], 0);
      }),
    );
  }

  #tensor({ data, dims }: Dense): Tensor {
    return new this.ort.Tensor("float32", data, dims);
  }
}
