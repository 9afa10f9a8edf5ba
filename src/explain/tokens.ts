/**
 * @file Whether a layer's patch tokens reach the score. Behind the last attention of a network with a class-token head they do not: the
 * head picks the class token, and what comes between treats each token alone, so their gradient is zero whatever the picture.
 */
import { Attributes, constantValues, type Model } from "../onnx/model.ts";
import type { NodeProto } from "../onnx/proto.ts";

/** Operators that treat the tokens of [n, tokens, channels] one by one, where the other operand is a constant or tokens too. */
const eachAlone = new Set(
  "Add Sub Mul Div Pow Sqrt Neg Relu Clip LeakyRelu PRelu Elu Celu Selu Sigmoid HardSigmoid HardSwish Softplus Softsign Tanh Gelu Mish Swish Erf Identity Dropout Cast LayerNormalization RMSNormalization BiasGelu FastGelu QuickGelu SimplifiedLayerNormalization SkipLayerNormalization QuantizeLinear DequantizeLinear".split(
    " ",
  ),
);

/**
 * @param prefix tokens before the patches
 * @param wanted tensors that the score depends on
 */
export function patchesReach(model: Model, layer: string, prefix: number, wanted: ReadonlySet<string>): boolean {
  const seen = new Set<string>();
  const reaches = (name: string): boolean => {
    if (seen.has(name)) return false;
    seen.add(name);
    const readers = model.consumers.get(name) ?? [];
    return readers.some((node) => {
      if (!node.output.some((o) => wanted.has(o))) return false;
      if (passesAlone(model, node, name)) return node.output.some(reaches);
      return !picksBefore(model, node, prefix);
    });
  };
  return reaches(layer);
}

function passesAlone(model: Model, node: NodeProto, name: string): boolean {
  if (eachAlone.has(node.opType)) return true;
  if (node.opType === "MatMul") return node.input[0] === name && model.constants.has(node.input[1]);
  if (node.opType.startsWith("Reduce")) return reducedAxes(model, node)?.every((a) => a === -1 || a === 2) ?? false;
  return false;
}

const reducedAxes = (model: Model, node: NodeProto): readonly number[] | undefined =>
  new Attributes(node).ints("axes") ?? (node.input[1] ? constantValues(model, node.input[1]) : undefined);

/** Whether a node takes only tokens before the patches. */
function picksBefore(model: Model, node: NodeProto, prefix: number): boolean {
  const attributes = new Attributes(node);
  const values = (input: number, name: string) =>
    attributes.ints(name) ?? (node.input[input] ? constantValues(model, node.input[input]) : undefined);
  if (node.opType === "Gather")
    return attributes.int("axis", 0) === 1 && (values(1, "")?.every((i) => i >= 0 && i < prefix) ?? false);
  if (node.opType !== "Slice") return false;
  const [starts, ends, axes] = [values(1, "starts"), values(2, "ends"), values(3, "axes")];
  const at = axes ? axes.indexOf(1) : 1;
  if (!starts || !ends || at < 0) return false;
  return starts[at] >= 0 && ends[at] >= 0 && ends[at] <= prefix;
}
