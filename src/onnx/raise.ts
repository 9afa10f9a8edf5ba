/**
 * @file A model in a newer operator set, for parts of a whole have one between them.
 *
 * Possible where what changed in between is only more types, or attributes whose defaults are what was: true of all operators but those
 * below. Axes and split counts became inputs; what changed its meaning is refused.
 */
import { UserError } from "../errors.ts";
import { Attributes, describe, indexLazily, type Model } from "./model.ts";
import { changed, DataType, makeNode, makeTensor, type NodeProto, type TensorProto } from "./proto.ts";

/** From here on; what came before changed too much (Clip, Pad, Slice, Softmax, Squeeze, Dropout ...). */
const oldest = 13;

const axesBecameInput = new Set(
  "ReduceMean ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceSumSquare".split(" "),
);

/** The operator set in which an operator came to mean something else. */
const redefined: Readonly<Record<string, number>> = { RoiAlign: 16, DFT: 20, GridSample: 20, GroupNormalization: 21 };

/**
 * The model in operator set `opset`.
 * @param part how an error calls it
 * @throws UserError `invalid-model` where a node would mean something else there.
 */
export function raise(model: Model, opset: number, part: string): Model {
  const from = model.opset;
  if (from === opset) return model;
  const refuse = (why: string): never => {
    throw new UserError(
      "invalid-model",
      `invalid models: the ${part} has operator set ${from}, another part ${opset}, and ${why}; export them with one version`,
    );
  };
  if (from < oldest) refuse(`only ${oldest} and newer can be converted`);
  const initializer: TensorProto[] = [...model.graph.initializer];
  const node = model.graph.node.map((n) => {
    if (from < redefined[n.opType] && redefined[n.opType] <= opset)
      refuse(`${describe(n)} changed its meaning in between`);
    if (n.attribute.some(({ g, graphs }) => g || graphs.length)) refuse(`${describe(n)} contains a subgraph`);
    if (from >= 18 || opset < 18) return n;
    if (axesBecameInput.has(n.opType)) return withAxes(n, initializer);
    return n.opType === "Split" && n.input.length === 1 ? withCount(n) : n;
  });
  const opsetImport = model.proto.opsetImport.map((entry) =>
    entry.domain === "" || entry.domain === "ai.onnx" ? changed(entry, { version: BigInt(opset) }) : entry,
  );
  return indexLazily(changed(model.proto, { opsetImport, graph: changed(model.graph, { node, initializer }) }));
}

function withAxes(node: NodeProto, initializer: TensorProto[]): NodeProto {
  const axes = new Attributes(node).ints("axes");
  if (!axes) return node;
  const name = `${node.output[0]}/axes`;
  initializer.push(makeTensor(name, DataType.INT64, [axes.length], BigInt64Array.from(axes, BigInt)));
  return changed(node, { input: [node.input[0], name], attribute: node.attribute.filter((a) => a.name !== "axes") });
}

/** Equal parts, of which there are as many as outputs: said from operator set 18 on. */
function withCount(node: NodeProto): NodeProto {
  const [count] = makeNode("", [], [], { num_outputs: node.output.length }).attribute;
  return changed(node, { attribute: [...node.attribute, count] });
}
