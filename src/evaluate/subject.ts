/** @file A picture under examination: the model's view of it, its maps by any method, and questions about variants of it. */

import type { Dense } from "../array/dense.ts";
import { InternalError, UserError } from "../errors.ts";
import type { Forward } from "../explain/forward.ts";
import { bestClasses, classScores } from "../explain/target.ts";
import { type Alignment, cellsSpan, type Geometry, undo, upsample } from "../image/geometry.ts";
import type { PeakOptions } from "../image/locate.ts";
import type { Picture, PixelMap } from "../image/picture.ts";
import { preprocess } from "../image/preprocess.ts";
import { type MethodName, methodName, methodsOf } from "../methods/by-name.ts";
import type { GivenOptions, Method } from "../methods/method.ts";
import { ownOptions } from "../methods/options.ts";
import { product } from "../onnx/dims.ts";
import type { Tensor } from "../onnx/runtime.ts";
import type { Classifier } from "../tasks/classify/classification.ts";
import type { Probe } from "./metrics/metric.ts";
import type { Randomised } from "./randomise.ts";

/** A map, and where its cells lie on the network's input; evenly over it unless told. */
export interface AlignedMap extends Dense {
  readonly alignment?: Alignment;
}

/** What methods are told, each what it has, and how much memory their runs may take. */
export interface Told {
  readonly options?: GivenOptions;
  readonly maxMemory?: number;
}

export class Subject {
  readonly #occlusions = new Map<number, Promise<Float32Array>>();

  private constructor(
    private readonly classifier: Classifier,
    private readonly randomised: Randomised,
    private readonly layer: string | undefined,
    private readonly told: Told,
    /** Those that are told something. */
    private readonly methods: readonly Method[],
    private readonly forward: Forward,
    /** The network's input, [C, H, W], channels first. */
    readonly input: Dense,
    readonly geometry: Geometry,
    /** All classes, best first. */
    readonly ranking: readonly number[],
  ) {}

  /** What counts as a map's peak on the original picture. */
  peakOf({ dims, alignment }: AlignedMap): PeakOptions {
    return { rule: this.classifier.places.rule, within: cellsSpan(dims, this.geometry, alignment) };
  }

  static async of(
    picture: Picture,
    classifier: Classifier,
    randomised: Randomised,
    {
      layer,
      told = {},
      methods = [],
    }: { readonly layer?: string; readonly told?: Told; readonly methods?: readonly string[] } = {},
  ): Promise<Subject> {
    const { data, dims, geometry } = preprocess(picture, classifier.preprocess);
    if (dims.length !== 3) throw new InternalError(`a picture became an input of ${dims.length} dimensions`);
    const forward = await classifier.explainer.forward(classifier.feeds({ data, dims }), { layer });
    const scores = classScores(forward.scores, 0);
    const input = classifier.plain({ data, dims });
    return new Subject(
      classifier,
      randomised,
      layer,
      told,
      await methodsOf(methods.map(methodName)),
      forward,
      input,
      geometry,
      bestClasses(scores, scores.length),
    );
  }

  /** Raw maps of classes by a method, on its own grid. */
  maps(method: string, classes: readonly number[]): Promise<Map<number, AlignedMap>> {
    return this.#maps(classes, methodName(method), this.#toldTo(method));
  }

  /** What a method is told of what is told to all. */
  #toldTo(name: string): Told {
    const { options, maxMemory } = this.told;
    const method = this.methods.find((one) => one.name === name);
    return { maxMemory, ...(method && options && { options: ownOptions(method, options) }) };
  }

  async #maps(classes: readonly number[], method: MethodName, told: Told): Promise<Map<number, AlignedMap>> {
    const { maps, layer } = await this.forward.explain({ method, target: { each: classes }, ...told });
    const { alignment } = await this.classifier.places.of(layer);
    const [, ...dims] = maps.dims;
    const size = product(dims);
    const data = numbersOf(maps);
    return new Map(classes.map((c, i) => [c, { data: data.subarray(i * size, (i + 1) * size), dims, alignment }]));
  }

  /** A map over the network's input, [H, W]. */
  overInput({ data, dims: [h, w], alignment }: AlignedMap): Float32Array {
    const [, height, width] = this.input.dims;
    return h === height && w === width ? data : upsample(data, [h, w], [height, width], alignment);
  }

  /** A map over the original picture. */
  overPicture({ data, dims: [h, w], alignment }: AlignedMap): PixelMap {
    return undo(data, [h, w], this.geometry, alignment);
  }

  /** What a metric may ask about a class and a method. */
  probe(method: string, target: number): Probe {
    const { forward, classifier, input, randomised } = this;
    const explained = async (by: Pick<Classifier["explainer"], "explain">, image: Dense, c: number) => {
      const feeds = classifier.feeds(classifier.laidOut(image));
      const { maps, layer } = await by.explain(feeds, {
        target: c,
        method: methodName(method),
        layer: this.layer,
        ...this.#toldTo(method),
      });
      const { alignment } = await classifier.places.of(layer);
      return this.overInput({ ...withoutBatch({ data: numbersOf(maps), dims: maps.dims }), alignment });
    };
    return {
      input,
      classes: this.ranking.length,
      stages: randomised.stages,
      scores: async (variants) => Float32Array.from(await forward.respond(0, variants), (scores) => scores[target]),
      probabilities: async (variants) =>
        Float32Array.from(await forward.respond(0, variants), (s) => probability(classifier, s, target)),
      mapOf: (image) => explained(classifier.explainer, image, target),
      mapFor: (other) => explained(classifier.explainer, input, other),
      mapRandomised: async (stage, how) => explained(await randomised.explainerAt(stage, how), input, target),
      occlusion: () => this.#occlusion(target),
    };
  }

  #occlusion(target: number): Promise<Float32Array> {
    const known =
      this.#occlusions.get(target) ??
      this.#maps([target], "occlusion", { maxMemory: this.told.maxMemory }).then((maps) =>
        this.overInput(maps.get(target) as AlignedMap),
      );
    this.#occlusions.set(target, known);
    return known;
  }
}

/** @throws UserError for a model that gives a value which is none. */
function probability(classifier: Classifier, scores: Float32Array, target: number): number {
  const found = classifier.probabilities(scores)[target];
  if (found !== null) return found;
  throw new UserError("invalid-model", "invalid model for this metric: it gives a value, and no probabilities");
}

const withoutBatch = ({ data, dims: [, ...dims] }: Dense): Dense => ({ data, dims });

function numbersOf({ data, type }: Tensor): Float32Array {
  if (!(data instanceof Float32Array)) throw new UserError("invalid-model", `invalid model: maps of type ${type}`);
  return data;
}
