/**
 * @file Files that ONNX Runtime's own optimiser has written: the gradients of what it fuses are those of what it was fused from. Layouts for
 * one processor are refused with the way to do without.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import * as ort from "onnxruntime-node";
import { describe, expect, onTestFinished, test } from "vitest";
import { vjp } from "../../src/index.ts";
import { readModel } from "../../src/onnx/model.ts";
import { DataType, float, type NodeProto } from "../../src/onnx/proto.ts";
import { ask, expectClose, numbers } from "../explain/ask.ts";
import { floats, model, type Numbers, node, type Sources, tensor } from "../models.ts";
import { images, vgg, weights } from "../nets.ts";
import { checkRule, session } from "./rules.ts";

const at = (name: string) => `com.microsoft.${name}`;

/** The file that the optimiser writes. */
async function optimised(bytes: Uint8Array, level: "extended" | "all"): Promise<Uint8Array> {
  const folder = mkdtempSync(path.join(tmpdir(), "gradcam-optimised-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const optimizedModelFilePath = path.join(folder, "model.onnx");
  const options = { ...session, graphOptimizationLevel: level, optimizedModelFilePath };
  await (await ort.InferenceSession.create(bytes, options)).release();
  return new Uint8Array(readFileSync(optimizedModelFilePath));
}
const operators = (bytes: Uint8Array): string[] =>
  readModel(bytes).graph.node.map(({ opType, domain }) => `${domain}.${opType}`);

describe("fused for every processor", () => {
  test.each([9, 13, 17])("a network with Conv, Relu, MaxPool and Gemm, operator set %i", async (opset) => {
    const plain = vgg({ opset });
    const fused = await optimised(plain, "extended");
    expect(operators(fused)).toEqual(expect.arrayContaining(["com.microsoft.FusedConv", "com.microsoft.FusedGemm"]));
    const seeds = {
      logits: tensor(
        Array.from({ length: 10 }, (_, i) => Math.sin(i)),
        [2, 5],
      ),
    };
    const of = async (bytes: Uint8Array) =>
      numbers((await vjp(ort, bytes, { feeds: images(), seeds, wrt: ["x"], session })).gradients.x);
    expectClose(await of(fused), await of(plain));
    expectClose(
      numbers((await ask(fused, images(), { target: 1 })).maps),
      numbers((await ask(plain, images(), { target: 1 })).maps),
    );
  });
});

test("laid out for one processor", async () => {
  // On a processor without such kernels there is nothing to lay out.
  const wide = model({
    opset: 13,
    inputs: { x: [2, 16, 8, 8], w: weights([32, 16, 3, 3], 1), v: weights([16, 32, 3, 3], 2) },
    nodes: [node("Conv", "x w", "a"), node("Relu", "a", "b"), node("Conv", "b v", "y")],
  });
  const file = await optimised(wide, "all");
  const feeds = { x: tensor(Array(2048).fill(1), [2, 16, 8, 8]) };
  const asked = vjp(ort, file, { feeds, seeds: { y: tensor(Array(512).fill(1), [2, 16, 4, 4]) }, wrt: ["x"], session });
  if (operators(file).some((name) => name.startsWith("com.microsoft.nchwc.")))
    await expect(asked).rejects.toThrow(
      /com\.microsoft\.nchwc\.\w+ node .*ORT_ENABLE_EXTENDED.*optimized_model_filepath/,
    );
  else expect((await asked).gradients.x.dims).toEqual([2, 16, 8, 8]);
});

// Of five columns some lie well above the kink, some well below; what bends smoothly is asked where it bends.
const gemm = (kinked: boolean) => ({
  a: [3, 4],
  b: [4, 5],
  c: floats([1, -1, 1, -1, 1].map((v) => v * (kinked ? 6 : 0.4))),
});
for (const [activation, more] of [
  ["Relu", {}],
  ["Sigmoid", {}],
  ["Tanh", {}],
  ["LeakyRelu", { activation_alpha: float(0.2) }],
] as const)
  checkRule(
    at("FusedGemm"),
    { opsets: [11, 17], values: (normal) => normal.map((v) => v * 0.3), free: ["a"] },
    {
      [activation]: [gemm(activation.endsWith("Relu")), { activation, ...more }],
      [`${activation}, transposed and scaled`]: [
        { a: [4, 3], b: [5, 4], c: gemm(activation.endsWith("Relu")).c },
        { activation, transA: 1, transB: 1, alpha: float(0.5), beta: float(2), ...more },
        { free: [] },
      ],
    },
  );

describe("on quantised numbers with their channels last", () => {
  const domain = "com.microsoft";
  const of = (type: DataType, dims: readonly number[], values: readonly number[]): Numbers => ({ type, dims, values });
  const some = (count: number) => Array.from({ length: count }, (_, i) => ((i * 37) % 121) - 60);
  const scales: Sources = {
    s: floats(1 / 32),
    z: of(DataType.UINT8, [], [128]),
    sy: floats(1 / 8),
    zy: of(DataType.UINT8, [], [128]),
  };
  const kernel = of(DataType.INT8, [3, 2, 3, 3], some(54));
  const x = { x: [1, 2, 5, 6] };
  const into = [node("QuantizeLinear", "x s z", "q")];
  const back = node("DequantizeLinear", "r sy zy", "y");
  const last = node("Transpose", "q", "t", { perm: [0, 2, 3, 1] });
  const first = node("Transpose", "u", "r", { perm: [0, 3, 1, 2] });
  const micro = (made: NodeProto): NodeProto => Object.assign(made, { domain });

  /** The gradient through the operator with channels last beside that of the one with channels first: the very same. */
  const agree = async (nhwc: NodeProto, nchw: NodeProto, inputs: Sources, ending: NodeProto = back) => {
    const build = (nodes: NodeProto[]) => model({ opset: 13, inputs: { ...x, ...scales, ...inputs }, nodes });
    const feeds = {
      x: tensor(
        Array.from({ length: 60 }, (_, i) => Math.sin(i * 1.7)),
        [1, 2, 5, 6],
      ),
    };
    const gradient = async (bytes: Uint8Array) => {
      const opened = await ort.InferenceSession.create(bytes, session);
      const { y } = await opened.run(feeds);
      await opened.release();
      const seeds = { y: tensor(some(y.data.length), y.dims.map(Number)) };
      return numbers((await vjp(ort, bytes, { feeds, seeds, wrt: ["x"], session })).gradients.x);
    };
    const want = await gradient(build([...into, nchw, ending]));
    expect(want.some((v) => v !== 0)).toBe(true);
    expectClose(await gradient(build([...into, last, nhwc, first, ending])), want);
  };

  test("QLinearConv", async () => {
    const inputs = { w: kernel, sw: floats(0.004), zw: of(DataType.INT8, [], [0]) };
    const attributes = { pads: [1, 1, 1, 1], strides: [2, 1] };
    const parts = "s z w sw zw sy zy";
    await agree(
      micro(node("QLinearConv", `t ${parts}`, "u", { ...attributes, channels_last: 1 })),
      node("QLinearConv", `q ${parts}`, "r", attributes),
      inputs,
    );
  });
  test("QLinearAveragePool", async () => {
    const attributes = { kernel_shape: [2, 2], strides: [1, 2] };
    await agree(
      micro(node("QLinearAveragePool", "t s z sy zy", "u", { ...attributes, channels_last: 1 })),
      micro(node("QLinearAveragePool", "q s z sy zy", "r", attributes)),
      {},
    );
  });
  test("QLinearGlobalAveragePool", async () => {
    await agree(
      micro(node("QLinearGlobalAveragePool", "t s z sy zy", "u", { channels_last: 1 })),
      micro(node("QLinearGlobalAveragePool", "q s z sy zy", "r", { channels_last: 0 })),
      {},
    );
  });
  test("NhwcMaxPool", async () => {
    const attributes = { kernel_shape: [2, 2], strides: [1, 2] };
    const ending = node("DequantizeLinear", "r s z", "y");
    await agree(micro(node("NhwcMaxPool", "t", "u", attributes)), node("MaxPool", "q", "r", attributes), {}, ending);
  });

  test("QLinearSoftmax is a Softmax of what the steps stand for", async () => {
    const inputs = {
      x: [2, 5],
      s: floats(1 / 32),
      z: of(DataType.UINT8, [], [128]),
      sy: floats(1 / 256),
      zy: of(DataType.UINT8, [], [0]),
    };
    const softmax = micro(node("QLinearSoftmax", "q s z sy zy", "r", { axis: -1, opset: 13 }));
    const feeds = { x: tensor([0.5, -0.25, 1, 0, 0.75, -1, 0.5, 0.25, 1.5, -0.5], [2, 5]) };
    const seeds = { y: tensor(some(10), [2, 5]) };
    const gradient = async (nodes: NodeProto[], given: Sources) =>
      numbers(
        (await vjp(ort, model({ opset: 13, inputs: given, nodes }), { feeds, seeds, wrt: ["x"], session })).gradients.x,
      );
    const want = await gradient([node("Softmax", "x", "y", { axis: -1 })], { x: [2, 5] });
    expectClose(await gradient([...into, softmax, back], inputs), want, 0.05);
  });
});
