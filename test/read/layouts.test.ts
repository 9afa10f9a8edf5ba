/** @file What the axes of inputs mean is read off the graph, so a twin with its channels last answers as the original does. */
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { randomNormal } from "../../src/array/random.ts";
import type { MethodName } from "../../src/index.ts";
import { product } from "../../src/onnx/dims.ts";
import type { NodeProto } from "../../src/onnx/proto.ts";
import { axesFromText, axesText, fromPlain, toPlain } from "../../src/read/axes.ts";
import { classMethods, quickly } from "../class-methods.ts";
import { expectClose, expectUserError, numbers, open } from "../explain/ask.ts";
import { model, node, type Sources } from "../models.ts";
import { weights } from "../nets.ts";

const same = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] };

/** Conv, Relu, GAP, Gemm on "t": pictures of so many bands. */
const trunk: readonly NodeProto[] = [
  node("Conv", "t w b", "conv", same),
  node("Relu", "conv", "features"),
  node("GlobalAveragePool", "features", "pooled"),
  node("Flatten", "pooled", "flat"),
  node("Gemm", "flat fw fb", "logits", { transB: 1 }),
];
const inside = (bands: number): Sources => ({
  w: weights([6, bands, 3, 3], 1),
  b: weights([6], 2, 0.1),
  fw: weights([4, 6], 3, 1),
  fb: weights([4], 4, 0.1),
});

/** Ways to hand over the picture [1, bands, 6, 10] in an order of its own, and what brings it into the convolution's. */
const orders: Readonly<Record<string, { readonly axes: string; readonly moves: readonly NodeProto[] }>> = {
  "channels first": { axes: "NCHW", moves: [node("Identity", "x", "t")] },
  "channels last": { axes: "NHWC", moves: [node("Transpose", "x", "t", { perm: [0, 3, 1, 2] })] },
  "the batch last": { axes: "HWCN", moves: [node("Transpose", "x", "t", { perm: [3, 2, 0, 1] })] },
  "normalised first": {
    axes: "NHWC",
    moves: [node("Sub", "x mean", "s"), node("Div", "s std", "d"), node("Transpose", "d", "t", { perm: [0, 3, 1, 2] })],
  },
  "through a merged batch": {
    axes: "NHWC",
    moves: [
      node("Reshape", "x rows", "r"),
      node("Reshape", "r whole", "u"),
      node("Transpose", "u", "t", { perm: [0, 3, 1, 2] }),
    ],
  },
};
const [height, width] = [6, 10];

const letters = (axes: string, sizes: Readonly<Record<string, number>>) => [...axes].map((letter) => sizes[letter]);

function net(order: keyof typeof orders, bands: number, batch = 1) {
  const { axes, moves } = orders[order];
  const dims = letters(axes, { N: batch, C: bands, H: height, W: width });
  const shapes: Sources = {
    mean: { type: 1, dims: [1], values: [0] },
    std: { type: 1, dims: [1], values: [1] },
    rows: { type: 7, dims: [2], values: [-1, width * bands] },
    whole: { type: 7, dims: [4], values: [-1, height, width, bands] },
  };
  const used = Object.fromEntries(
    Object.entries(shapes).filter(([name]) => moves.some(({ input }) => input.includes(name))),
  );
  return model({ opset: 13, inputs: { x: dims, ...inside(bands), ...used }, nodes: [...moves, ...trunk] });
}

/** A picture as the net takes it: the same one in every order. */
function feed(order: keyof typeof orders, bands: number) {
  const dims = [1, bands, height, width];
  const data = Float32Array.from(randomNormal(bands)(product(dims)));
  const axes = orders[order].axes;
  const grid = [axes.indexOf("H"), axes.indexOf("W")];
  const laidOut = fromPlain({ data, dims }, { batch: axes.indexOf("N"), channels: axes.indexOf("C"), grid });
  return { x: new ort.Tensor("float32", laidOut.data, [...laidOut.dims]) };
}

const byMap = classMethods.map(({ name }) => name).filter((name) => name !== "occlusion");

describe.each([1, 2, 3, 4, 5, 6, 13])("%i bands", (bands) => {
  test.each(Object.keys(orders))("%s", async (order) => {
    const plain = await open(net("channels first", bands));
    const twin = await open(net(order, bands));
    try {
      const { axes } = twin.reading.explained ?? {};
      const expected = orders[order].axes;
      expect({ batch: axes?.batch, channels: axes?.channels }).toEqual({
        batch: expected.indexOf("N"),
        channels: expected.indexOf("C"),
      });
      expect(twin.layers.map(({ name }) => name)).toEqual(["features"]);
      for (const method of byMap as MethodName[]) {
        const [a, b] = [
          await plain.explain(feed("channels first", bands), { target: 2, method, ...quickly(method) }),
          await twin.explain(feed(order, bands), { target: 2, method, ...quickly(method) }),
        ];
        expectClose(numbers(b.outputs.logits), numbers(a.outputs.logits));
        expect(b.maps.dims, method).toEqual(a.maps.dims);
        expectClose(numbers(b.maps), numbers(a.maps));
        if (a.pixels) expectClose(numbers(b.pixels), numbers(a.pixels));
      }
      expect(axesText(axes ?? { grid: [] })).toBe(expected);
    } finally {
      await plain.release();
      await twin.release();
    }
  });
});

