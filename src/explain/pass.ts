/**
 * @file One forward pass of a model over some images, made when something of it is first needed and kept from then on.
 *
 * A gradient at the pixels is computed by a session that runs the model too; when it comes first, its outputs are the pass's, and the
 * forward session need not run at all.
 */
import type { Dense } from "../methods/method.ts";
import { type Feeds, run, type Tensor } from "../onnx/runtime.ts";
import type { Plan } from "./plan.ts";
import { bestClasses, checkFinite, classScores } from "./target.ts";
import { toDense } from "./tensors.ts";

type Tensors = Record<string, Tensor>;

export class Pass {
  #forward: Promise<Tensors> | undefined;
  #elsewhere: Tensors | undefined;

  constructor(
    readonly plan: Plan,
    /** The tensor that maps lie on. */
    readonly layer: string | undefined,
    readonly feeds: Feeds,
    /** Images in the feeds. */
    private readonly n: number,
  ) {}

  /** What a session that runs the model must return for the pass. */
  get wanted(): string[] {
    return [...new Set([...this.plan.model.outputs, this.plan.score])];
  }

  /** Takes the outputs of another run over the same feeds. */
  keep(results: Tensors): void {
    this.#elsewhere ??= results;
  }

  /** The layer, the scores, the outputs, and whatever the adjoint reads. */
  tensors(layer: string): Promise<Tensors> {
    this.#forward ??= this.plan.forward(layer).then(async ({ session, residuals }) => {
      const wanted = new Set([...this.wanted, layer, ...residuals.filter((name) => !this.feeds[name])]);
      return { ...this.feeds, ...(await run(session, this.feeds, [...wanted])) };
    });
    return this.#forward;
  }

  /** The model's outputs and the scores, from whichever run there was; from a forward pass if there was none. */
  async results(): Promise<Tensors> {
    if (this.#elsewhere) return this.#elsewhere;
    return this.layer === undefined ? this.#alone() : this.tensors(this.layer);
  }

  async #alone(): Promise<Tensors> {
    const { session } = await this.plan.scores();
    this.#elsewhere = await run(session, this.feeds, this.wanted);
    return this.#elsewhere;
  }

  /** The scores before any softmax, [n, classes, ...]; @throws UserError `not-finite`. */
  async scores(): Promise<Dense> {
    const scores = toDense((await this.results())[this.plan.score]);
    checkFinite(scores, this.plan.score);
    return scores;
  }

  /** The shape of the scores, without a run where only the batch is free. */
  async scoreDims(): Promise<readonly number[]> {
    const [batch, ...rest] = this.plan.tensors.get(this.plan.score)?.dims ?? [-1, -1];
    return rest.includes(-1) ? (await this.scores()).dims : [batch < 0 ? this.n : batch, ...rest];
  }

  async bestClasses(): Promise<number[]> {
    const scores = await this.scores();
    return Array.from({ length: scores.dims[0] }, (_, i) => bestClasses(classScores(scores, i), 1)[0]);
  }
}
