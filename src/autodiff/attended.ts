/**
 * @file An attention as tensors of the graph: its weights [n, heads, queries, keys], and where their gradient is found. Where an operator is a
 * whole attention, y = A v, its weights are computed again from queries and keys, and dA = dy v^T.
 */
import { InternalError } from "../errors.ts";
import { type Builder, rankOf, type Value } from "../onnx/build.ts";
import { Attributes, inputsOf } from "../onnx/model.ts";
import type { NodeProto } from "../onnx/proto.ts";
import { intoHeads } from "../ops/attention.ts";
import { operatorOf } from "../ops/index.ts";
import { type Call, valuesOf } from "../ops/op.ts";
import type { End, ObservedModel } from "./adjoint.ts";
import { forwardValue } from "./differentiate.ts";

export interface Attended {
  readonly weights: Value;
  /** Ends an adjoint with their gradient. */
  readonly end: End;
}

/**
 * @param weights the tensor of the weights, where there is one
 * @param images how many images there are, a list of one
 */
export function attended(
  build: Builder,
  { model, tensors }: ObservedModel,
  node: NodeProto,
  weights: string | undefined,
  images: Value,
): Attended {
  if (weights === undefined) return inside(build, { model, tensors }, node);
  const value = forwardValue(build, tensors, weights);
  /** Of each image its heads: images and heads may be one axis. */
  const apart = (x: Value): Value => {
    if (rankOf(value) === 4) return x;
    const [queries = -1, keys = -1] = value.dims?.slice(-2) ?? [];
    const shape = build.concat([images, build.ints([-1, queries, keys])], 0);
    return { ...build.reshape(x, shape), dims: [-1, -1, queries, keys] };
  };
  return { weights: apart(value), end: { tensor: weights, make: (_, __, gradient) => apart(gradient) } };
}

function inside(build: Builder, { model, tensors }: ObservedModel, node: NodeProto): Attended {
  const op = operatorOf(node);
  if (!op?.attends) throw new InternalError(`${node.opType} is no attention`);
  const inputs = inputsOf(node);
  const forward = (name: string) => (name ? forwardValue(build, tensors, name) : undefined) as Value;
  const values = valuesOf(inputs.map(forward));
  const call: Call = {
    ...{ node, build, inputs, x: values, attributes: new Attributes(node), opset: model.opset },
    y: valuesOf(node.output.map(forward)),
    dy: valuesOf([]),
    outputTypes: [],
    needs: inputs.map(() => false),
    constant: () => undefined,
    operator: operatorOf,
    around: {
      producer: (name) => model.producer.get(name),
      consumers: (name) => model.consumers.get(name) ?? [],
      ...{ value: forward, numbers: () => undefined, active: () => false, seeded: () => false },
    },
    inside: () => {
      throw new InternalError(`${node.opType} holds no graph`);
    },
  };
  const { weights, v } = op.attends.parts(call);
  const heads = weights.dims?.[1] ?? -1;
  return {
    weights,
    end: {
      tensor: node.output[0] ?? "",
      make: (_, y, dy) => build.matMul(rankOf(y) === 3 ? intoHeads(build, dy, heads) : dy, build.transposeLast(v)),
    },
  };
}
