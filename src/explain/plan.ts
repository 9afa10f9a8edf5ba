/**
 * @file How one model at one input size is asked: which graphs are built, and which sessions run them.
 *
 * For a map at a layer the forward pass and the adjoint are sessions of their own: the forward session is the model with the layer
 * (and whatever the adjoint reads) as further outputs, the adjoint session holds only what lies behind the layer, backwards. So the
 * forward pass runs once and any number of classes are asked. Where the adjoint reads nothing of the forward pass it is small, and
 * the forward session carries it too: the first question is answered in the same run. Gradients at the pixels need the whole
 * network both ways: there the model and its adjoint are one session. Sessions are made when they are first needed.
 */
import { differentiate } from "../autodiff/differentiate.ts";
import { overridesOf, type Rules } from "../autodiff/rules.ts";
import { UserError } from "../errors.ts";
import { gradCamMap } from "../methods/grad-cam.ts";
import { builtMap, keyOf } from "../methods/layer-map.ts";
import type { LayerMap } from "../methods/method.ts";
import { needAlias } from "../onnx/alias.ts";
import { type Extension, openExtended } from "../onnx/append.ts";
import { Builder, type Value } from "../onnx/build.ts";
import { extract, readsOf } from "../onnx/extract.ts";
import { freshPrefix, type Model } from "../onnx/model.ts";
import { type Observed, typeOf } from "../onnx/observe.ts";
import { DataType, makeValueInfo } from "../onnx/proto.ts";
import { openSession, overPreset, type Runtime, type Session, type SessionOptions } from "../onnx/runtime.ts";
import { gradientType, hasArray, isTiny, typeName } from "../onnx/types.ts";
import { plainDims } from "../read/axes.ts";
import type { GraphReading } from "../read/graph.ts";
import { observedAt } from "../read/inputs.ts";
import {
  channelsFirst,
  countedFromZero,
  type Grids,
  gridsOf,
  type Layout,
  layerParts,
  layoutOf,
  type TokenGrid,
} from "../read/layout.ts";
import type { Score } from "../read/score.ts";

/** How the score is given: as class indices ("classes"), or as cotangents of these tensors. */
export type Seeding = "classes" | readonly string[];

/** The model, with a layer and more as further outputs. */
export interface ForwardSession {
  readonly session: Session;
  /** What the adjoint reads of the forward pass, the layer apart. */
  readonly residuals: readonly string[];
  /** Where it explains in the same run: the map that it computes, the input that takes its classes, [n, k] (negative: the best), and the output. */
  readonly answers?: { readonly map: LayerMap; readonly classes: string; readonly output: string };
}

/** A session of the adjoint alone. */
export interface Adjoint {
  readonly session: Session;
  /** Forward tensors that it reads, the layer apart. Where there are none, it explains any number of targets in one run. */
  readonly residuals: readonly string[];
  /** The names of its inputs: the activations, where the map reads them, and a seed for each seeded tensor (or the class indices). */
  readonly activations: string | undefined;
  readonly seeds: readonly string[];
  readonly output: string;
}

/** A session of the model with its adjoint down to the input. */
export interface Fused {
  readonly session: Session;
  readonly seeds: readonly string[];
  readonly output: string;
}

/** Where an adjoint is: a model of its own, or part of the model, whose tensors it can read. */
type Place = "alone" | "in the model";

interface Seeds {
  readonly inputs: readonly Value[];
  readonly values: ReadonlyMap<string, Value>;
}

/**
 * A forward session and its adjoint run in turn: the threads of one must not spin on the cores that the other needs (VGG-16: 1.15 forward
 * passes with spinning, 1.08 without).
 */
const quiet: SessionOptions = { extra: { session: { intra_op: { allow_spinning: "0" } } } };

/** ONNX Runtime moves a DequantizeLinear behind a Reshape that reads it, which has no kernel for the eight bits that it reads then. */
const unmoved: SessionOptions = { extra: { session: { disable_quant_qdq: "1" } } };

export class Plan {
  readonly score: Score;
  #grids: Grids | undefined;
  readonly #cache = new Map<string, Promise<{ session: Session }>>();
  readonly #prefix: string;

  constructor(
    readonly ort: Runtime,
    readonly model: Model,
    readonly tensors: Observed,
    readonly reading: GraphReading,
    readonly options: SessionOptions = {},
    private readonly tokens?: TokenGrid,
  ) {
    this.score = reading.score;
    if ([...tensors.values()].some(({ type }) => isTiny(type))) this.options = overPreset(unmoved, options);
    this.#prefix = freshPrefix(model);
  }

