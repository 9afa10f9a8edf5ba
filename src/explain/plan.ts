/**
 * @file How one model at one input size is asked: which graphs are built, and which sessions run them.
 *
 * For a map at a layer the forward pass and the adjoint are sessions of their own: the forward session is the model with the layer
 * (and whatever the adjoint reads) as further outputs, the adjoint session holds only what lies behind the layer, backwards. So the
 * forward pass runs once and any number of classes are asked. Gradients at the pixels need the whole network both ways: there the
 * model and its adjoint are one session. Sessions are made when they are first needed.
 */
import { differentiate } from "../autodiff/differentiate.ts";
import { overridesOf, type Rules } from "../autodiff/rules.ts";
import { UserError } from "../errors.ts";
import type { LayerMap } from "../methods/method.ts";
import { append, type Extension } from "../onnx/append.ts";
import { Builder, type Value } from "../onnx/build.ts";
import { extract } from "../onnx/extract.ts";
import { freshPrefix, type Model } from "../onnx/model.ts";
import { type Observed, typeOf } from "../onnx/observe.ts";
import { DataType, makeValueInfo } from "../onnx/proto.ts";
import { openSession, type Runtime, type Session, type SessionOptions } from "../onnx/runtime.ts";
import { gradientType } from "../onnx/types.ts";

/** How the score is given: as class indices ("classes"), or as cotangents of these tensors. */
export type Seeding = "classes" | readonly string[];

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

interface Seeds {
  readonly inputs: readonly Value[];
  readonly values: ReadonlyMap<string, Value>;
}

/** The adjoint is used in turn with the forward pass: its threads do not spin on the cores that the other needs. */
const quiet: SessionOptions = { extra: { session: { intra_op: { allow_spinning: "0" } } } };

export class Plan {
  readonly #cache = new Map<string, Promise<{ session: Session }>>();
  readonly #prefix: string;

  constructor(
    readonly ort: Runtime,
    readonly model: Model,
    readonly tensors: Observed,
    readonly score: string,
    readonly options: SessionOptions = {},
  ) {
    this.#prefix = freshPrefix(model);
  }

  async release(): Promise<void> {
    const made = await Promise.allSettled(this.#cache.values());
    this.#cache.clear();
    for (const result of made) if (result.status === "fulfilled") await result.value.session.release();
  }

  /** The model, with a layer and what its adjoint reads as further outputs. */
  forward(layer: string): Promise<{ session: Session; residuals: readonly string[] }> {
    return this.#once(`forward ${layer}`, async () => {
      const residuals = this.#residuals(layer);
      const bytes = this.#withOutputs([this.score, layer, ...residuals]);
      return { session: await openSession(this.ort, bytes, this.options), residuals };
    });
  }

  /** What the adjoint behind a layer reads. Where it has no rule there is none, and asking for it says so; the model runs all the same. */
  #residuals(layer: string): readonly string[] {
    try {
      return this.#layerGraph(layer, [this.score], ({ da }) => da).residuals;
    } catch (error) {
      if (error instanceof UserError && error.code === "unsupported-operator") return [];
      throw error;
    }
  }

  /** Any session that returns the scores: the first forward session there is, or the model with the scores as an output. */
  async scores(): Promise<{ session: Session }> {
    const forward = [...this.#cache].find(([key]) => key.startsWith("forward "))?.[1];
    return (
      forward ??
      this.#once("forward", async () => ({
        session: await openSession(this.ort, this.#withOutputs([this.score]), this.options),
      }))
    );
  }

  /** The adjoint from the score to a map at a layer. */
  adjoint(layer: string, seeding: Seeding, map: LayerMap): Promise<Adjoint> {
    return this.#once(`adjoint ${layer} ${seeding} ${map}`, async () => {
      const { bytes, ...names } = this.#layerGraph(layer, seeding, map);
      return { session: await openSession(this.ort, bytes, { ...quiet, ...this.options }), ...names };
    });
  }

  /** The model and the gradient at one of its inputs. */
  fused(input: string, seeding: readonly string[], rules: Rules): Promise<Fused> {
    return this.#once(`fused ${input} ${seeding} ${rules}`, async () => {
      const build = new Builder(this.model.opset, this.#prefix);
      const { inputs, values } = this.#seeds(build, seeding);
      const gradients = differentiate(this.model, this.tensors, {
        build,
        seeds: values,
        wrt: [input],
        overrides: overridesOf(rules),
      });
      const output = gradients.get(input) as Value;
      const bytes = append(this.model.bytes, this.#extension(build, inputs, output));
      return {
        session: await openSession(this.ort, bytes, this.options),
        seeds: inputs.map(({ name }) => name),
        output: output.name,
      };
    });
  }

  #once<T extends { session: Session }>(key: string, make: () => Promise<T>): Promise<T> {
    const known = this.#cache.get(key) as Promise<T> | undefined;
    if (known) return known;
    const made = make();
    this.#cache.set(key, made);
    made.catch(() => this.#cache.delete(key));
    return made;
  }

  /** The adjoint as a model of its own. The map reads the activations from an input, apart from what the adjoint reads of the forward pass. */
  #layerGraph(layer: string, seeding: Seeding, map: LayerMap) {
    const build = new Builder(this.model.opset, this.#prefix);
    const { inputs, values } = this.#seeds(build, seeding);
    const da = differentiate(this.model, this.tensors, { build, seeds: values, wrt: [layer] }).get(layer) as Value;
    const dims = this.tensors.get(layer)?.dims ?? [];
    const type = this.tensors.get(layer)?.type ?? DataType.FLOAT;
    const activations = build.input(type, dims);
    const a = build.cast(activations, gradientType(type));
    const grid = dims.map((_, i) => i).slice(2);
    const mapped = map({ build, a, da, grid });
    // A map that is an input already (a gradient equal to its seed) passes through a node, as outputs must.
    const output = inputs.some(({ name }) => name === mapped.name) ? build.op("Identity", [mapped]) : mapped;
    const reads = build.collect([output]).nodes.some(({ input }) => input.includes(activations.name));
    const extension = this.#extension(build, reads ? [activations, ...inputs] : inputs, output);
    const { bytes, residuals } = extract(this.model, this.tensors, extension);
    return {
      bytes,
      residuals,
      activations: reads ? activations.name : undefined,
      seeds: inputs.map(({ name }) => name),
      output: output.name,
    };
  }

  #seeds(build: Builder, seeding: Seeding): Seeds {
    if (seeding === "classes") {
      const scores = this.tensors.get(this.score)?.dims ?? [];
      const classes = build.input(DataType.INT64, [-1]);
      const rows = build.oneHot(classes, build.ints(scores[1] ?? -1), DataType.FLOAT, [-1, scores[1] ?? -1]);
      const seed = scores.length === 2 ? rows : build.reshape(rows, [-1, ...scores.slice(1)]);
      return { inputs: [classes], values: new Map([[this.score, { ...seed, dims: scores }]]) };
    }
    const inputs = seeding.map((name) => {
      const tensor = typeOf(this.model, this.tensors, name);
      return build.input(gradientType(tensor.type), tensor.dims);
    });
    return { inputs, values: new Map(seeding.map((name, i) => [name, inputs[i]])) };
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

  #withOutputs(names: readonly string[]): Uint8Array {
    const added = [...new Set(names)].filter(
      (name) => !this.model.outputs.includes(name) && this.model.producer.has(name),
    );
    return append(this.model.bytes, {
      nodes: [],
      initializers: [],
      inputs: [],
      outputs: added.map((name) => makeValueInfo(name)),
    });
  }
}
