/**
 * @file One forward pass of a model over some images, made when something of it is first needed and kept from then on.
 *
 * A gradient at the pixels is computed by a session that runs the model too; when it comes first, its outputs are the pass's, and the
 * forward session need not run at all.
 */
import type { Dense } from "../array/dense.ts";
import { UserError } from "../errors.ts";
import type { LayerMap } from "../methods/method.ts";
import { range } from "../onnx/dims.ts";
import { type Feeds, type Runtime, run, type Tensor } from "../onnx/runtime.ts";
import { rowsOf, tensorOf, tensorsOf, toDense, toTensor } from "../onnx/tensors.ts";
import { fromPlain, type Plain, type PlainDims, toPlain } from "../read/axes.ts";
import { noImage } from "../read/inputs.ts";
import { plainLayer } from "../read/layer-values.ts";
import type { Layer } from "../read/layers.ts";
import { namedLayer } from "./named-layer.ts";
import type { ForwardSession, Plan } from "./plan.ts";
import { bestClasses, checkFinite, classScores } from "./target.ts";
import { fedInBatches } from "./variants.ts";

type Tensors = Record<string, Tensor>;

export class Pass {
  #forward: Promise<Tensors> | undefined;
  #elsewhere: Tensors | undefined;
  /** What the forward session explained in the same run. */
  #answers: ForwardSession["answers"];

  constructor(
    readonly plan: Plan,
    readonly layer: string | undefined,
    readonly feeds: Feeds,
    /** Images in the feeds. */
    readonly n: number,
    /** The layers that it may be asked at too, the default first. */
    readonly layers: readonly Layer[] = [],
  ) {}

  /** The same of other pictures of these sizes. */
  of(feeds: Feeds, n: number): Pass {
    return new Pass(this.plan, this.layer, feeds, n, this.layers);
  }

  /** The same images at another layer; what has run is not run again. */
  at(layer: string): Pass {
    const { name } = namedLayer(this.plan, layer, this.layers);
    if (name === this.layer) return this;
    const other = new Pass(this.plan, name, this.feeds, this.n, this.layers);
    if (this.#elsewhere) other.keep(this.#elsewhere);
    return other;
  }

  /** Other images in the place of these, [n, C, ...]. */
  ofImages(images: Dense): Pass {
    const { explained } = this.plan.reading;
    if (!explained) throw noImage();
    const { name, axes } = explained;
    const { type } = tensorOf(this.feeds, name);
    return this.of({ ...this.feeds, [name]: toTensor(this.plan.ort, fromPlain(images, axes), type) }, this.n);
  }

  /** What a session that runs the model must return for the pass. */
  get wanted(): string[] {
    return [...new Set([...this.plan.model.outputs, this.plan.score.name])];
  }

  /** Takes the outputs of another run over the same feeds. */
  keep(results: Tensors): void {
    this.#elsewhere ??= results;
  }

  /** The layer, the scores, the outputs, and whatever the adjoint reads. */
  tensors(layer: string): Promise<Tensors> {
    this.#forward ??= this.#run(layer);
    return this.#forward;
  }

  /** What the forward session of the layer does not return, by one more run. */
  more(names: readonly string[]): Promise<Tensors> {
    return this.plan.fetched(names, ({ session }) => run(session, this.feeds, names));
  }

  #run(layer: string): Promise<Tensors> {
    const { plan, feeds, n } = this;
    return plan.forward(layer, async (forward) => {
      this.#answers = forward.answers;
      const read = plan.residuals(layer).filter((name) => !Object.hasOwn(feeds, name));
      const wanted = [...this.wanted, layer, ...read, ...(forward.answers ? [forward.answers.output] : [])];
      return { ...feeds, ...(await runForward(plan.ort, forward, feeds, [...new Set(wanted)], n)) };
    });
  }

