/**
 * @file The nodes and constants of a graph being written. Equal nodes are made once (so a rule may be written naively, input by
 * input), and what is not read in the end is left out.
 */
import { InternalError } from "../errors.ts";
import { inputsOf } from "./model.ts";
import {
  type AttributeValue,
  changed,
  DataType,
  type GraphProto,
  int64,
  makeNode,
  makeTensor,
  type NodeProto,
  type TensorProto,
  tensorValues,
} from "./proto.ts";

/** A tensor of the graph. `dims` where known; -1 stands for a dimension that only the run knows. */
export interface Value {
  readonly name: string;
  readonly type: DataType;
  readonly dims?: readonly number[];
}

/** What an operator of the builder takes: a tensor, or a number that becomes a scalar of its neighbour's type. */
export type Arg = Value | number;

/** Attributes by name. */
export type AttributeValues = Record<string, AttributeValue>;

/** A node that was made here, what it reads (a hole where an optional input is absent) and what it makes. */
export interface Made {
  readonly node: NodeProto;
  readonly inputs: readonly (Value | undefined)[];
  readonly outputs: readonly Value[];
}

/** Writes nodes one by one; the builder knows their forms. */
export class Emitter {
  /** The operator set whose forms are written. */
  readonly opset: number;
  readonly #prefix: string;
  readonly #made = new Map<string, Made>(); // by output name
  readonly #adopted: NodeProto[] = [];
  readonly #same = new Map<string, Value[]>(); // by operator, inputs and attributes
  readonly #initializers = new Map<string, TensorProto>();
  readonly #constants = new Map<string, Value>();
  #count = 0;

  /** `prefix` starts every name made here; it must start no name of the model. */
  constructor(opset: number, prefix = "grad/") {
    if (opset < 9) throw new InternalError(`the builder writes operator set 9 and newer, not ${opset}`);
    this.opset = opset;
    this.#prefix = prefix;
  }

