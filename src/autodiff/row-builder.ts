/**
 * @file The adjoint of one forward pass for many cotangents at once: the rows of a batch are questions, not pictures.
 *
 * A cotangent with m rows against a forward pass of one picture is ordinary broadcasting, in every operator that treats its rows alone.
 * So the forward pass stays one picture, and only the backward pass has m rows. The builder knows which tensors have them, gives them to what
 * is joined with them, and says when an operator came in that cannot be trusted to keep rows apart.
 */
import { Builder, type Value } from "../onnx/build.ts";
import { isStatic, product } from "../onnx/dims.ts";
import type { AttributeValues } from "../onnx/emit.ts";
import type { DataType, NodeProto } from "../onnx/proto.ts";

/** Operators that broadcast, or treat the rows of their operand one by one. */
const apart = new Set(
  (
    "Add Sub Mul Div Pow Neg Abs Exp Log Sqrt Reciprocal Sign Relu Tanh Sigmoid Erf HardSigmoid Where Cast Identity Clip Softmax " +
    "Greater Less Not And Or MatMul Gemm Conv ConvTranspose ReduceSum ReduceMean Reshape Transpose Unsqueeze Squeeze Slice Pad " +
    "Expand Concat Split Gather OneHot Resize Upsample DepthToSpace SpaceToDepth Shape Scan"
  ).split(" "),
);

export class RowBuilder extends Builder {
  readonly #rowed = new Set<string>();
  /** First outputs of nodes that cannot be trusted. */
  readonly #mixing = new Set<string>();
  #seed: Value | undefined;
  /** Whether a node is being written that has been taken apart by rows. */
  #split = false;

  /** A tensor of the graph whose first dimension is the rows. */
  asRows(v: Value): Value {
    this.#rowed.add(v.name);
    this.#seed = v;
    return { ...v, dims: v.dims && [-1, ...v.dims.slice(1)] };
  }

  /** Whether one run answers any number of rows: every operator that the outputs need keeps them apart. */
  together(outputs: readonly Value[]): boolean {
    return this.collect(outputs).nodes.every(({ output }) => !this.#mixing.has(output[0]));
  }

  override emit(
    inputs: readonly (Value | undefined)[],
    outputs: readonly { type: DataType; dims?: readonly number[] }[],
    key: string,
    make: (names: string[]) => NodeProto,
  ): Value[] {
    const rowed = inputs.some((v) => v && this.#rowed.has(v.name));
    const made = super.emit(inputs, outputs, key, (names) => {
      const node = make(names);
      if (rowed && !apart.has(node.opType) && !this.#split) this.#mixing.add(node.output[0]);
      return node;
    });
    if (rowed) for (const { name } of made) this.#rowed.add(name);
    return made;
  }

  /** A scatter to flat places of one picture becomes one to the same places of every row. */
  override op(
    opType: string,
    inputs: readonly (Value | undefined)[],
    attributes?: AttributeValues,
    type?: DataType,
    dims?: readonly number[],
  ): Value {
    const [zeros, places, values] = inputs;
    const rowed = opType === "ScatterElements" && values && this.#rowed.has(values.name) ? values : undefined;
    const [first, ...rest] = (rowed && this.from(rowed, "Reshape")?.inputs[0]?.dims) ?? [];
    if (!rowed || !zeros || !places || !this.#seed || first !== -1 || !isStatic(rest) || zeros.dims?.length !== 1)
      return super.op(opType, inputs, attributes, type, dims);
    const rows = this.concat([this.dimOf(this.#seed, 0), this.ints([-1])], 0);
    const each = (v: Value) => this.#repeat({ ...this.unsqueeze(v, [0]), dims: [-1, -1] });
    const updates = { ...this.reshape(rowed, rows), dims: [-1, product(rest)] };
    this.#split = true;
    const scattered = super.op(
      opType,
      [each(zeros), each(places), updates],
      { ...attributes, axis: 1 },
      type,
      [-1, -1],
    );
    this.#split = false;
    return this.reshape(scattered, [-1]);
  }

  /** What is joined beside tensors with rows gets as many. */
  override concat(values: readonly Value[], axis: number): Value {
    const rowed = (v: Value) => this.#rowed.has(v.name);
    return super.concat(
      axis > 0 && values.some(rowed) ? values.map((v) => (rowed(v) ? v : this.#repeat(v))) : values,
      axis,
    );
  }

  /** The states of a loop have their rows from its first step on. */
  override ops(
    opType: string,
    inputs: readonly (Value | undefined)[],
    attributes: AttributeValues | undefined,
    outputs: readonly { type: DataType; dims?: readonly number[] }[],
  ): Value[] {
    if (opType !== "Scan" || !inputs.some((v) => v && this.#rowed.has(v.name)))
      return super.ops(opType, inputs, attributes, outputs);
    const states = inputs.length - Number(attributes?.num_scan_inputs);
    const rowed = inputs.map((v, i) => (v && i < states ? this.#repeat(v) : v));
    return super.ops(opType, rowed, attributes, outputs);
  }

  #repeat(v: Value): Value {
    if (!this.#seed || !v.dims || this.#rowed.has(v.name)) return v;
    const shape = this.concat([this.dimOf(this.#seed, 0), this.ints(v.dims.slice(1).map(() => 1))], 0);
    return this.op("Expand", [v, shape], undefined, v.type, [-1, ...v.dims.slice(1)]);
  }
}