  /** The grids that its layers may have; undefined without an image. */
  get grids(): Grids | undefined {
    const { explained } = this.reading;
    this.#grids ??= explained && gridsOf(this.model, this.tensors, observedAt(explained, this.model, this.tensors));
    return this.#grids;
  }

  /** How a layer is read; a tensor of none of the network's grids has its channels first. */
  layoutOf(layer: string): Layout {
    const tensor = typeOf(this.model, this.tensors, layer);
    const layout = (this.grids && layoutOf(layer, tensor, this.grids, this.tokens)) ?? channelsFirst(tensor.dims);
    return countedFromZero(this.model, layer, tensor, layout);
  }

  async release(): Promise<void> {
    const made = await Promise.allSettled(this.#cache.values());
    this.#cache.clear();
    for (const result of made) if (result.status === "fulfilled") await result.value.session.release();
  }

  /** The model, with a layer and what its adjoint reads as further outputs. */
  forward(layer: string): Promise<ForwardSession> {
    const { type } = typeOf(this.model, this.tensors, layer);
    if (!hasArray(type))
      throw new UserError(
        "invalid-option",
        `invalid layer: "${layer}" is ${typeName(type)}, of which JavaScript has no array`,
      );
    return this.#once(`forward ${layer}`, async () => {
      const residuals = this.#residuals(layer);
      if (residuals?.length !== 0 || !this.hasClasses || this.scoreDims[0] >= 0) {
        const session = await this.#open(this.#outputs([this.score.name, layer, ...(residuals ?? [])]), quiet);
        return { session, residuals: residuals ?? [] };
      }
      const own = this.#layerGraph(layer, "classes", gradCamMap, "in the model");
      const { extension, seeds, output } = own;
      const outputs = [...this.#outputs([this.score.name, layer]).outputs, ...extension.outputs];
      const session = await this.#open({ ...extension, outputs });
      return { session, residuals, answers: { map: gradCamMap, classes: seeds[0], output } };
    });
  }

  /** Any session that returns the scores: a forward session if there is one, or the model with the scores as an output. */
  async scores(): Promise<ForwardSession> {
    const forward = [...this.#cache].find(([key]) => key.startsWith("forward"))?.[1];
    const make = async () => ({ session: await this.#open(this.#outputs([this.score.name])), residuals: [] });
    return ((await forward) as ForwardSession | undefined) ?? this.#once("forward", make);
  }

  /** The adjoint from the score to a map at a layer. */
  adjoint(layer: string, seeding: Seeding, map: LayerMap): Promise<Adjoint> {
    return this.#once(`adjoint ${layer} ${seeding} ${keyOf(map)}`, async () => {
      const { extension, ...names } = this.#layerGraph(layer, seeding, (parts) => builtMap(map, parts));
      const { residuals } = readsOf(this.model, extension);
      const bytes = extract(this.model, this.tensors, extension);
      const options = overPreset(quiet, this.options);
      return { session: await openSession(this.ort, bytes, options, this.model), residuals, ...names };
    });
  }

  /** The model and the gradient at one of its inputs. */
  fused(input: string, seeding: readonly string[], rules: Rules): Promise<Fused> {
    return this.#once(`fused ${input} ${seeding} ${rules}`, async () => {
      const build = new Builder(this.model.opset, this.#prefix);
      const { inputs, values } = this.#seeds(build, seeding);
      const overrides = overridesOf(rules, this.options);
      const gradients = differentiate(this.model, this.tensors, { build, seeds: values, wrt: [input], overrides });
      const output = gradients.get(input) as Value;
      const extension = this.#extension(build, inputs, output);
      const outputs = [...this.#outputs([this.score.name]).outputs, ...extension.outputs];
      const session = await this.#open({ ...extension, outputs });
      return { session, seeds: inputs.map(({ name }) => name), output: output.name };
    });
  }

  #once<T extends { session: Session }>(key: string, make: () => Promise<T>): Promise<T> {
    const known = this.#cache.get(key) as Promise<T> | undefined;
    if (known) return known;
    const made = make().catch(async (error) => {
      const { blame } = await import("../onnx/failure.ts");
      const shapes = this.model.inputs.map(({ name }) => [name, this.tensors.get(name)?.dims ?? []] as const);
      return blame(this, error, Object.fromEntries(shapes));
    });
    this.#cache.set(key, made);
    made.catch(() => this.#cache.delete(key));
    return made;
  }

  #open(extension: Extension, preset: SessionOptions = {}): Promise<Session> {
    return openExtended(this.ort, this.model.bytes, extension, overPreset(preset, this.options));
  }

