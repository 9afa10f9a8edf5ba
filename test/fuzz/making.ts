/** @file What a maker of nodes works with: the tensors that are there, constants, and the forms that an operator set asks for. */
import { range } from "../../src/onnx/dims.ts";
import { type Attributes, floats, ints, type Numbers } from "../models.ts";
import type { Draw } from "./draw.ts";
import type { Step } from "./graph.ts";

/** A float tensor of the graph, as ONNX Runtime computed it for some feeds. */
export interface Known {
  readonly name: string;
  readonly dims: readonly number[];
  readonly least: number;
  readonly most: number;
}

/** Thrown by a maker that has no use for the tensors that are there. */
export class Impossible extends Error {}

/** Adds to a graph a node, or a few. */
export type Maker = (making: Making) => void;

export class Making {
  readonly steps: Step[] = [];
  #constants: Record<string, Numbers> = {};

  constructor(
    readonly draw: Draw,
    readonly opset: number,
    /** Whether the first dimension is a free batch: its size may have no effect on the others. */
    readonly free: boolean,
    private readonly known: readonly Known[],
    private readonly fresh: () => string,
  ) {}

  /** A tensor that fits, a late one more likely. */
  tensor(fits: (tensor: Known) => boolean = () => true): Known {
    const fitting = this.known.filter(fits);
    if (fitting.length === 0) throw new Impossible();
    return this.draw.chance(0.5) ? fitting[fitting.length - 1] : this.draw.pick(fitting);
  }

  ofRank = (low: number, high = low, also: (tensor: Known) => boolean = () => true): Known =>
    this.tensor((t) => t.dims.length >= low && t.dims.length <= high && also(t));

  /** Ends this maker unless the operator set is new enough. */
  since(opset: number): void {
    if (this.opset < opset) throw new Impossible();
  }

  constant(numbers: Numbers): string {
    const name = this.fresh();
    this.#constants[name] = numbers;
    return name;
  }
  ints = (values: readonly number[] | number, dims?: readonly number[]): string => this.constant(ints(values, dims));
  floats = (values: readonly number[] | number, dims?: readonly number[]): string =>
    this.constant(floats(values, dims));
  /** Random weights. */
  weights = (dims: readonly number[], scale = 1): string => this.floats(this.draw.normal(dims, scale), dims);
  /** Random weights, all at least 0.3. */
  positive = (dims: readonly number[]): string =>
    this.floats(
      this.draw.normal(dims).map((v) => Math.abs(v) + 0.3),
      dims,
    );

  /** A node; its first output's name. */
  node(opType: string, inputs: readonly string[], attributes: Attributes = {}, form: Form = {}): string {
    return this.nodes(opType, inputs, attributes, form)[0];
  }

  nodes(
    opType: string,
    inputs: readonly string[],
    attributes: Attributes = {},
    { outputs = 1, domain, floats = {} }: Form = {},
  ): string[] {
    const names = range(outputs).map(() => this.fresh());
    const read = Object.entries(this.#constants).filter(([name]) => inputs.includes(name));
    const step = { opType, domain, inputs, outputs: names, attributes, floats, constants: Object.fromEntries(read) };
    this.steps.push(step);
    return names;
  }

  /** An axis of a tensor, sometimes counted from the end where the operator set allows it. */
  axis = (rank: number, from = 0): number => {
    if (rank <= from) throw new Impossible();
    const axis = this.draw.int(from, rank - 1);
    return this.opset >= 11 && this.draw.chance(0.3) ? axis - rank : axis;
  };

  /** Some axes, in order. */
  axes(rank: number, from = 0): number[] {
    const all = range(rank).slice(from);
    if (all.length === 0) throw new Impossible();
    return this.draw.sample(all, this.draw.int(1, all.length)).sort((a, b) => a - b);
  }

  /** A node whose list of axes (or the like) is an attribute before an operator set, and an input from it on. */
  listed(since: number, opType: string, x: string, key: string, values: readonly number[], also: Attributes = {}) {
    return this.opset < since
      ? this.node(opType, [x], { [key]: values, ...also })
      : this.node(opType, [x, this.ints(values)], also);
  }

  /** Dims that broadcast to the given ones: some axes 1, some leading ones left out. */
  narrower(dims: readonly number[]): number[] {
    const cut = dims.slice(this.draw.chance(0.4) ? this.draw.int(0, dims.length) : 0);
    return cut.map((d) => (this.draw.chance(0.3) ? 1 : d));
  }
}

interface Form {
  readonly outputs?: number;
  readonly domain?: string;
  readonly floats?: Readonly<Record<string, readonly number[]>>;
}

/** Whether two shapes broadcast. */
export const broadcasts = (a: readonly number[], b: readonly number[]): boolean =>
  range(Math.min(a.length, b.length)).every((i) => {
    const [p, q] = [a[a.length - 1 - i], b[b.length - 1 - i]];
    return p === q || p === 1 || q === 1;
  });
