/**
 * @file How one model at one input size is asked: which graphs are built, and which sessions run them.
 *
 * For a map at a layer the forward pass and the adjoint are sessions of their own: the forward session is the model with the layer
 * (and whatever the adjoint reads) as further outputs, the adjoint session holds only what lies behind the layer, backwards. So the
 * forward pass runs once and any number of classes are asked. Where the adjoint reads nothing of the forward pass it is small, and
 * the forward session carries it too: the first question is answered in the same run. Gradients at the pixels need the whole
 * network both ways: there the model and its adjoint are one session. Sessions are lent by their owner (sessions.ts).
 */

import { type Adjoint, type Again, compileAdjoint, type End, fetching, type Written } from "../autodiff/adjoint.ts";
import { joined, type Overrides } from "../autodiff/differentiate.ts";
import { proposals } from "../autodiff/overrides/proposals.ts";
import { loadedRules, overridesOf, type RuleChoice, type Rules } from "../autodiff/rules.ts";
import { present, UserError } from "../errors.ts";
import { gradCamMap } from "../methods/grad-cam.ts";
import type { AttentionMap, LayerMap, SweepMap } from "../methods/method.ts";
import { type Extension, openExtended } from "../onnx/append.ts";
import type { Model } from "../onnx/model.ts";
import { type Observed, typeOf } from "../onnx/observe.ts";
import { overPreset, type Runtime, type Session, type SessionOptions } from "../onnx/runtime.ts";
import { hasArray, isTiny, typeName } from "../onnx/types.ts";
import { loadOperators } from "../ops/index.ts";
import { type PlainDims, plainDims } from "../read/axes.ts";
import type { GraphReading } from "../read/graph.ts";
import { observedAt } from "../read/inputs.ts";
import {
  channelsFirst,
  countedFromZero,
  type Grids,
  gridsOf,
  type Layout,
  layerEnd,
  layoutOf,
  sweepEnd,
  type TokenGrid,
} from "../read/layout.ts";
import type { Score } from "../read/score.ts";
import { type AdjointSession, hasNoRule, openAlone, openTogether } from "./adjoint-session.ts";
import { classesOfRun, classSeeds, reseeded, type Seeding, tensorSeeds } from "./seeds.ts";
import { type Owned, quiet, type Sessions } from "./sessions.ts";
import { rowBytes, runBytes } from "./sizes.ts";
import type { Tail } from "./tail.ts";
import { type Sight, sightOf, windowOf } from "./window.ts";

/** The model, with a layer and more as further outputs. */
export interface ForwardSession {
  readonly session: Session;
  /** Where it explains in the same run: the map that it computes, the input that takes its classes, [n, k] (negative: the best), and the output. */
  readonly answers?: { readonly map: LayerMap; readonly classes: string; readonly output: string };
}

export interface PlanQuery {
  readonly seeding: Seeding;
  /** Whether its rows are questions about one picture, rather than pictures. */
  readonly rows: boolean;
  /** What becomes of the weights on the scores. */
  readonly seed?: LayerMap["seed"];
  /** Whether several questions are asked of one forward pass. */
  readonly often?: boolean;
}

const keyOf = ({ seeding, rows, seed, often = false }: PlanQuery): unknown[] => [
  typeof seeding === "function" ? seeding : String(seeding),
  rows,
  seed,
  often,
];

/** ONNX Runtime moves a DequantizeLinear behind a Reshape that reads it, which has no kernel for the eight bits that it reads then. */
const unmoved: SessionOptions = { extra: { session: { disable_quant_qdq: "1" } } };

export class Plan {
  readonly score: Score;
  #grids: Grids | undefined;
  readonly #residuals = new Map<string, readonly string[] | undefined>();
  readonly #sights = new Map<string, Sight | undefined>();

  constructor(
    readonly ort: Runtime,
    readonly model: Model,
    readonly tensors: Observed,
    readonly reading: Pick<GraphReading, "explained" | "score">,
    readonly sessions: Sessions,
    readonly options: SessionOptions = {},
    private readonly tokens?: TokenGrid,
    /** What is asked unless it is told; what every adjoint reads of the forward pass follows from it. */
    readonly usual: PlanQuery = { seeding: [reading.score.name], rows: false },
  ) {
    this.score = reading.score;
    if ([...tensors.values()].some(({ type }) => isTiny(type))) this.options = overPreset(unmoved, options);
  }

  at(tensors: Observed): Plan {
    return new Plan(this.ort, this.model, tensors, this.reading, this.sessions, this.options, this.tokens);
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
    const layout = this.gridLayoutOf(layer) ?? channelsFirst(tensor.dims);
    return countedFromZero(this.model, layer, tensor, layout);
  }

  /** How a tensor is read that has a grid of the picture; undefined for others. */
  gridLayoutOf(name: string): Layout | undefined {
    const tensor = this.tensors.get(name);
    return tensor && this.grids && layoutOf(name, tensor, this.grids, this.tokens);
  }

