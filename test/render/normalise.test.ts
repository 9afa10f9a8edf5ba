import { describe, expect, test } from "vitest";
import { guidedImage, normalise } from "../../src/render/normalise.ts";

const map = (...values: number[]) => ({ width: values.length, height: 1, data: Float32Array.from(values) });

describe("normalise", () => {
  test("divides by the maximum and keeps 0", () =>
    expect([...normalise(map(0, 1, 2, 4)).data]).toEqual([0, 0.25, 0.5, 1]));
  test("does not stretch from the minimum", () => expect([...normalise(map(3, 4)).data]).toEqual([0.75, 1]));
  test("leaves a blank map blank", () => {
    expect([...normalise(map(0, 0)).data]).toEqual([0, 0]);
    expect([...normalise(map(-1, -2)).data]).toEqual([0, 0]);
  });
  test("keeps NaN", () => expect([...normalise(map(Number.NaN, 2)).data]).toEqual([Number.NaN, 1]));
  test("reaches 1 for the smallest numbers", () => expect([...normalise(map(1e-45, 0)).data]).toEqual([1, 0]));
});

describe("guidedImage", () => {
  test("0 is mid grey, and both signs have the same scale", () => {
    const { data, width, height } = guidedImage(Float32Array.of(0, 1, 0, -1, 0, 0.5), 2, 1);
    expect([width, height]).toEqual([2, 1]);
    expect([...data.subarray(0, 3)]).toEqual([128, 128, 128]);
    expect(data[3]).toBeGreaterThanOrEqual(254);
    expect(data[4]).toBeLessThanOrEqual(2);
    expect(Math.abs(data[5] - 191)).toBeLessThanOrEqual(1);
  });

  test("all 0 is all grey", () => expect([...guidedImage(new Float32Array(6), 2, 1).data]).toEqual(Array(6).fill(128)));

  test("NaN is light", () => expect(guidedImage(new Float32Array(3).fill(Number.NaN), 1, 1).data[0]).toBe(236));

  test("a few extremes do not hide the rest, and zeros do not count", () => {
    const values = new Float32Array(3 * 10_000);
    for (let i = 0; i < 1000; i++) values[i] = i % 2 === 0 ? 1 : -1;
    values[5000] = 1000;
    const { data } = guidedImage(values, 100, 100);
    expect(data[0]).toBeGreaterThanOrEqual(254);
    expect(data[5000 * 3]).toBe(255);
  });
});
