/**
 * @file The trace of scores, by operators of the graph itself: beside the tensors that a head moves its scores through runs a second set
 * of them, that holds whole numbers in place of scores: which element of which level each score was computed as. What chooses (a TopK, the
 * rows that suppression left) chooses among these numbers too. Where nothing chooses, ONNX Runtime folds all of it into one constant.
 */
import { UserError } from "../../errors.ts";
import type { Builder, Value } from "../../onnx/build.ts";
import { isStatic, product } from "../../onnx/dims.ts";
import { Attributes, constantValues, describe, type Model } from "../../onnx/model.ts";
import { type Observed, typeOf } from "../../onnx/observe.ts";
import { DataType, type NodeProto } from "../../onnx/proto.ts";
import { ofOne } from "../../read/element.ts";
import { squashes } from "../../read/movers.ts";
import { Trace } from "../../read/trace.ts";

/** A tensor that scores are computed as, of one picture, and the number of its first element. */
export interface Root {
  readonly tensor: string;
  readonly dims: readonly number[];
  readonly from: number;
}

/** The tensors of one picture, numbered one behind another. */
export function rootsOf(tensors: Observed, names: readonly string[]): Root[] {
  let from = 0;
  return names.map((tensor) => {
    const dims = ofOne(tensors.get(tensor)) ?? [-1];
    const root = { tensor, dims, from };
    from += product(dims);
    return root;
  });
}

/** The number of each score's source, int64 in the shape of the scores of one picture; -1 for what no root became. */
export function sourceNumbers(
  build: Builder,
  model: Model,
  tensors: Observed,
  scores: string,
  roots: readonly Root[],
): Value {
  const trace = new Trace(model, tensors);
  const known = new Map<string, Value | undefined>();
  const given = (name: string): Value => ({ name, ...typeOf(model, tensors, name) });
  const numbers = (name: string): Value | undefined => {
    if (!known.has(name)) known.set(name, made(name));
    return known.get(name);
  };
  const made = (name: string): Value | undefined => {
    const root = roots.find(({ tensor }) => tensor === name);
    if (root) return counted(build, root);
    const moved = trace.movedFrom(name);
    if (!moved) return undefined;
    const { node, from } = moved;
    const sources = from.map(numbers);
    const [source] = sources;
    if (sources.every((one) => one === undefined)) return undefined;
    const { dims } = given(name);
    const like = (of: string) => nothing(build, given(of), ofOne(tensors.get(of)));
    if (node.opType === "Concat")
      return build.again(
        node,
        sources.map((one, i) => one ?? like(from[i] as string)),
        DataType.INT64,
        dims,
      );
    const others = node.input.slice(1).map((other) => (other ? given(other) : undefined));
    if (node.opType === "ScatterND") return build.again(node, [like(name), others[0], source], DataType.INT64, dims);
    if (!source || squashes(node.opType) || ["Identity", "Cast", "Dropout", "Mul"].includes(node.opType)) return source;
    if (node.opType === "TopK") {
      const axis = new Attributes(node).int("axis", -1);
      const indices = { name: node.output[1] as string, type: DataType.INT64, dims };
      return build.op("GatherElements", [source, indices], { axis }, DataType.INT64, dims);
    }
    if (node.opType === "ReduceMax") return ofLargest(build, model, node, given(from[0] as string), source, dims);
    const outputs = node.output.map((output) => ({ type: DataType.INT64, dims: tensors.get(output)?.dims }));
    return build.againAll(node, [source, ...others], outputs)[node.output.indexOf(name)];
  };
  return numbers(scores) ?? nothing(build, given(scores), ofOne(tensors.get(scores)));
}

const counted = (build: Builder, { dims, from }: Root): Value => {
  const all = build.iota(build.ints([product(dims)]));
  return build.reshape({ ...build.add(all, from), dims: [-1] }, build.ints(dims));
};

/** -1 in the shape of a tensor, which a run alone may know. */
function nothing(build: Builder, of: Value, dims = of.dims): Value {
  const shape = isStatic(dims) ? build.ints(dims as readonly number[]) : build.shapeOf(of);
  return build.sub(build.zeros(shape, DataType.INT64, dims), 1);
}

/** The numbers of what is largest along an axis, the first of equal ones. */
function ofLargest(
  build: Builder,
  model: Model,
  node: NodeProto,
  data: Value,
  source: Value,
  dims: Value["dims"],
): Value {
  const attributes = new Attributes(node);
  const axes = attributes.ints("axes") ?? (node.input[1] ? constantValues(model, node.input[1]) : undefined);
  const [axis, ...more] = axes ?? [];
  if (axis === undefined || more.length)
    throw new UserError(
      "unsupported-operator",
      `unsupported operator: ${describe(node)}: a score that is the largest along several axes cannot be compiled`,
    );
  const rank = data.dims?.length ?? 0;
  const place = axis < 0 ? axis + rank : axis;
  const largest = build.op("GatherElements", [source, build.argMax(data, place)], { axis: place }, DataType.INT64);
  const kept = attributes.int("keepdims", 1) === 1;
  return { ...(kept ? largest : build.squeeze(largest, [place])), dims };
}
