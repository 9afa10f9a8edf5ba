import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { vjp } from "../../src/autodiff/vjp.ts";
import { product } from "../../src/onnx/dims.ts";
import { changed, DataType, float } from "../../src/onnx/proto.ts";
import { type Attributes, floats, model, type Numbers, node, randomFeeds, type Sources, tensor } from "../models.ts";
import { session } from "./rules.ts";

const steps = (type: DataType, dims: number[], values: readonly number[]): Numbers => ({ type, dims, values });
const zero = (value: number) => steps(DataType.UINT8, [], [value]);
/** Numbers in [-60, 60], always the same. */
const some = (count: number) => Array.from({ length: count }, (_, i) => ((i * 37) % 121) - 60);

/**
 * The gradient through quantise, operator, dequantise beside that of the float operator on the same numbers: they differ by
 * rounding alone, since nothing saturates here.
 */
async function agree(quantised: Uint8Array, plain: Uint8Array, inputs: Sources): Promise<void> {
  const feeds = randomFeeds(inputs, (normal) => normal.map((v) => v * 0.4));
  const forward = await ort.InferenceSession.create(plain, session);
  const { y } = await forward.run(feeds);
  const seeds = { y: tensor(some(product(y.dims.map(Number))), y.dims.map(Number)) };
  const of = async (file: Uint8Array) =>
    (await vjp(ort, file, { feeds, seeds, wrt: Object.keys(inputs), session })).gradients;
  const [found, want] = [await of(quantised), await of(plain)];
  for (const name of Object.keys(inputs)) {
    const [a, b] = [found[name].data as Float32Array, want[name].data as Float32Array];
    const scale = Math.max(...b.map(Math.abs));
    expect(Math.max(...a.map((v, i) => Math.abs(v - b[i]))) / scale, name).toBeLessThan(0.05);
  }
}

const scales: Sources = { s: floats(1 / 32), z: zero(128), sy: floats(1 / 8), zy: zero(128) };
const into = node("QuantizeLinear", "x s z", "xq");
const back = node("DequantizeLinear", "yq sy zy", "y");
const domain = "com.microsoft";
const weights = steps(DataType.INT8, [3, 2, 3, 3], some(54));
const asFloats = ({ dims, values }: Numbers, scale: number): Numbers =>
  floats(
    values.map((v) => v * scale),
    [...dims],
  );
const x = { x: [1, 2, 5, 6] };

