/**
 * @file Operator sets 7 and 8 are written as 9, the first in which every adjoint has a form (Where, MaxUnpool, ConstantOfShape).
 *
 * Between them Upsample got its scales as an input and BatchNormalization lost `spatial`; the others merely took more types.
 * Newer models are left as they are: their adjoint is written in their own forms.
 */
import { UserError } from "../errors.ts";
import { Attributes, describe, graphsIn, indexModel, type Model, withGraphs } from "./model.ts";
import { changed, DataType, encodeModel, makeNode, makeTensor, type NodeProto, type TensorProto } from "./proto.ts";

const oldest = 7;
const target = 9;

/**
 * The model, in an operator set that gradients can be written in.
 * @throws UserError `invalid-model` for an operator set older than 7.
 */
export function upgrade(model: Model): Model {
  const { opset, proto, graph } = model;
  if (opset >= target) return model;
  if (opset < oldest)
    throw new UserError("invalid-model", `invalid model: operator set ${opset}; allowed are ${oldest} and newer`);
  const initializer: TensorProto[] = [...graph.initializer];
  const node = graph.node.map((n) => upgraded(n, initializer));
  const opsetImport = proto.opsetImport.map((o) =>
    o.domain === "" || o.domain === "ai.onnx" ? changed(o, { version: BigInt(target) }) : o,
  );
  // From IR version 4 initialisers need not stand among the inputs, and those that do can be overridden, so that nothing folds.
  const input = graph.input.filter(({ name }) => !model.initializers.has(name));
  const irVersion = proto.irVersion < 4n ? 4n : proto.irVersion;
  const written = changed(proto, { irVersion, opsetImport, graph: changed(graph, { node, input, initializer }) });
  return indexModel(encodeModel(written), written);
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