  /** The model, with a layer and what its adjoint reads as further outputs. */
  forward<R>(layer: string, work: (forward: ForwardSession) => Promise<R>): Promise<R> {
    const { type } = typeOf(this.model, this.tensors, layer);
    if (!hasArray(type))
      throw new UserError(
        "invalid-option",
        `invalid layer: "${layer}" is ${typeName(type)}, of which JavaScript has no array`,
      );
    const open = async (): Promise<ForwardSession> => {
      const fetched = [this.score.name, layer, ...this.residuals(layer)];
      if (!this.isIndependent(layer) || !this.hasClasses || !this.isFree)
        return { session: await this.#extended(fetching(this.model, fetched), quiet) };
      const { extension, seeds, outputs } = this.#compiled(
        { seeding: classesOfRun(this, this.score.name), rows: false },
        [layerEnd(layer, this.layoutOf(layer), gradCamMap)],
      );
      const session = await this.#extended(fetching(this.model, fetched, extension));
      const [classes, output] = [present(seeds[0], "the classes' input"), present(outputs[0], "the map")];
      return { session, answers: { map: gradCamMap, classes, output } };
    };
    return this.#use(["forward", layer], this.model.bytes.length + runBytes(this.tensors), open, work);
  }

  /** Any session that returns the scores: the forward session of a layer if it is open, or the model with the scores as an output. */
  scores<R>(layer: string | undefined, work: (forward: ForwardSession) => Promise<R>): Promise<R> {
    if (layer !== undefined && this.sessions.has([this, "forward", layer])) return this.forward(layer, work);
    const open = async () => ({ session: await this.#extended(fetching(this.model, [this.score.name])) });
    return this.#use(["forward"], this.model.bytes.length + runBytes(this.tensors), open, work);
  }

  /** The model, with some of its tensors as outputs. */
  fetched<R>(names: readonly string[], work: (forward: ForwardSession) => Promise<R>): Promise<R> {
    const open = async () => ({ session: await this.#extended(fetching(this.model, names), quiet) });
    const key = ["fetched", ...[...names].sort()];
    return this.#use(key, this.model.bytes.length + runBytes(this.tensors), open, work);
  }

  /** What lies behind a layer, forwards: see tail.ts. */
  behind<R>(layer: string, wanted: readonly string[], work: (tail: Tail) => Promise<R>): Promise<R> {
    const open = async () => (await import("./tail.ts")).openTail(this, layer, wanted, this.options);
    return this.#use(["behind", layer, ...wanted], this.model.bytes.length, open, work);
  }

  /** What the cells of a tensor see of a layer; undefined where that is no window. */
  sight(tensor: string, layer: string): Sight | undefined {
    const key = JSON.stringify([tensor, layer]);
    if (!this.#sights.has(key)) this.#sights.set(key, sightOf(this, tensor, layer));
    return this.#sights.get(key);
  }

  /** The adjoint from one cell of a tensor to a map at a layer, on the window that the cell sees. */
  inWindow<R>(
    sight: Sight,
    tensor: string,
    layer: string,
    map: LayerMap,
    work: (adjoint: AdjointSession) => Promise<R>,
  ): Promise<R> {
    const { ort, model, options } = this;
    const open = async () => {
      const { adjoint, tensors } = windowOf(this, sight, tensor, layer, map);
      return openAlone(ort, { model, tensors }, adjoint, options);
    };
    return this.#use(["window", tensor, layer, map], this.model.bytes.length, open, work);
  }

  /** The adjoint from what is seeded to a map at a layer, apart from the model: what it reads of the forward pass is fed. */
  atLayer<R>(
    layer: string,
    map: LayerMap,
    query: PlanQuery,
    work: (adjoint: AdjointSession) => Promise<R>,
  ): Promise<R> {
    const open = async () => {
      const ends = [layerEnd(layer, this.layoutOf(layer), map)];
      const again = map.secondOrder && (await this.#again());
      return openAlone(this.ort, this, this.#compiled(query, ends, "plain", again), this.options);
    };
    const bytes = this.model.bytes.length + this.rowBytes(layer);
    return this.#use(["adjoint", layer, map, ...keyOf(query)], bytes, open, work);
  }

  /** The model, and the gradient at one of its inputs. */
  async atInput<R>(
    input: string,
    rules: RuleChoice | SweepMap,
    query: PlanQuery,
    work: (adjoint: AdjointSession) => Promise<R>,
  ): Promise<R> {
    const table = typeof rules === "function" ? rules : await loadedRules(rules);
    const open = async () => {
      const adjoint =
        typeof table === "function"
          ? this.#compiledSweep(input, table, query)
          : this.#compiled(query, [{ tensor: input }], table);
      return openTogether(this.ort, this.model, adjoint, this.options, [this.score.name]);
    };
    const bytes = this.model.bytes.length + 2 * runBytes(this.tensors);
    return this.#use(["pixels", input, table, ...keyOf(query)], bytes, open, work);
  }

  /** The model, and a map of its attentions. */
  atAttentions<R>(map: AttentionMap, query: PlanQuery, work: (adjoint: AdjointSession) => Promise<R>): Promise<R> {
    const open = async () => {
      const { attentionMap } = await import("./attentions.ts");
      const written = attentionMap(this, map, this.#overridesOf("plain"));
      return openTogether(this.ort, this.model, this.#compiled(query, written), this.options, [this.score.name]);
    };
    const bytes = this.model.bytes.length + 2 * runBytes(this.tensors);
    return this.#use(["attentions", map, ...keyOf(query)], bytes, open, work);
  }

  /** Whether a class is one number of each image's scores, of a known count, with the classes behind the images. */
  get hasClasses(): boolean {
    const { axes, name } = this.score;
    const [, classes = 0, ...places] = this.tensors.get(name)?.dims ?? [];
    return axes.batch === 0 && axes.channels === 1 && classes > 0 && places.every((d) => d === 1);
  }

  get isFree(): boolean {
    return this.scoreDims[0] < 0;
  }

  /** The shape of the scores as [n, classes, ...grid]; -1 where only the run knows. */
  get scoreDims(): PlainDims {
    return plainDims(this.tensors.get(this.score.name)?.dims ?? [], this.score.axes);
  }

  /** Whether the gradient at a layer is the same for all images: its adjoint then answers all of them in one run. */
  isIndependent(layer: string): boolean {
    return this.#readBehind(layer)?.length === 0;
  }

  /**
   * What the adjoint behind a layer reads. Where it has no rule, nothing: asking for it says so, and the model runs all the same.
   * @param seeded what it starts from; by default what is usual
   */
  residuals(layer: string, seeded?: readonly string[]): readonly string[] {
    return this.#readBehind(layer, seeded) ?? [];
  }

  /** What is kept of a run, so that maps at a layer can be made from it: what a window is made of again, or else all that the adjoint reads. */
  kept(layer: string, seeded: readonly string[]): readonly string[] {
    const [only, ...more] = seeded;
    const sight = only !== undefined && more.length === 0 ? this.sight(only, layer) : undefined;
    return sight?.reads ?? [layer, ...this.residuals(layer, seeded)];
  }

  rowBytes(tensor: string): number {
    return rowBytes(this, this.score.name, tensor);
  }

  #readBehind(layer: string, seeded?: readonly string[]): readonly string[] | undefined {
    const key = JSON.stringify([layer, ...(seeded ?? [])]);
    const query = seeded ? { seeding: seeded, rows: false } : this.usual;
    if (!this.#residuals.has(key))
      try {
        this.#residuals.set(key, this.#compiled(query, [{ tensor: layer }]).residuals);
      } catch (error) {
        if (!hasNoRule(error)) throw error;
        this.#residuals.set(key, undefined);
      }
    return this.#residuals.get(key);
  }

  #compiledSweep(input: string, sweepMap: SweepMap, query: PlanQuery): Adjoint {
    const { axes } = present(this.reading.explained, "the image");
    const { end, rules } = sweepEnd(sweepMap, input, axes, (name) => this.gridLayoutOf(name));
    return this.#compiled(query, [end], rules(this.#overridesOf("plain")));
  }

  /** What differentiates gradients; the operators of their graphs are those of any. */
  async #again(): Promise<Again> {
    const [{ differentiateAgain }] = await Promise.all([import("../autodiff/second-order.ts"), loadOperators()]);
    return differentiateAgain;
  }

  #overridesOf(rules: Rules | Overrides): Overrides {
    return joined(proposals, overridesOf(rules, this.options));
  }

  #compiled(
    { seeding, rows, seed, often }: PlanQuery,
    ends: readonly End[] | Written,
    rules: Rules | Overrides = "plain",
    again?: Again,
  ): Adjoint {
    const { model, tensors, score } = this;
    const named = (names: "classes" | readonly string[]) =>
      names === "classes" ? classSeeds(this, score.name) : tensorSeeds(this, names);
    const given = typeof seeding === "function" ? seeding : named(seeding);
    const seeds = seed ? reseeded(given, this, seed) : given;
    const overrides = this.#overridesOf(rules);
    return compileAdjoint({ model, tensors, seeds, ends, rows, often, overrides, again });
  }

  #use<T extends Owned, R>(
    key: readonly unknown[],
    bytes: number,
    open: () => Promise<T>,
    work: (owned: T) => Promise<R>,
  ): Promise<R> {
    const blamed = () =>
      open().catch(async (error) => {
        const { blame } = await import("../onnx/failure.ts");
        const shapes = this.model.inputs.map(({ name }) => [name, this.tensors.get(name)?.dims ?? []] as const);
        return blame(this, error, Object.fromEntries(shapes));
      });
    return this.sessions.use({ key: [this, ...key], bytes, open: blamed }, work);
  }

  #extended(extension: Extension, preset: SessionOptions = {}): Promise<Session> {
    return openExtended(this.ort, this.model.bytes, extension, overPreset(preset, this.options));
  }
}