test("a network that turns its pictures: the map lies as the picture does", async () => {
  const turning = [node("Transpose", "x", "t", { perm: [0, 1, 3, 2] }), ...trunk];
  const bytes = model({ opset: 13, inputs: { x: [1, 3, height, width], ...inside(3) }, nodes: turning });
  const data = Float32Array.from(randomNormal(3)(3 * height * width));
  const x = new ort.Tensor("float32", data, [1, 3, height, width]);
  const turned = await open(bytes);
  const { maps } = await turned.explain({ x }, { target: 2 });
  expect(maps.dims).toEqual([1, height, width]);
  await turned.release();

  const other = new Float32Array(data.length);
  for (let c = 0; c < 3; c++)
    for (let i = 0; i < height * width; i++)
      other[c * height * width + (i % width) * height + Math.floor(i / width)] = data[c * height * width + i];
  // The convolution sees the turned picture; a net of that size explains it as it lies there.
  const lying = model({
    opset: 13,
    inputs: { x: [1, 3, width, height], ...inside(3) },
    nodes: [node("Identity", "x", "t"), ...trunk],
  });
  const upright = await open(lying);
  const { maps: there } = await upright.explain(
    { x: new ort.Tensor("float32", other, [1, 3, width, height]) },
    { target: 2 },
  );
  const back = Array.from({ length: height * width }, (_, i) => {
    const [row, column] = [Math.floor(i / width), i % width];
    return numbers(there)[column * height + row];
  });
  expectClose(numbers(maps), back);
  await upright.release();
});

describe("the caller says", () => {
  const few = (input: readonly number[], flat: number) =>
    model({
      opset: 13,
      inputs: { x: input, w: weights([flat, 3], 1) },
      nodes: [node("Flatten", "x", "flat"), node("MatMul", "flat w", "logits")],
    });
  test("an order where the graph does not", async () => {
    const bytes = few([1, 5, 7, 4], 140);
    const guessed = await open(bytes);
    expect(guessed.reading.decisions).toContainEqual(
      expect.objectContaining({ what: "layout", value: "NHWC", guess: true, option: "--layout" }),
    );
    await guessed.release();
    const said = await open(bytes, { layout: "NCHW" });
    expect(said.reading.decisions).toContainEqual({ what: "layout", value: "NCHW", because: "it was given" });
    const x = new ort.Tensor("float32", Float32Array.from(randomNormal(1)(140)), [1, 5, 7, 4]);
    const { maps } = await said.explain({ x }, { target: 0, method: "gradient" });
    expect(maps.dims).toEqual([1, 7, 4]);
    await said.release();
  });
  test.each(["NHW", "NNHW", "NCHX", "NCHWD"])("%s is none of four axes", (layout) =>
    expectUserError(open(few([1, 5, 7, 4], 140), { layout }), "invalid-option", /invalid layout: .*4 axes/),
  );
});

test.each(["NCHW", "NHWC", "CHW", "NCL", "NLC", "NCDHW", "NTCHW", "HW"])("%s, as letters and back", (text) => {
  const axes = axesFromText(text, text.length);
  expect(axesText(axes ?? { grid: [] })).toBe(text);
});

test.each([
  ["NHWC", [2, 3, 4, 5]],
  ["HWCN", [3, 4, 5, 2]],
  ["CHW", [5, 3, 4]],
  ["HW", [3, 4]],
  ["NTCHW", [2, 6, 5, 3, 4]],
])("an array %s is brought into order and back", (text, dims) => {
  const axes = axesFromText(text, dims.length) ?? { grid: [] };
  const data = Float32Array.from({ length: product(dims) }, (_, i) => i);
  const plain = toPlain({ data, dims }, axes);
  expect(plain.dims.length).toBe(axes.grid.length + 2);
  expect(fromPlain(plain, axes)).toEqual({ data, dims });
  // By hand: the place of one number.
  const at = dims.map((d) => d - 1);
  const place = [axes.batch, axes.channels, ...axes.grid].map((axis) => (axis === undefined ? 0 : at[axis]));
  const index = (position: readonly number[], sizes: readonly number[]) =>
    position.reduce((sum, p, i) => sum * sizes[i] + p, 0);
  expect(plain.data[index(place, plain.dims)]).toBe(data[index(at, dims)]);
});
