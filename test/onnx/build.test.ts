import { describe, expect, test } from "vitest";
import { Builder, type Value } from "../../src/onnx/build.ts";
import { broadcastDims } from "../../src/onnx/dims.ts";
import { DataType, float } from "../../src/onnx/proto.ts";

const value = (name: string, ...dims: number[]): Value => ({ name, type: DataType.FLOAT, dims });
const operators = (build: Builder, ...outputs: Value[]) => build.collect(outputs).nodes.map(({ opType }) => opType);
const x = value("x", 2, 3, 4);

describe("what is made once", () => {
  test("not what differs by an infinite number, NaN or the sign of 0", () => {
    const build = new Builder(13);
    const x = build.input(DataType.FLOAT, [2]);
    const odd = [0, -0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    const nodes = odd.map((v) => build.op("ThresholdedRelu", [x], { alpha: float(v) }).name);
    const constants = odd.map((v) => build.floats([v]).name);
    expect(new Set([...nodes, ...constants]).size).toBe(10);
  });

  test("equal nodes", () => {
    const build = new Builder(13);
    expect(build.exp(x)).toBe(build.exp(x));
    expect(build.add(build.exp(x), build.exp(x)).name).toBe(build.add(build.exp(x), build.exp(x)).name);
    expect(operators(build, build.add(build.exp(x), build.exp(x)))).toEqual(["Exp", "Add"]);
  });

  test("equal constants, but not of another type or shape", () => {
    const build = new Builder(13);
    expect(build.ints([1, 2])).toBe(build.ints([1, 2]));
    expect(build.ints(1)).not.toBe(build.ints([1]));
    expect(build.floats(1)).not.toBe(build.floats(1, undefined, DataType.DOUBLE));
  });

  test("nodes that differ in an attribute or an input are two", () => {
    const build = new Builder(13);
    expect(build.transpose(x, [0, 2, 1])).not.toBe(build.transpose(x, [2, 1, 0]));
    expect(build.exp(x)).not.toBe(build.exp(value("y", 2, 3, 4)));
  });
});

test("what nobody reads is left out", () => {
  const build = new Builder(13);
  build.mul(build.tanh(x), 5);
  const wanted = build.mul(build.exp(x), 7);
  const { nodes, initializers } = build.collect([wanted]);
  expect(nodes.map(({ opType }) => opType)).toEqual(["Exp", "Mul"]);
  expect(initializers).toHaveLength(1);
});

describe("identities", () => {
  test("the mean of what was only expanded is what it was", () => {
    const build = new Builder(13);
    const small = value("small", 2, 3, 1);
    expect(build.reduceMean(build.expandLike(small, x), [2])).toBe(small);
    expect(build.reduceMean(build.expandLike(small, x), [1])).not.toBe(small);
  });

  test("one-hot rows times a matrix are gathered", () => {
    for (const opset of [9, 11, 13]) {
      const build = new Builder(opset);
      const indices: Value = { name: "indices", type: DataType.INT64, dims: [5] };
      const rows = build.oneHot(indices, build.ints(10), DataType.FLOAT, [5, 10]);
      expect(operators(build, build.matMul(rows, value("w", 10, 7)))).toEqual(["Gather"]);
      expect(operators(build, build.gemm(rows, value("w", 10, 7)))).toEqual(["Gather"]);
      expect(build.gemm(rows, value("v", 7, 10), { transB: true }).dims).toEqual([5, 7]);
      expect(operators(build, build.gemm(rows, value("v", 7, 10), { transB: true }))).toEqual(["Transpose", "Gather"]);
    }
  });

  test("nothing is made for nothing", () => {
    const build = new Builder(13);
    expect(build.mul(x, 1)).toBe(x);
    expect(build.transpose(x, [0, 1, 2])).toBe(x);
    expect(build.reshape(x, [2, 3, 4])).toBe(x);
    expect(build.pad(x, [0, 0, 0], [0, 0, 0])).toBe(x);
    expect(build.reduceSum(x, [])).toBe(x);
    expect(build.cast(x, DataType.FLOAT)).toBe(x);
    expect(build.expandLike(x, x)).toBe(x);
    expect(build.concat([x], 1)).toBe(x);
  });
});

describe("dims", () => {
  test.each([
    [[2, 3], [3], [2, 3]],
    [
      [2, 1],
      [1, 3],
      [2, 3],
    ],
    [
      [-1, 3],
      [1, 3],
      [-1, 3],
    ],
    [
      [-1, 3],
      [4, 3],
      [4, 3],
    ],
    [[], [2], [2]],
  ])("[%s] beside [%s] is [%s]", (a, b, expected) => {
    expect(broadcastDims(a, b)).toEqual(expected);
    expect(broadcastDims(b, a)).toEqual(expected);
  });

  test("follow through reshapes, reductions and cuts", () => {
    const build = new Builder(13);
    expect(build.reshape(x, [6, -1]).dims).toEqual([6, 4]);
    expect(build.reduceSum(x, [1]).dims).toEqual([2, 1, 4]);
    expect(build.reduceSum(x, [0, 2], false).dims).toEqual([3]);
    expect(build.slice(x, 2, 1, 3).dims).toEqual([2, 3, 2]);
    expect(build.pad(x, [0, 1, 0], [0, 0, -1]).dims).toEqual([2, 4, 3]);
    expect(build.unsqueeze(x, [0, 4]).dims).toEqual([1, 2, 3, 4, 1]);
  });
});

test("axes are written as each operator set has them", () => {
  const input = (opset: number, make: (build: Builder) => Value) => {
    const build = new Builder(opset);
    return build.collect([make(build)]).nodes[0].input.length;
  };
  expect([9, 12, 13].map((opset) => input(opset, (b) => b.reduceSum(x, [1])))).toEqual([1, 1, 2]);
  expect([9, 17, 18].map((opset) => input(opset, (b) => b.reduceMean(x, [1])))).toEqual([1, 1, 2]);
  expect([9, 12, 13].map((opset) => input(opset, (b) => b.unsqueeze(x, [1])))).toEqual([1, 1, 2]);
  expect([9, 10].map((opset) => input(opset, (b) => b.slice(x, 1, 0, 1)))).toEqual([1, 4]);
  expect([10, 11].map((opset) => input(opset, (b) => b.pad(x, [0, 0, 1], [0, 0, 0])))).toEqual([1, 2]);
});

test("operator sets below 9 are refused", () => {
  expect(() => new Builder(8)).toThrow("internal:");
});
