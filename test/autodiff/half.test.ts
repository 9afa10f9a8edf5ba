/** @file Gradients of half-precision models are float32 all the way: what a half would round to 0 survives. */
import * as ort from "onnxruntime-node";
import { expect, test } from "vitest";
import { vjp } from "../../src/autodiff/vjp.ts";
import { DataType, type NodeProto } from "../../src/onnx/proto.ts";
import { model, node, randomFeeds, type Sources, tensor } from "../models.ts";
import { session } from "../ops/rules.ts";

const inputs: Sources = { x: [1, 2, 8, 8], w: [4, 2, 3, 3], scale: [8], fc: [4, 5] };
const feeds = randomFeeds(inputs);
const sizes = Object.keys(inputs);

/** A small network whose inner tensors have a type, between Casts. */
function network(type: DataType, inner: (name: string) => NodeProto[]): Uint8Array {
  const into = sizes.map((name) => node("Cast", name, `${name}/h`, { to: type }));
  return model({
    opset: 17,
    inputs,
    nodes: [...into, ...inner("/h"), node("Cast", "y/h", "y", { to: DataType.FLOAT })],
  });
}

const classifier = (h: string): NodeProto[] => [
  node("Conv", `x${h} w${h}`, "c"),
  node("Relu", "c", "r"),
  node("MaxPool", "r", "m", { kernel_shape: [2, 2], strides: [2, 2] }),
  node("Sigmoid", "m", "s"),
  node("GlobalAveragePool", "s", "g"),
  node("Flatten", "g", "f"),
  node("MatMul", `f fc${h}`, "z"),
  node("Softmax", "z", "y/h"),
];

async function gradients(bytes: Uint8Array, seed: number[], dims: number[], wrt: string[]) {
  return (await vjp(ort, bytes, { feeds, seeds: { y: tensor(seed, dims) }, wrt, session })).gradients;
}

test("float16: gradients below the smallest half are those of float32", async () => {
  const seed = [1e-6, -1e-6, 0, 2e-6, 0];
  const wrt = ["x", "r"];
  const [half, single] = await Promise.all(
    [DataType.FLOAT16, DataType.FLOAT].map((type) => gradients(network(type, classifier), seed, [1, 5], wrt)),
  );
  for (const name of wrt) {
    const [h, f] = [half[name].data, single[name].data] as Float32Array[];
    expect(half[name].type).toBe("float32");
    const largest = Math.max(...f.map(Math.abs));
    // The smallest half above 0 is 6e-8: there all of it would be lost.
    expect(largest).toBeGreaterThan(1e-10);
    expect(largest).toBeLessThan(3e-8);
    expect(Math.max(...f.map((v, i) => Math.abs(v - h[i]))) / largest).toBeLessThan(0.02);
    expect(h.filter((v) => v !== 0).length).toBe(f.filter((v) => v !== 0).length);
  }
});

test("bfloat16: gradients keep digits that it does not have", async () => {
  // What ONNX Runtime runs in bfloat16 on a CPU: moving data, and LayerNormalization.
  const moved = (h: string): NodeProto[] => [
    node("Transpose", `x${h}`, "t", { perm: [0, 2, 3, 1] }),
    node("Transpose", "t", "u", { perm: [0, 3, 1, 2] }),
    node("LayerNormalization", `u scale${h}`, "n"),
    node("Concat", `n u`, "y/h", { axis: 1 }),
  ];
  const fine = 1 + 2 ** -12;
  const seed = Array.from({ length: 256 }, (_, i) => (i < 128 ? 0 : 1e-30 * fine));
  const { x } = await gradients(network(DataType.BFLOAT16, moved), seed, [1, 4, 8, 8], ["x"]);
  expect(x.type).toBe("float32");
  expect([...x.data]).toEqual(Array(128).fill(Math.fround(1e-30 * fine)));

  const ramp = Array.from({ length: 256 }, (_, i) => (i < 128 ? 1e-6 * ((i * 7) % 11) : 0));
  const [coarse, single] = await Promise.all(
    [DataType.BFLOAT16, DataType.FLOAT].map((type) => gradients(network(type, moved), ramp, [1, 4, 8, 8], ["x"])),
  );
  const [h, f] = [coarse.x.data, single.x.data] as Float32Array[];
  const largest = Math.max(...f.map(Math.abs));
  expect(Math.max(...f.map((v, i) => Math.abs(v - h[i]))) / largest).toBeLessThan(0.05);
});
