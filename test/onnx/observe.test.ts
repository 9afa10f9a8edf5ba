import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { readModel } from "../../src/onnx/model.ts";
import { type Observed, observe } from "../../src/onnx/observe.ts";
import { DataType } from "../../src/onnx/proto.ts";
import { floats, ints, model, node, oneNode, type Wanted } from "../models.ts";
import { windows } from "../nets.ts";
import { session } from "../ops/rules.ts";

const large = { w: floats(Array(108).fill(1), [4, 3, 3, 3]) };
const network: Wanted = {
  opset: 13,
  inputs: { x: [1, 3, 8, 6], ...large, shape: ints([0, -1]) },
  nodes: [
    node("Conv", "x w", "c", { strides: [2, 2], pads: [1, 1, 1, 1] }),
    node("Relu", "c", "r"),
    node("Reshape", "r shape", "f"),
    node("ArgMax", "f", "best", { axis: 1, keepdims: 0 }),
    node("Cast", "f", "half", { to: DataType.FLOAT16 }),
    node("Shape", "x", "s"),
  ],
  outputs: ["half"],
};
const look = (wanted: Partial<Wanted> = {}, shapes: Record<string, number[]> = {}): Promise<Observed> =>
  observe(ort, readModel(model({ ...network, ...wanted })), shapes, session);
const dims = (seen: Observed, ...names: string[]) => names.map((name) => seen.get(name)?.dims);

describe("observe", () => {
  test("fixed dimensions of every tensor, weights and inputs too", async () => {
    const seen = await look();
    expect(dims(seen, "x", "w", "c", "r", "f", "best", "half", "s")).toEqual([
      [1, 3, 8, 6],
      [4, 3, 3, 3],
      [1, 4, 4, 3],
      [1, 4, 4, 3],
      [1, 48],
      [1],
      [1, 48],
      [4],
    ]);
  });

  test("types", async () => {
    const seen = await look();
    const types = ["x", "f", "best", "half", "shape"].map((name) => seen.get(name)?.type);
    expect(types).toEqual([DataType.FLOAT, DataType.FLOAT, DataType.INT64, DataType.FLOAT16, DataType.INT64]);
  });

  test("a free batch is -1 everywhere, and nothing else is", async () => {
    const seen = await look({ free: ["x"] });
    expect(dims(seen, "x", "w", "c", "f", "best", "s")).toEqual([
      [-1, 3, 8, 6],
      [4, 3, 3, 3],
      [-1, 4, 4, 3],
      [-1, 48],
      [-1],
      [4],
    ]);
  });

  test("so is a size that ONNX Runtime Web does not know, which is -1 without its sign there", async () => {
    const web = {
      ...ort,
      InferenceSession: {
        create: async (...args: Parameters<typeof ort.InferenceSession.create>) => {
          const real = await ort.InferenceSession.create(...args);
          const outputMetadata = real.outputMetadata.map((of) =>
            of.isTensor ? { ...of, shape: of.shape.map((d) => (typeof d === "string" ? 2 ** 32 - 1 : d)) } : of,
          );
          return { outputMetadata, release: () => real.release() };
        },
      },
    } as unknown as typeof ort;
    const bytes = oneNode("Relu", { opset: 13, inputs: { x: [1, 2, -1] } });
    expect(dims(await observe(web, readModel(bytes), {}, session), "x", "y")).toEqual([
      [1, 2, -1],
      [1, 2, -1],
    ]);
  });

  test("the batch is told from a dimension of the same size", async () => {
    // At the batch sizes tried, 2 and 3, an axis of 2 or 3 is no batch.
    const seen = await observe(
      ort,
      readModel(oneNode("Relu", { opset: 13, inputs: { x: [1, 2, 3] }, free: ["x"] })),
      {},
      session,
    );
    expect(dims(seen, "x", "y")).toEqual([
      [-1, 2, 3],
      [-1, 2, 3],
    ]);
  });

  test("where the batch is folded into a dimension", async () => {
    const seen = await observe(ort, readModel(windows({ folded: true })), {}, session);
    expect(["features", "blocks", "windows", "active", "joined"].filter((name) => seen.get(name)?.folded)).toEqual([
      "windows",
      "active",
    ]);
  });

  test("a model that the runtime refuses", async () => {
    const broken = oneNode("Convolve", { opset: 13, inputs: { x: [1, 3] } });
    await expect(observe(ort, readModel(broken), {}, session)).rejects.toMatchObject({ code: "invalid-model" });
  });
});
