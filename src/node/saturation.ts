/**
 * @file Quantised products that saturate. On x86 processors with AVX2 and without VNNI, ONNX Runtime multiplies uint8 by int8 with
 * VPMADDUBSW, which adds two products in 16 bits: 2 x 255 x 127 = 64,770 becomes 32,767. A model quantised to all eight bits then
 * gives other answers there than elsewhere; with weights of seven bits (`reduce_range`) no pair gets so far.
 */
import type { Model } from "../onnx/model.ts";
import {
  DataType,
  encodeModel,
  makeGraph,
  makeImport,
  makeModel,
  makeNode,
  makeTensor,
  makeValueInfo,
} from "../onnx/proto.ts";
import { openSession, type Runtime, run } from "../onnx/runtime.ts";

const [pair, most] = [
  [255, 255],
  [127, 127],
] as const;

/** Whether they do in this runtime on this processor: it is asked for the largest product of a pair. */
export async function productsSaturate(ort: Runtime): Promise<boolean> {
  const session = await openSession(ort, product(), { executionProviders: ["cpu"], intraOpNumThreads: 1 });
  try {
    const { y } = await run(session, { x: new ort.Tensor("uint8", Uint8Array.from(pair), [1, pair.length]) });
    return Number(y.data[0]) < pair.reduce((sum, v, i) => sum + v * most[i], 0);
  } finally {
    await session.release();
  }
}

function product(): Uint8Array {
  const graph = makeGraph({
    name: "product",
    node: [makeNode("MatMulInteger", ["x", "w"], ["y"])],
    initializer: [makeTensor("w", DataType.INT8, [most.length, 1], Int8Array.from(most))],
    input: [makeValueInfo("x", DataType.UINT8, [1, pair.length])],
    output: [makeValueInfo("y", DataType.INT32, [1, 1])],
  });
  return encodeModel(makeModel({ irVersion: 7n, opsetImport: [makeImport("", 13)], graph }));
}

const readers = new Set(
  (
    "DequantizeLinear QLinearConv QLinearMatMul ConvInteger MatMulInteger " +
    "QGemm QAttention MatMulIntegerToFloat DynamicQuantizeMatMul"
  ).split(" "),
);
const toUint8 = new Set(["DynamicQuantizeLinear", "DynamicQuantizeMatMul"]);

/** Whether a model multiplies uint8 by int8 weights of all eight bits, so that products may saturate. */
export function multipliesAllBits({ graph, initializers }: Model): boolean {
  const unsigned =
    graph.initializer.some(({ dataType, dims }) => dataType === DataType.UINT8 && dims.length === 0) ||
    graph.node.some(({ opType, input }) => toUint8.has(opType) || (opType === "QuantizeLinear" && !input[2]));
  const weights = graph.node
    .filter(({ opType }) => readers.has(opType))
    .flatMap(({ input }) => input.map((name) => initializers.get(name)));
  return (
    unsigned &&
    weights.some((tensor) => {
      if (tensor?.dataType !== DataType.INT8) return false;
      const { rawData, int32Data } = tensor;
      const { buffer, byteOffset, byteLength } = rawData;
      const values = byteLength ? new Int8Array(buffer, byteOffset, byteLength) : int32Data;
      return values.some((v: number) => Math.abs(v) > 64);
    })
  );
}
