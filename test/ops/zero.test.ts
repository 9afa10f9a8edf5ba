/** @file What has no gradient: declared zeros end a path, an operator without a rule is named. */
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { vjp } from "../../src/autodiff/vjp.ts";
import { UserError } from "../../src/errors.ts";
import { changed, DataType, type NodeProto } from "../../src/onnx/proto.ts";
import { bools, floats, ints, model, node, randomFeeds, type Sources, tensor } from "../models.ts";
import { session } from "./rules.ts";

async function gradient(opset: number, inputs: Sources, nodes: NodeProto[], dims: number[]): Promise<ort.Tensor> {
  const bytes = model({ opset, inputs: { x: [2, 3], ...inputs }, nodes });
  const seeds = { y: tensor(Array(dims.reduce((a, b) => a * b, 1)).fill(1), dims) };
  return (await vjp(ort, bytes, { feeds: randomFeeds({ x: [2, 3] }), seeds, wrt: ["x"], session })).gradients.x;
}
const toFloat = node("Cast", "z", "y", { to: DataType.FLOAT });

describe("a path through a declared zero alone", () => {
  test.each<[string, Sources, NodeProto[], number[]]>([
    ["ArgMax", {}, [node("ArgMax", "x", "z", { axis: 1, keepdims: 0 }), toFloat], [2]],
    ["ArgMin", {}, [node("ArgMin", "x", "z", { axis: 1, keepdims: 0 }), toFloat], [2]],
    ["Shape", {}, [node("Shape", "x", "z"), toFloat], [2]],
    ["Size", {}, [node("Size", "x", "z"), toFloat], []],
    ["Greater", { b: floats(0) }, [node("Greater", "x b", "z"), toFloat], [2, 3]],
    ["Less", { b: floats(0) }, [node("Less", "x b", "z"), toFloat], [2, 3]],
    ["Equal", { b: floats(0) }, [node("Equal", "x b", "z"), toFloat], [2, 3]],
    ["a whole number", {}, [node("Cast", "x", "z", { to: DataType.INT64 }), toFloat], [2, 3]],
    ["Floor", {}, [node("Floor", "x", "y")], [2, 3]],
    ["Ceil", {}, [node("Ceil", "x", "y")], [2, 3]],
    ["Round", {}, [node("Round", "x", "y")], [2, 3]],
    ["Sign", {}, [node("Sign", "x", "y")], [2, 3]],
    ["Hardmax", {}, [node("Hardmax", "x", "y")], [2, 3]],
    ["ConstantOfShape", {}, [node("Shape", "x", "z"), node("ConstantOfShape", "z", "y")], [2, 3]],
    [
      "the condition of a Where",
      { b: floats([1, 2, 3]), a: floats(0) },
      [node("Greater", "x a", "z"), node("Where", "z b a", "y")],
      [2, 3],
    ],
  ])("%s", async (_, inputs, nodes, dims) => {
    const error = await gradient(13, inputs, nodes, dims).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(UserError);
    expect(error).toMatchObject({ code: "no-path", message: expect.stringContaining('"x"') });
  });

  test("beside another path adds nothing", async () => {
    const nodes = [node("Floor", "x", "z"), node("Add", "x z", "y")];
    expect([...(await gradient(13, {}, nodes, [2, 3])).data]).toEqual([1, 1, 1, 1, 1, 1]);
  });
});

describe("an operator without a rule", () => {
  test("is named, with its node and its input", async () => {
    const triangle = changed(node("Trilu", "z", "y"), { domain: "com.microsoft", name: "back" });
    const nodes = [node("MatMul", "x b", "z"), triangle];
    const error = await gradient(13, { b: floats([1, 2, 3, 4, 5, 7], [3, 2]) }, nodes, [2, 2]).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: "unsupported-operator" });
    for (const word of ["com.microsoft.Trilu", '"back"', '"z"']) expect((error as Error).message).toContain(word);
  });

  test("does no harm off the path", async () => {
    const nodes = [node("Det", "c", "d"), node("Mul", "x d", "y")];
    const found = await gradient(13, { c: floats([2, 0, 0, 3], [2, 2]) }, nodes, [2, 3]);
    expect([...found.data]).toEqual(Array(6).fill(6));
  });
});

test("a Dropout that trains is refused", async () => {
  const nodes = [node("Dropout", "x ratio training", "y")];
  const error = await gradient(13, { ratio: floats(0.5), training: bools(1) }, nodes, [2, 3]).catch((e: unknown) => e);
  expect(error).toMatchObject({ code: "unsupported-operator", message: expect.stringContaining("training") });
});

test("a number read from a shape is a constant", async () => {
  // y = x / batch size, as exporters write it.
  const nodes = [
    node("Shape", "x", "shape"),
    node("Gather", "shape first", "n"),
    node("Cast", "n", "z", { to: DataType.FLOAT }),
    node("Div", "x z", "y"),
  ];
  expect([...(await gradient(13, { first: ints(0) }, nodes, [2, 3])).data]).toEqual(Array(6).fill(0.5));
});