  /** Whether a class is one number of each image's scores, of a known count, with the classes behind the images. */
  get hasClasses(): boolean {
    const { axes, name } = this.score;
    const [, classes, ...places] = this.tensors.get(name)?.dims ?? [];
    return axes.batch === 0 && axes.channels === 1 && classes > 0 && places.every((d) => d === 1);
  }

  /** The shape of the scores as [n, classes, ...grid]; -1 where only the run knows. */
  get scoreDims(): readonly number[] {
    return plainDims(this.tensors.get(this.score.name)?.dims ?? [], this.score.axes);
  }

  /** What the adjoint behind a layer reads; undefined where it has no rule. Asking for it says so; the model runs all the same. */
  #residuals(layer: string): readonly string[] | undefined {
    try {
      return readsOf(this.model, this.#layerGraph(layer, [this.score.name], ({ da }) => da).extension).residuals;
    } catch (error) {
      if (error instanceof UserError && error.code === "unsupported-operator") return undefined;
      throw error;
    }
  }

  /**
   * The adjoint with a map at its end. As a model of its own it reads the activations from an input, apart from what the adjoint reads
   * of the forward pass; in the model it reads the layer itself.
   */
  #layerGraph(layer: string, seeding: Seeding, map: LayerMap, place: Place = "alone") {
    const build = new Builder(this.model.opset, this.#prefix);
    const { inputs, values } = this.#seeds(build, seeding, place);
    const sweep = { build, seeds: values, wrt: [layer], overrides: overridesOf("plain", this.options) };
    const da = differentiate(this.model, this.tensors, sweep).get(layer) as Value;
    const { dims, type } = typeOf(this.model, this.tensors, layer);
    const activations = place === "alone" ? build.input(type, dims) : { name: layer, type, dims };
    const mapped = map(layerParts(build, activations, da, this.layoutOf(layer)));
    // A map that is an input already (a gradient equal to its seed) passes through a node, as outputs must.
    const output = inputs.some(({ name }) => name === mapped.name) ? build.op("Identity", [mapped]) : mapped;
    const reads = place === "alone" && build.collect([output]).needed.has(activations.name);
    return {
      extension: this.#extension(build, reads ? [activations, ...inputs] : inputs, output),
      activations: reads ? activations.name : undefined,
      seeds: inputs.map(({ name }) => name),
      output: output.name,
    };
  }

  #seeds(build: Builder, seeding: Seeding, place: Place = "alone"): Seeds {
    if (seeding === "classes") {
      const scores = this.tensors.get(this.score.name)?.dims ?? [];
      const classes = build.input(DataType.INT64, place === "alone" ? [-1] : [-1, -1]);
      const chosen = place === "alone" ? classes : this.#chosen(build, classes);
      const rows = build.oneHot(chosen, build.ints(scores[1] ?? -1), DataType.FLOAT, [-1, scores[1] ?? -1]);
      const seed = scores.length === 2 ? rows : build.reshape(rows, [-1, ...scores.slice(1)]);
      return { inputs: [classes], values: new Map([[this.score.name, { ...seed, dims: scores }]]) };
    }
    const inputs = seeding.map((name) => {
      const tensor = typeOf(this.model, this.tensors, name);
      return build.input(gradientType(tensor.type), tensor.dims);
    });
    return { inputs, values: new Map(seeding.map((name, i) => [name, inputs[i]])) };
  }

  /** Classes [n, k] as a list, image-major, with each image's best for negative ones. */
  #chosen(build: Builder, classes: Value): Value {
    const { dims, type } = typeOf(this.model, this.tensors, this.score.name);
    const given = { name: this.score.name, type, dims };
    const scores = dims.length === 2 ? given : build.reshape(given, [-1, dims[1]]);
    const chosen = build.where(build.less(classes, 0), build.argMax(scores, 1), classes);
    return { ...build.reshape(chosen, build.ints([-1])), dims: [-1] };
  }

  #extension(build: Builder, inputs: readonly Value[], output: Value): Extension {
    return {
      ...build.collect([output]),
      inputs: inputs.map(({ name, type, dims }) =>
        makeValueInfo(
          name,
          type,
          dims?.map((d, i) => (d < 0 ? `${name}:${i}` : d)),
        ),
      ),
      outputs: [makeValueInfo(output.name)],
    };
  }

  /** Tensors of the model as further outputs. */
  #outputs(names: readonly string[]): Extension {
    const { outputs, producer } = this.model;
    const more = [...new Set(names)].filter((name) => !outputs.includes(name) && producer.has(name));
    const added = [...more, ...needAlias(outputs)].map((name) => makeValueInfo(name));
    return { nodes: [], initializers: [], inputs: [], outputs: added };
  }
}
