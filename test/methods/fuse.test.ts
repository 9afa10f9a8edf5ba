/** @file Maps of several layers as one, worked out on paper. */
import { describe, expect, test } from "vitest";
import { fused, resized } from "../../src/methods/fuse.ts";

const map = (dims: readonly number[], ...values: number[]) => ({ data: Float32Array.from(values), dims: [...dims] });

describe("fused", () => {
  test("each map over its largest value, and the largest of them at each place of the finest grid", () => {
    const coarse = map([1, 1, 2], 4, 2);
    const fine = map([1, 2, 4], 0, 0, 0, 30, 0, 0, 15, 0);
    const { data, dims } = fused([coarse, fine]);
    expect(dims).toEqual([1, 2, 4]);
    // The coarse one between the centres of its cells: 1, 0.875, 0.625, 0.5.
    expect([...data]).toEqual([1, 0.875, 0.625, 1, 1, 0.875, 0.625, 0.5]);
  });
  test("of signed maps the stronger one, with its sign", () => {
    const { data } = fused([map([1, 1, 3], -2, 1, 0.5), map([1, 1, 3], 5, 0, -10)]);
    expect([...data]).toEqual([-1, 0.5, -1]);
  });
  test("explanations are apart, and a blank map counts nothing", () => {
    const { data } = fused([map([2, 2], 0, 0, 1, 2), map([2, 2], 3, 6, 0, 0)]);
    expect([...data]).toEqual([0.5, 1, 0.5, 1]);
    expect([...fused([map([1, 2], 0, 0)]).data]).toEqual([0, 0]);
  });
  test("one axis, and three", () => {
    expect([...resized(Float32Array.of(0, 4), [2], [4])]).toEqual([0, 1, 3, 4]);
    expect([...resized(Float32Array.of(0, 4), [2, 1, 1], [4, 1, 2])]).toEqual([0, 0, 1, 1, 3, 3, 4, 4]);
  });
});
