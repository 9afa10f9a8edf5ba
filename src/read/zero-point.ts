/** @file What stands for 0 in a tensor of small integers: a map weighs numbers, so the activations of a quantised layer count from there. */
import { constantValues, type Model } from "../onnx/model.ts";
import { DataType } from "../onnx/proto.ts";
import { rearranging } from "./families.ts";

/** The input of an operator that holds the zero point of what it makes. */
const zeroInput: Readonly<Record<string, number>> = {
  QuantizeLinear: 2,
  QLinearConv: 7,
  QLinearMatMul: 7,
  QLinearAdd: 7,
  QLinearMul: 7,
  QLinearSigmoid: 4,
  QLinearLeakyRelu: 4,
  QLinearSoftmax: 4,
  QLinearAveragePool: 4,
  QLinearGlobalAveragePool: 4,
  QLinearConcat: 1,
  QGemm: 8,
};

/** Operators whose steps are those of what they read. */
const keeping = new Set([
  ...rearranging,
  ..."MaxPool NhwcMaxPool Slice Gather Split Pad DepthToSpace SpaceToDepth Resize Relu Clip".split(" "),
]);

const small: ReadonlySet<DataType> = new Set([DataType.INT8, DataType.UINT8, DataType.INT16, DataType.UINT16]);

/** The step of a tensor that stands for 0; 0 for numbers, undefined where only the run knows it or each channel has its own. */
export function zeroPointOf(model: Model, name: string, type: DataType): number | undefined {
  if (!small.has(type)) return 0;
  const node = model.producer.get(name);
  if (!node) return undefined;
  if (keeping.has(node.opType)) return zeroPointOf(model, node.input[0], type);
  const input = zeroInput[node.opType];
  if (input === undefined) return undefined;
  if (!node.input[input]) return 0;
  const values = constantValues(model, node.input[input]);
  return values?.every((v) => v === values[0]) ? values[0] : undefined;
}
