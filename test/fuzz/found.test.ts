/** @file What the fuzzers found, at its smallest: each was a wrong gradient, or an error that was none of the user's. */
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { checkVjp } from "../../src/autodiff/check.ts";
import { vjp } from "../../src/autodiff/vjp.ts";
import { openExplainer } from "../../src/explain/explainer.ts";
import { changed, decodeModel, encodeModel } from "../../src/onnx/proto.ts";
import { bools, floats, ints, model, node, randomFeeds, tensor, type Wanted } from "../models.ts";
import { gap, images } from "../nets.ts";
import { apart, session } from "../ops/rules.ts";

const errors = async (wanted: Wanted, dims: readonly number[]): Promise<number[]> => {
  const feeds = randomFeeds({ x: dims }, apart);
  const checks = await checkVjp(ort, model(wanted), { feeds, output: wanted.outputs?.[0], session });
  return checks.map(({ error }) => error);
};

describe("gradients", () => {
  const graphs: Readonly<Record<string, readonly [dims: readonly number[], wanted: Omit<Wanted, "opset">]>> = {
    "a batch that is free in name only: a constant has as many rows": [
      [3, 4],
      { free: ["x"], inputs: { x: [3, 4], c: floats(Array(12).fill(0.7), [3, 4]) }, nodes: [node("Sub", "x c", "y")] },
    ],
    "rounding up, with a last window that begins behind the end": [
      [2, 2, 6],
      {
        inputs: { x: [2, 2, 6], w: floats([1, 2, 3, 4], [2, 2, 1]) },
        nodes: [
          node("MaxPool", "x", "pooled", { kernel_shape: [2], strides: [3], ceil_mode: 1 }),
          node("Conv", "pooled w", "y"),
        ],
      },
    ],
    "the same twice, one behind the other": [
      [2, 1, 18],
      {
        free: ["x"],
        inputs: { x: [2, 1, 18] },
        nodes: [
          node("AveragePool", "x", "once", { kernel_shape: [2], strides: [3], ceil_mode: 1 }),
          node("AveragePool", "once", "y", { kernel_shape: [2], strides: [3], ceil_mode: 1 }),
        ],
      },
    ],
    "an operator put together of others, before one whose adjoint is a loop": [
      [3, 1, 2],
      {
        inputs: { x: [3, 1, 2], w: floats(Array(8).fill(0.5), [1, 4, 2]), r: floats(Array(4).fill(0.5), [1, 4, 1]) },
        nodes: [
          changed(node("QuickGelu", "x", "a"), { domain: "com.microsoft" }),
          node("LSTM", "a w r", "y", { hidden_size: 1 }),
        ],
      },
    ],
    "a shape that only a run tells": [
      [1, 2, 2, 2],
      {
        inputs: { x: [1, 2, 2, 2], sizes: ints([1, 2, 2, 2]) },
        nodes: [
          // The sizes that are not 0: how many there are the run knows.
          node("NonZero", "sizes", "places"),
          node("Squeeze", "places", "list"),
          node("Gather", "sizes list", "shape"),
          node("Reshape", "x shape", "m"),
          node("Concat", "m x", "c", { axis: 1 }),
          node("Mul", "c c", "y"),
        ],
      },
    ],
    "as many as a constant condition keeps, one, repeated along the axis": [
      [2, 3, 4],
      {
        inputs: { x: [2, 3, 4], c: bools([0, 1, 0]) },
        nodes: [node("Compress", "x c", "kept", { axis: 1 }), node("Add", "x kept", "y")],
      },
    ],
    "channels that a constant condition keeps, pooled": [
      [2, 3, 4, 4],
      {
        inputs: { x: [2, 3, 4, 4], c: bools([1, 1, 0]), w: floats([1, -2], [1, 2, 1, 1]) },
        nodes: [
          node("Compress", "x c", "kept", { axis: 1 }),
          node("GlobalAveragePool", "kept", "pooled"),
          node("Conv", "pooled w", "y"),
        ],
      },
    ],
    "all elements, of which a constant condition keeps some": [
      [2, 3],
      {
        inputs: { x: [2, 3], c: bools([1, 0, 0, 1]) },
        nodes: [node("Compress", "x c", "kept"), node("Mul", "kept kept", "y")],
      },
    ],
    "a list, reflected at its end": [
      [3],
      { inputs: { x: [3], pads: ints([0, 2]) }, nodes: [node("Pad", "x pads", "y", { mode: "reflect" })] },
    ],
  };
  for (const [title, [dims, wanted]] of Object.entries(graphs))
    for (const opset of [11, 18])
      test(`${title}, opset ${opset}`, async () => {
        for (const error of await errors({ opset, ...wanted }, dims)) expect(error).toBeLessThan(1e-2);
      });
});

