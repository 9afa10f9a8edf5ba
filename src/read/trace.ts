/**
 * @file Where an element of a tensor was computed: back through all that only moves values, be it by what a run has chosen (TopK, the
 * rows that non-maximum suppression left), and through the function that made a probability of it, to the logit.
 */
import { InternalError, present } from "../errors.ts";
import { product } from "../onnx/dims.ts";
import { Attributes, constantValues, inputsOf, type Model } from "../onnx/model.ts";
import type { Observed } from "../onnx/observe.ts";
import type { NodeProto } from "../onnx/proto.ts";
import { operatorOf } from "../ops/index.ts";
import { type Element, ofOne, type RunValues, type Source } from "./element.ts";
import { type Back, factor, first, movers, same, squashing } from "./movers.ts";
import { all, type Region, regionsBehind } from "./regions.ts";

/** Before any run. */
const nothing: RunValues = { dims: () => undefined, values: () => undefined };

/** A trace through one model. */
export class Trace {
  constructor(
    private readonly model: Model,
    private readonly tensors: Observed,
  ) {}

  /** The tensors that an element may have been computed as, as far as that can be told before a run has chosen. */
  roots(element: Element): string[] {
    const roots = new Set<string>();
    this.#backwards(element, (region, node) => {
      if (!node) roots.add(region.tensor);
      return [];
    });
    return [...roots];
  }

  /** Of the tensors that elements of one may have been computed as, those of which probabilities were made on the way. */
  logits(name: string): Set<string> {
    const found = new Set<string>();
    this.#walk(name, (_, node) => {
      if (!node || !squashing.has(node.opType)) return;
      this.#walk(first(node), (tensor, moved) => {
        if (!moved) found.add(tensor);
      });
    });
    return found;
  }

  /** All tensors that an element depends on: of what was only moved together with it, nothing. */
  behind(element: Element): Set<string> {
    const found = new Set<string>();
    this.#backwards(element, ({ tensor }, node) => {
      found.add(tensor);
      const maker = node ? undefined : this.model.producer.get(tensor);
      const read =
        maker && operatorOf(maker)?.vjp !== "zero"
          ? inputsOf(maker).filter((name) => name && !this.model.constants.has(name))
          : [];
      return read.map((name) => ({ tensor: name, ranges: (this.tensors.get(name)?.dims ?? []).map(all) }));
    });
    return found;
  }

  /** Visits the regions that an element may come from, each with the node that moved it; what a visit returns is visited too. */
  #backwards(
    { tensor, index }: Element,
    visit: (region: Region, node: NodeProto | undefined) => readonly Region[],
  ): void {
    const seen = new Set<string>();
    const open: Region[] = [{ tensor, ranges: index.map((i) => [i, i + 1]) }];
    for (let region = open.pop(); region; region = open.pop()) {
      const key = JSON.stringify([region.tensor, region.ranges]);
      if (seen.has(key) || seen.has(region.tensor)) continue;
      seen.add(key);
      const dims = this.tensors.get(region.tensor)?.dims ?? [];
      if (region.ranges.every(([from, to], i) => from === 0 && to >= (dims[i] ?? 0))) seen.add(region.tensor);
      const node = this.model.producer.get(region.tensor);
      const isMoved = node && this.#mover(node) && !(node.opType === "TopK" && node.output[0] !== region.tensor);
      const more = visit(region, isMoved ? node : undefined);
      if (isMoved) open.push(...regionsBehind(this.model, this.tensors, node, region, this.#movedBy(node)));
      open.push(...more);
    }
  }

  /** Where an element was computed, before any run; undefined where only a run can tell. */
  rootOf(element: Element): string | undefined {
    return this.needs(element.tensor).length ? undefined : this.source(element).tensor;
  }

  /** What a run must hand over for the elements of a tensor to be traced: what chooses, and what has a shape that only the run knows. */
  needs(name: string): string[] {
    const needed = new Set<string>();
    const known = (tensor: string) => ofOne(this.tensors.get(tensor)) !== undefined;
    const wants = (tensor: string | undefined) => {
      if (tensor && !this.model.constants.has(tensor)) needed.add(tensor);
    };
    this.#walk(name, (tensor, node) => {
      if (!known(tensor)) wants(tensor);
      const mover = node && movers[node.opType];
      if (!node || !mover) return;
      for (const i of mover.chosenBy ?? []) wants(node.input[i]);
      if (mover.ownIndices) wants(node.output[1]);
    });
    return [...needed];
  }

  /** Where an element was computed. */
  source(element: Element, run: RunValues = nothing): Source {
    const through: string[] = [];
    let here = element;
    for (;;) {
      const next = this.#back(here, run);
      if (!next) return { ...here, through };
      const { opType } = present(this.model.producer.get(here.tensor), "a node");
      if (squashing.has(opType)) through.push(opType);
      here = next;
    }
  }

  /** The node that only moved the values of a tensor, and the inputs that they were; undefined for what was computed. */
  movedFrom(tensor: string): { readonly node: NodeProto; readonly from: readonly string[] } | undefined {
    const node = this.model.producer.get(tensor);
    if (!node || !this.#mover(node) || (node.opType === "TopK" && node.output[0] !== tensor)) return undefined;
    return { node, from: this.#movedBy(node) };
  }

  /** Whether a node of some type made a tensor. */
  isMadeBy(tensor: string, opTypes: readonly string[]): boolean {
    return opTypes.includes(this.model.producer.get(tensor)?.opType ?? "");
  }

  #back({ tensor, index }: Element, run: RunValues): Element | undefined {
    const node = this.model.producer.get(tensor);
    if (!node) return undefined;
    const dims = (name: string) => {
      const known = run.dims(name) ?? ofOne(this.tensors.get(name));
      if (!known) throw new InternalError(`the shape of "${name}" is not known`);
      return known;
    };
    const values = (name: string | undefined): ArrayLike<number | bigint> => {
      if (!name) return [];
      const known = constantValues(this.model, name) ?? run.values(name) ?? this.tensors.get(name)?.values;
      if (!known) throw new InternalError(`the numbers of "${name}" are not known`);
      return known;
    };
    const back = this.#mover(node);
    const which = node.output.indexOf(tensor);
    return back?.({ node, a: new Attributes(node), index, output: tensor, which, dims, values });
  }

  #mover(node: NodeProto): Back | undefined {
    if (squashing.has(node.opType)) return same;
    if (Object.hasOwn(movers, node.opType)) return movers[node.opType]?.back;
    const probabilities = node.input.every((name) => this.#isProbability(name));
    return node.opType === "Mul" && node.input.length === 2 && probabilities ? factor : undefined;
  }

  #isProbability(name: string): boolean {
    const node = this.model.producer.get(name);
    if (!node) return false;
    if (squashing.has(node.opType)) return true;
    return Object.hasOwn(movers, node.opType) && this.#isProbability(first(node));
  }

  /** Visits all tensors that elements of one may have passed, each with the node that moved it, or none where it was computed. */
  #walk(name: string, visit: (tensor: string, node: NodeProto | undefined) => void): void {
    const seen = new Set<string>();
    const open = [name];
    for (let tensor = open.pop(); tensor !== undefined; tensor = open.pop()) {
      if (seen.has(tensor)) continue;
      seen.add(tensor);
      const node = this.model.producer.get(tensor);
      const moved = node && this.#mover(node) && !(node.opType === "TopK" && node.output[0] !== tensor);
      visit(tensor, moved ? node : undefined);
      if (moved) open.push(...this.#movedBy(node));
    }
  }

  #movedBy(node: NodeProto): string[] {
    if (node.opType === "Concat") return node.input;
    if (node.opType === "ScatterND") return node.input.slice(2);
    if (node.opType !== "Mul") return [first(node)];
    const sizes = node.input.map((name) => product((this.tensors.get(name)?.dims ?? []).map((d) => Math.max(1, d))));
    const most = Math.max(...sizes);
    return node.input.filter((_, i) => sizes[i] === most);
  }
}
