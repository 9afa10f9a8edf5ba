/**
 * @file Models that gradients cannot be appended to as they are, written anew: their node lists, and nothing else. Weights are copied
 * unparsed.
 *
 * - Nodes that are out of order are sorted, and functions inlined, so that what is written is a valid file.
 * - Operator sets 7 and 8 are written as 9, the first in which every adjoint has a form (Where, MaxUnpool, ConstantOfShape). Between them
 *   Upsample got its scales as an input and BatchNormalization lost `spatial`; the others merely took more types.
 * - A file that names no version of the standard's operators is read in a recent one, as ONNX Runtime reads it.
 *
 * Other models are left as they are: their adjoint is written in their own forms.
 */
import { UserError } from "../errors.ts";
import { callsFunctions, type IsOperator, inlined } from "./functions.ts";
import { Attributes, describe, graphsIn, indexModel, type Model, withGraphs } from "./model.ts";
import { inOrder } from "./order.ts";
import {
  changed,
  DataType,
  decodeModel,
  encodeModel,
  makeGraph,
  makeImport,
  makeModel,
  makeNode,
  makeTensor,
  type NodeProto,
  type TensorProto,
} from "./proto.ts";
import { spliced } from "./splice.ts";

const oldest = 7;
const target = 9;
/** For files that name none: every runtime that we know takes it. */
const usual = 21;

/**
 * The model, in a form that gradients can be appended to.
 * @param isOperator whether a node is an operator although a function has its name
 * @throws UserError `invalid-model` for an operator set older than 7.
 */
export function upgrade(model: Model, isOperator: IsOperator = () => false): Model {
  const { proto } = model;
  const unnamed = model.opset === 0;
  const old = !unnamed && model.opset < target;
  if (old && model.opset < oldest)
    throw new UserError("invalid-model", `invalid model: operator set ${model.opset}; allowed are ${oldest} and newer`);
  const calls = callsFunctions(model, isOperator);
  const rewritten = [
    ...(model.mended?.order ? ["nodes sorted"] : []),
    ...(model.mended?.twins ? ["repeated weights left out"] : []),
    ...(calls ? ["functions inlined"] : []),
    ...(old ? [`operator set ${model.opset} written as ${target}`] : []),
    ...(unnamed ? [`operator set ${usual} assumed`] : []),
  ];
  if (rewritten.length === 0) return model;

  const whole = calls ? inlined(model, isOperator) : { graph: model.graph, opsetImport: proto.opsetImport };
  const graph = calls ? inOrder(whole.graph) : whole.graph;
  const initializer: TensorProto[] = [];
  const node = old ? graph.node.map((n) => upgraded(n, initializer)) : graph.node;
  const standard = ({ domain }: { domain: string }) => domain === "" || domain === "ai.onnx";
  const opsetImport = whole.opsetImport.map((o) => (old && standard(o) ? changed(o, { version: BigInt(target) }) : o));
  if (!opsetImport.some(standard)) opsetImport.push(makeImport("", usual));
  // From IR version 4 initialisers need not stand among the inputs, and those that do can be overridden, so that nothing folds.
  const raised = old && proto.irVersion < 4n;
  const input = graph.input.filter(({ name }) => !model.initializers.has(name));
  const added = makeModel({
    opsetImport,
    ...(raised && { irVersion: 4n }),
    graph: makeGraph({ node, initializer, input: old ? input : [] }),
  });
  const dropped = { inputs: old, initializers: model.mended?.twins ? twinsIn(model.bytes) : new Set<number>() };
  const bytes = spliced(model.bytes, dropped, encodeModel(added));
  return { ...indexModel(bytes, decodeModel(bytes)), rewritten };
}

/** Initialisers behind which comes another of the same name, by their index in the file. */
function twinsIn(bytes: Uint8Array): Set<number> {
  const names = decodeModel(bytes).graph?.initializer.map(({ name }) => name) ?? [];
  const last = new Map(names.map((name, i) => [name, i]));
  return new Set(names.flatMap((name, i) => (last.get(name) === i ? [] : [i])));
}

/** A node, and what stands in graphs inside it; `initializer` takes the constants that it needs. */
function upgraded(node: NodeProto, initializer: TensorProto[]): NodeProto {
  if (node.opType === "Upsample") return upsampleByInput(node, initializer);
  if (node.opType === "BatchNormalization") return perChannel(node);
  if (node.opType === "Scan")
    throw new UserError("unsupported-operator", `unsupported operator: ${describe(node)}: before operator set 9`);
  const inside = graphsIn(node).map((graph) =>
    changed(graph, { node: graph.node.map((n) => upgraded(n, initializer)) }),
  );
  return inside.length ? withGraphs(node, inside) : node;
}

function upsampleByInput(node: NodeProto, initializer: TensorProto[]): NodeProto {
  const attributes = new Attributes(node);
  const scales = Float32Array.from(attributes.floats("scales") ?? []);
  const name = `${node.output[0]}/scales`;
  initializer.push(makeTensor(name, DataType.FLOAT, [scales.length], scales));
  return makeNode("Upsample", [node.input[0], name], node.output, { mode: attributes.string("mode", "nearest") });
}

/** spatial = 1 is what operator set 9 means without saying; spatial = 0 has no form there. */
function perChannel(node: NodeProto): NodeProto {
  if (new Attributes(node).int("spatial", 1) !== 1)
    throw new UserError("unsupported-operator", `unsupported operator: ${describe(node)}: spatial = 0`);
  return changed(node, { attribute: node.attribute.filter(({ name }) => name !== "spatial") });
}