describe("refusals that name the node", () => {
  const refusal = (wanted: Wanted, dims: readonly number[]) =>
    vjp(ort, model(wanted), {
      feeds: randomFeeds({ x: dims }),
      seeds: { y: tensor(Array(16).fill(1), wanted.nodes.at(-1)?.opType === "Reshape" ? [4, 4, 1] : [2, 1, 4, 2]) },
      wrt: ["x"],
      session,
    });

  test("groups on a grid that only the run knows", async () => {
    const kept = { axes: ints([0, 1, 2]), low: floats(-9), scale: floats([0.5]), bias: floats([0.2]) };
    const nodes = [
      node("ReduceMax", "x axes", "row", { keepdims: 0 }),
      node("Greater", "row low", "c"),
      node("Compress", "x c", "some", { axis: 3 }),
      node("GroupNormalization", "some scale bias", "y", { num_groups: 1 }),
    ];
    await expect(refusal({ opset: 21, inputs: { x: [2, 1, 4, 4], ...kept }, nodes }, [2, 1, 4, 4])).rejects.toThrow(
      /^unsupported operator: GroupNormalization node "y": the spatial dimensions of "some" are not known/,
    );
  });

  test("a shape that the numbers decide", async () => {
    const nodes = [
      node("Reshape", "x eight", "flat"),
      node("Slice", "flat start end", "some"),
      node("Greater", "some nought", "positive"),
      // The sizes where a number is positive: how many there are each input says anew.
      node("NonZero", "positive", "places"),
      node("Squeeze", "places", "list"),
      node("Gather", "sizes list", "shape"),
      node("Reshape", "x shape", "m"),
      node("Identity", "m", "y"),
    ];
    const constants = {
      eight: ints([8]),
      start: ints([0]),
      end: ints([4]),
      nought: floats(0),
      sizes: ints([1, 2, 2, 2]),
    };
    await expect(
      refusal({ opset: 13, inputs: { x: [1, 2, 2, 2], ...constants }, nodes }, [1, 2, 2, 2]),
    ).rejects.toThrow(
      /^unsupported operator: \w+ node "[ym]": ONNX Runtime cannot tell the shape of its output "[ym]" before it runs;.*--input-shape/,
    );
  });
});

describe("damaged files", () => {
  const changed = (weights: string, change: (dims: bigint[]) => void) => {
    const proto = decodeModel(gap());
    change(proto.graph!.initializer.find(({ name }) => name === weights)!.dims);
    return encodeModel(proto);
  };

  test("weights of a shape that fits no more", async () => {
    const bytes = changed("w", (dims) => dims.splice(1, 3, 1n, 9n, 3n));
    const seeds = { logits: tensor(Array(10).fill(1), [2, 5]) };
    await expect(vjp(ort, bytes, { feeds: images(2), seeds, wrt: ["x"], session })).rejects.toThrow(
      /^invalid model: ONNX Runtime cannot run it: .*Conv/,
    );
  });

  test("a dimension that no number holds", async () => {
    const bytes = changed("fb", (dims) => dims.splice(0, 1, 2n ** 63n - 1n));
    await expect(openExplainer(ort, bytes, { session })).rejects.toThrow(
      'invalid model: "fb" has the dimensions [9223372036854775807]',
    );
  });
});

test("an explainer of a model whose batch is free in name only takes the batch that is fed", async () => {
  const pair = floats([0.1, 0.2, 0.3, 0.4, 0.5, 1, 2, 3, 4, 5], [2, 5]);
  const bytes = gap({ after: [node("Add", "logits pair", "y")], constants: { pair } });
  const explainer = await openExplainer(ort, bytes, { session });
  const reference = await openExplainer(ort, gap(), { session });
  const [{ maps }, { maps: expected }] = await Promise.all(
    [explainer, reference].map((e) => e.explain(images(2), { target: [1, 4] })),
  );
  expect(maps.dims).toEqual(expected.dims);
  for (const [i, v] of (maps.data as Float32Array).entries()) expect(v).toBeCloseTo(expected.data[i] as number, 5);
  await Promise.all([explainer.release(), reference.release()]);
});