  /**
   * A map at the layer from the same run as the outputs, where the forward session can: of any classes where it has not run yet, of each
   * image's best where it has.
   * @param classes of the explanations, image-major.
   */
  async sameRun(layer: string, map: LayerMap, classes: readonly number[]): Promise<Tensor | undefined> {
    if (this.#forward) {
      const ran = await this.#forward;
      if (this.#answers?.map !== map || String(classes) !== String(await this.bestClasses())) return undefined;
      return ran[this.#answers.output];
    }
    const { plan, feeds, n } = this;
    return plan.forward(layer, async (forward) => {
      if (forward.answers?.map !== map) return undefined;
      const { output } = forward.answers;
      const results = await runForward(plan.ort, forward, feeds, [output, ...this.wanted], n, classes);
      this.keep(results);
      return results[output];
    });
  }

  /** The images as passes of their own, which have run; undefined where a tensor has not one row for each image. */
  async images(): Promise<Pass[] | undefined> {
    const results = this.layer === undefined ? await this.results() : await this.tensors(this.layer);
    const tensors = Object.entries({ ...this.feeds, ...results });
    if (tensors.some(([, { dims }]) => dims[0] !== this.n)) return undefined;
    return range(this.n).map((i) => {
      const own = Object.fromEntries(tensors.map(([name, tensor]) => [name, rowsOf(this.plan.ort, tensor, [i])]));
      const feeds = tensorsOf(own, Object.keys(this.feeds));
      const pass = new Pass(this.plan, this.layer, feeds, 1, this.layers);
      pass.#forward = Promise.resolve(own);
      pass.keep(own);
      return pass;
    });
  }

  /** The model's outputs and the scores, from whichever run there was; from a forward pass if there was none. */
  async results(): Promise<Tensors> {
    if (this.#elsewhere) return this.#elsewhere;
    return this.layer === undefined ? this.#alone() : this.tensors(this.layer);
  }

  async #alone(): Promise<Tensors> {
    const { plan, feeds, wanted, n } = this;
    this.#elsewhere = await plan.scores(undefined, (forward) => runForward(plan.ort, forward, feeds, wanted, n));
    return this.#elsewhere;
  }

  async outputs(): Promise<Tensors> {
    const results = await this.results();
    return Object.fromEntries(
      this.plan.model.outputs.flatMap((name) => (results[name] ? [[name, results[name]]] : [])),
    );
  }

  /** The scores before any softmax, [n, classes, ...]; @throws UserError `not-finite`. */
  async scores(): Promise<Plain> {
    const { name, axes } = this.plan.score;
    const scores = toPlain(toDense(tensorOf(await this.results(), name)), axes);
    checkFinite(scores, name);
    return scores;
  }

  /** The shape of the scores, without a run where only the batch is free. */
  async scoreDims(): Promise<PlainDims> {
    const [batch, ...rest] = this.plan.scoreDims;
    return rest.includes(-1) ? (await this.scores()).dims : [batch < 0 ? this.n : batch, ...rest];
  }

  async bestClasses(): Promise<number[]> {
    const scores = await this.scores();
    return range(scores.dims[0]).flatMap((i) => bestClasses(classScores(scores, i), 1));
  }

  /** The layer of one of its images, as the runtime has it. */
  async #layerOf(index: number): Promise<{ readonly layer: string; readonly activations: Tensor }> {
    const { layer, plan } = this;
    if (layer === undefined) throw noLayer();
    const tensor = tensorOf(await this.tensors(layer), layer);
    // A layer whose rows are not the pictures, as those of windows, cannot be told apart by them.
    if (tensor.dims[0] !== this.n) throw rowsAreNotPictures(layer, tensor.dims);
    return { layer, activations: rowsOf(plan.ort, tensor, [index]) };
  }

  /** The activations of one of its images, [1, C, ...grid]. */
  async activations(index: number): Promise<Dense> {
    const { layer, activations } = await this.#layerOf(index);
    return plainLayer(toDense(activations), this.plan.layoutOf(layer));
  }

  /** The class scores of one of its images where the layer is multiplied with factors, [any, C or 1, ...grid or ones]. */
  async respondAtLayer(
    index: number,
    factors: Dense,
    before?: (done: number) => void,
    rows?: number,
  ): Promise<Float32Array[]> {
    const { plan, feeds } = this;
    const { name, axes } = plan.score;
    const place = { ...(await this.#layerOf(index)), feeds, image: index };
    const all: Float32Array[] = [];
    const { varied } = await import("./variation.ts");
    await varied(plan, { ...place, factors, wanted: [name], before, rows }, (results, { count }) => {
      const scores = toPlain(toDense(tensorOf(results, name)), axes);
      for (let v = 0; v < count; v++) all.push(classScores(scores, v));
    });
    return all;
  }

  /**
   * The class scores of variants, [any, C, ...], of one of its images; what else it is fed is repeated.
   * @param most in one run, where any number is taken; all by default
   */
  async respond(index: number, variants: Dense, most = Number.POSITIVE_INFINITY): Promise<Float32Array[]> {
    const { plan, layer, feeds } = this;
    const { explained } = plan.reading;
    if (!explained) throw noImage();
    return plan.scores(layer, async (forward) => {
      const all: Float32Array[] = [];
      const ran = async (fed: Feeds, { count, rows }: { readonly count: number; readonly rows: number }) => {
        const results = await runForward(plan.ort, forward, fed, [plan.score.name], rows);
        const scores = toPlain(toDense(tensorOf(results, plan.score.name)), plan.score.axes);
        for (let v = 0; v < count; v++) all.push(classScores(scores, v));
      };
      await fedInBatches(plan, feeds, explained, index, variants, ran, most);
      return all;
    });
  }
}

const noLayer = (): UserError =>
  new UserError("no-path", "no path: the model has no layer with a grid on the way to its scores; name one");

export const rowsAreNotPictures = (layer: string, dims: readonly number[]): UserError =>
  new UserError(
    "invalid-option",
    `invalid layer: "${layer}" has shape [${dims}], whose rows are not the pictures; this method changes the activations of one`,
  );

/** Runs a forward session. One that answers takes classes; where none is asked for, it answers about each image's best. */
function runForward(
  ort: Runtime,
  { session, answers }: ForwardSession,
  feeds: Feeds,
  wanted: readonly string[],
  n: number,
  classes: readonly number[] = Array(n).fill(-1),
): Promise<Tensors> {
  if (!answers) return run(session, feeds, wanted);
  const asked = new ort.Tensor("int64", BigInt64Array.from(classes, BigInt), [n, classes.length / n]);
  return run(session, { ...feeds, [answers.classes]: asked }, wanted);
}