  /** The nodes and constants that `outputs` need, in the order they were made, and the names of all tensors among them. */
  collect(outputs: Iterable<Value>): {
    nodes: NodeProto[];
    initializers: TensorProto[];
    needed: ReadonlySet<string>;
  } {
    const needed = new Set([...outputs].map(({ name }) => name));
    const isNeeded = ({ output }: NodeProto) => output.some((name) => needed.has(name));
    const all = [...this.#adopted, ...new Set([...this.#made.values()].map(({ node }) => node))];
    // Nodes come after those they read.
    for (const node of all.toReversed()) if (isNeeded(node)) for (const input of inputsOf(node)) needed.add(input);
    const initializers = [...this.#initializers].filter(([name]) => needed.has(name)).map(([, tensor]) => tensor);
    return { nodes: all.filter(isNeeded), initializers, needed };
  }

  /** Nodes and constants of another graph, to be written here too as far as they are needed, in front of all that there is. */
  adopt(nodes: readonly NodeProto[], initializers: readonly TensorProto[] = []): void {
    this.#adopted.unshift(...nodes);
    for (const tensor of initializers) this.#initializers.set(tensor.name, tensor);
  }

  /** A tensor that the caller of the graph will feed. */
  input(type: DataType, dims: readonly number[]): Value {
    return { name: this.fresh(), type, dims };
  }

  /** The nodes made so far, each after those it reads. */
  get made(): Iterable<Made> {
    return new Set(this.#made.values());
  }

  /** The numbers of a constant that was made here. */
  numbersOf({ name }: Value): number[] | undefined {
    const tensor = this.#initializers.get(name);
    return tensor && tensorValues(tensor);
  }

  // ----- Constants -----

  /** A constant of whole numbers (int64): a list, or a scalar. */
  ints(values: readonly number[] | number): Value {
    const list = typeof values === "number" ? [values] : values;
    const dims = typeof values === "number" ? [] : [list.length];
    return this.#constant(DataType.INT64, dims, BigInt64Array.from(list, int64));
  }

  /** A constant of float32 (or float64) numbers. */
  floats(values: readonly number[] | number, dims?: readonly number[], type = DataType.FLOAT): Value {
    const list = typeof values === "number" ? [values] : values;
    const shape = dims ?? (typeof values === "number" ? [] : [list.length]);
    return this.#constant(type, shape, type === DataType.DOUBLE ? Float64Array.from(list) : Float32Array.from(list));
  }

  #constant(type: DataType, dims: readonly number[], data: BigInt64Array | Float32Array | Float64Array): Value {
    const key = `${type}[${dims}]${Array.from<number | bigint, string>(data, exactly)}`;
    const known = this.#constants.get(key);
    if (known) return known;
    const value = { name: this.fresh(), type, dims };
    this.#initializers.set(value.name, makeTensor(value.name, type, dims, data));
    this.#constants.set(key, value);
    return value;
  }

  /** A name that nothing has. */
  fresh(): string {
    return `${this.#prefix}${(this.#count++).toString(36)}`;
  }

  // ----- Nodes -----

  /** Any node: one output, of the given type and dims. */
  op(
    opType: string,
    inputs: readonly (Value | undefined)[],
    attributes?: AttributeValues,
    type?: DataType,
    dims?: readonly number[],
  ): Value {
    return this.ops(opType, inputs, attributes, [{ type: type ?? inputs[0]?.type ?? DataType.FLOAT, dims }])[0];
  }

  /** Any node with several outputs. */
  ops(
    opType: string,
    inputs: readonly (Value | undefined)[],
    attributes: AttributeValues | undefined,
    outputs: readonly { type: DataType; dims?: readonly number[] }[],
  ): Value[] {
    return this.emit(
      inputs,
      outputs,
      JSON.stringify([opType, inputs.map((v) => v?.name), attributes, outputs.length], distinct),
      (names) =>
        makeNode(
          opType,
          inputs.map((v) => v?.name ?? ""),
          names,
          attributes,
        ),
    );
  }

  /** A copy of a node of the model (same operator and attributes) on other inputs: how a rule runs the forward operator again. */
  again(node: NodeProto, inputs: readonly (Value | undefined)[], type: DataType, dims?: readonly number[]): Value {
    return this.againAll(node, inputs, [{ type, dims }])[0];
  }

  /** The copy of a node with as many of its outputs as are given. */
  againAll(
    node: NodeProto,
    inputs: readonly (Value | undefined)[],
    outputs: readonly { type: DataType; dims?: readonly number[] }[],
  ): Value[] {
    const first = node.output.find((name) => name !== "");
    const key = JSON.stringify([first, inputs.map((v) => v?.name), outputs.length, "again"]);
    const make = (output: string[]): NodeProto =>
      changed(node, { name: "", input: inputs.map((v) => v?.name ?? ""), output });
    return this.emit(inputs, outputs, key, make);
  }

  /** Any node, made once for each key. */
  emit(
    inputs: readonly (Value | undefined)[],
    outputs: readonly { type: DataType; dims?: readonly number[] }[],
    key: string,
    make: (names: string[]) => NodeProto,
  ): Value[] {
    const known = this.#same.get(key);
    if (known) return known;
    const values = outputs.map(({ type, dims }) => ({ name: this.fresh(), type, dims }));
    const made = { node: make(values.map(({ name }) => name)), inputs, outputs: values };
    for (const { name } of values) this.#made.set(name, made);
    this.#same.set(key, values);
    return values;
  }

  /** What made a tensor here; undefined for one of the model, and for a constant. */
  madeBy({ name }: Value): Made | undefined {
    return this.#made.get(name);
  }

  protected from(value: Value, opType: string): Made | undefined {
    const made = this.madeBy(value);
    return made?.node.opType === opType ? made : undefined;
  }
}

/** Graphs inside nodes have fresh names, and are none of them equal; of numbers JSON knows no infinite ones, no NaN and no -0. */
function distinct(_: string, value: unknown): unknown {
  if (typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0))) return exactly(value);
  return typeof value === "object" && value !== null && "graph" in value ? (value.graph as GraphProto).name : value;
}

const exactly = (value: number | bigint): string => (Object.is(value, -0) ? "-0" : String(value));