describe("gradients of quantised operators are those of the float ones", () => {
  test("QLinearConv", async () => {
    const inputs = {
      ...x,
      ...scales,
      w: weights,
      sw: floats([0.005, 0.004, 0.003]),
      zw: steps(DataType.INT8, [3], [0, 0, 0]),
    };
    const attributes: Attributes = { pads: [1, 1, 1, 1], strides: [2, 1] };
    const nodes = [into, node("QLinearConv", "xq s z w sw zw sy zy", "yq", attributes), back];
    const w = floats(
      weights.values.map((v, i) => v * [0.005, 0.004, 0.003][Math.floor(i / 18)]),
      [3, 2, 3, 3],
    );
    const plain = model({ opset: 13, inputs: { ...x, w }, nodes: [node("Conv", "x w", "y", attributes)] });
    await agree(model({ opset: 13, inputs, nodes }), plain, x);
  });

  test.each(["QLinearMatMul"])("%s", async () => {
    const w = steps(DataType.INT8, [6, 4], some(24));
    const inputs = { ...x, ...scales, w, sw: floats(0.005), zw: steps(DataType.INT8, [], [3]) };
    const nodes = [into, node("QLinearMatMul", "xq s z w sw zw sy zy", "yq"), back];
    const shifted = { ...w, values: w.values.map((v) => v - 3) };
    const plain = model({
      opset: 13,
      inputs: { ...x, w: asFloats(shifted, 0.005) },
      nodes: [node("MatMul", "x w", "y")],
    });
    await agree(model({ opset: 13, inputs, nodes }), plain, x);
  });

  test.each([0, 1])("QGemm, transB = %i, in steps and in floats", async (transB) => {
    const w = steps(DataType.INT8, transB ? [4, 6] : [6, 4], some(24));
    const sw = [0.005, 0.004, 0.003, 0.002];
    const column = (i: number) => (transB ? Math.floor(i / 6) : i % 4);
    const flat = { x: [5, 6] };
    const inputs = { ...flat, ...scales, w, sw: floats(sw), zw: steps(DataType.INT8, [4], [0, 0, 0, 0]) };
    const gemm = (names: string, output: string) =>
      changed(node("QGemm", `xq s z w sw zw -${names}`, output, { transB, alpha: float(0.5) }), { domain });
    const values = w.values.map((v, i) => v * sw[column(i)]);
    const plain = model({
      opset: 13,
      inputs: { ...flat, w: floats(values, w.dims) },
      nodes: [node("Gemm", "x w", "y", { transB, alpha: float(0.5) })],
    });
    await agree(model({ opset: 13, inputs, nodes: [into, gemm(" sy zy", "yq"), back] }), plain, flat);
    await agree(model({ opset: 13, inputs, nodes: [into, gemm(" - -", "y")] }), plain, flat);
  });

  test("ConvInteger and MatMulInteger behind DynamicQuantizeLinear", async () => {
    const w = steps(DataType.INT8, [6, 4], some(24));
    const inputs = { ...x, w: weights, sw: floats(0.005), m: w };
    const nodes = [
      node("DynamicQuantizeLinear", "x", "xq xs xz"),
      node("ConvInteger", "xq w xz", "c", { pads: [1, 1, 1, 1] }),
      node("Cast", "c", "cf", { to: DataType.FLOAT }),
      node("Mul", "xs sw", "scale"),
      node("Mul", "cf scale", "h"),
      node("DynamicQuantizeLinear", "h", "hq hs hz"),
      node("MatMulInteger", "hq m hz", "p"),
      node("Cast", "p", "pf", { to: DataType.FLOAT }),
      node("Mul", "hs sw", "scale2"),
      node("Mul", "pf scale2", "y"),
    ];
    const plain = model({
      opset: 13,
      inputs: { ...x, w: asFloats(weights, 0.005), m: asFloats(w, 0.005) },
      nodes: [node("Conv", "x w", "h", { pads: [1, 1, 1, 1] }), node("MatMul", "h m", "y")],
    });
    await agree(model({ opset: 13, inputs, nodes }), plain, x);
  });

  test.each<[string, string, string, string, Attributes]>([
    ["QLinearAdd", "xq s z bq s z sy zy", "Add", "x b", {}],
    ["QLinearMul", "xq s z bq s z sy zy", "Mul", "x b", {}],
    ["QLinearConcat", "sy zy xq s z bq s z", "Concat", "x b", { axis: 1 }],
  ])("%s", async (name, inputs, plainName, plainInputs, attributes) => {
    const both = { ...x, b: [1, 2, 5, 6] };
    const nodes = [
      into,
      node("QuantizeLinear", "b s z", "bq"),
      changed(node(name, inputs, "yq", attributes), { domain }),
      back,
    ];
    const quantised = model({ opset: 13, inputs: { ...both, ...scales, sy: floats(1 / 24) }, nodes });
    await agree(
      quantised,
      model({ opset: 13, inputs: both, nodes: [node(plainName, plainInputs, "y", attributes)] }),
      both,
    );
  });

  test.each<[string, string, Attributes]>([
    ["QLinearSigmoid", "Sigmoid", {}],
    ["QLinearLeakyRelu", "LeakyRelu", { alpha: float(0.25) }],
    ["QLinearAveragePool", "AveragePool", { kernel_shape: [2, 2], strides: [1, 2] }],
    ["QLinearGlobalAveragePool", "GlobalAveragePool", {}],
  ])("%s", async (name, plainName, attributes) => {
    const nodes = [into, changed(node(name, "xq s z sy zy", "yq", attributes), { domain }), back];
    const small = { ...scales, sy: floats(1 / 64), zy: zero(100) };
    const plain = model({ opset: 13, inputs: x, nodes: [node(plainName, "x", "y", attributes)] });
    await agree(model({ opset: 13, inputs: { ...x, ...small }, nodes }), plain, x);
  });

  test("MatMulIntegerToFloat and DynamicQuantizeMatMul", async () => {
    const w = steps(DataType.INT8, [6, 4], some(24));
    const plain = model({
      opset: 13,
      inputs: { ...x, w: asFloats(w, 0.005), b: floats([1, 2, 3, 4]) },
      nodes: [node("MatMul", "x w", "p"), node("Add", "p b", "y")],
    });
    const shared = { w, sw: floats(0.005), zw: steps(DataType.INT8, [], [0]), b: floats([1, 2, 3, 4]) };
    const toFloat = [into, changed(node("MatMulIntegerToFloat", "xq w s sw z zw b", "y"), { domain })];
    await agree(model({ opset: 13, inputs: { ...x, ...scales, ...shared }, nodes: toFloat }), plain, x);
    const dynamic = [changed(node("DynamicQuantizeMatMul", "x w sw zw b", "y"), { domain })];
    await agree(model({ opset: 13, inputs: { ...x, ...shared }, nodes: dynamic }), plain, x);
  });
});
