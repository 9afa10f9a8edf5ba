import { describe, expect, test } from "vitest";
import { DataType } from "../../src/onnx/proto.ts";
import { type Grids, layoutOf } from "../../src/read/layout.ts";

const known = (...grids: number[][]): Grids["known"] => new Map(grids.map((grid) => [String(grid), grid]));

/** A vision transformer on 14 x 14 patches of 192 channels. */
const patches: Grids = {
  rank: 4,
  made: [{ channels: 192, grid: [14, 14] }],
  known: known([14, 14], [7, 7]),
  texts: [],
};

const of = (dims: number[], grids = patches, perImage = true) =>
  layoutOf("x", { type: DataType.FLOAT, dims, perImage }, grids);

describe("a tensor is read as the grid that it has", () => {
  test("channels first", () => expect(of([-1, 64, 14, 14])).toEqual({ channels: 1, grid: [14, 14] }));
  test("channels last", () => expect(of([-1, 14, 14, 64])).toEqual({ channels: 3, grid: [14, 14] }));
  test("both are possible: channels first", () => expect(of([-1, 14, 14, 14])?.channels).toBe(1));
  test("merged patches", () => expect(of([-1, 7, 7, 384])).toEqual({ channels: 3, grid: [7, 7] }));
  test("attention has no grid of the network", () => expect(of([-1, 3, 197, 197])).toBeUndefined());
  test("windows are not images", () => expect(of([-1, 7, 7, 96], patches, false)).toBeUndefined());
  test("one place is no grid", () => {
    const pooled: Grids = { rank: 4, made: [], known: known([1, 1]), texts: [] };
    expect(of([-1, 1, 1, 64], pooled)).toBeUndefined();
  });
});

describe("tokens", () => {
  test("none before the grid", () => expect(of([-1, 196, 192])).toEqual({ channels: 2, grid: [14, 14], prefix: 0 }));
  test("a class token", () => expect(of([-1, 197, 192])?.prefix).toBe(1));
  test("a class token and registers", () => expect(of([-1, 201, 192])?.prefix).toBe(5));
  test("a hidden layer has other channels", () => expect(of([-1, 197, 768])).toBeUndefined());
  test("text is shorter than the grid", () => expect(of([-1, 20, 192])).toBeUndefined());
  test("merged since: half of the patches' grid, of whatever channels", () =>
    expect(of([-1, 49, 384])).toEqual({ channels: 2, grid: [7, 7], prefix: 0 }));
  test("as many as the words of a question: not merged patches", () => {
    const asked: Grids = { ...patches, texts: [49] };
    expect(of([-1, 49, 384], asked)).toBeUndefined();
    expect(of([-1, 196, 192], { ...patches, texts: [196] })?.grid).toEqual([14, 14]);
  });
  test("not square", () => {
    const wide: Grids = { rank: 4, made: [{ channels: 64, grid: [6, 10] }], known: known([6, 10]), texts: [] };
    expect(of([-1, 61, 64], wide)).toEqual({ channels: 2, grid: [6, 10], prefix: 1 });
  });
  test("as the caller says", () => {
    const tensor = { type: DataType.FLOAT, dims: [-1, 25, 48], perImage: true };
    expect(layoutOf("x", tensor, patches, { grid: [4, 4] })).toEqual({ channels: 2, grid: [4, 4], prefix: 9 });
    expect(layoutOf("x", tensor, patches, { grid: [2, 8], prefix: 2 })).toEqual({
      channels: 2,
      grid: [2, 8],
      prefix: 2,
    });
    expect(layoutOf("x", tensor, patches, { grid: [2, 8], prefix: 10 })).toBeUndefined();
  });
});
