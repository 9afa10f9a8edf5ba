/** @file The Sobol sequence is SciPy's, and least squares are scikit-learn's; designs.json is by make_designs.py. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { leastSquares, regression } from "../../src/array/least-squares.ts";
import { sobolDimensions, sobolSequence } from "../../src/array/sobol-sequence.ts";

interface Goldens {
  readonly points: readonly number[];
  readonly dimensions: readonly number[];
  readonly columns: readonly (readonly [dimension: number, in64ths: readonly number[]])[];
  readonly fits: readonly {
    readonly rows: number;
    readonly columns: number;
    readonly ridge: number;
    readonly intercept: boolean;
    readonly coefficients: readonly number[];
  }[];
}
const goldens: Goldens = JSON.parse(readFileSync(new URL("designs.json", import.meta.url)).toString());

test("the Sobol sequence: SciPy's first 64 points of 256 dimensions", () => {
  expect(sobolDimensions).toBe(256);
  const points = sobolSequence(256, 64);
  const sumOf = (of: (at: number) => boolean) => points.reduce((sum, value, at) => (of(at) ? sum + value : sum), 0);
  expect(goldens.points.map((_, n) => sumOf((at) => Math.floor(at / 256) === n))).toEqual(goldens.points);
  expect(goldens.dimensions.map((_, d) => sumOf((at) => at % 256 === d))).toEqual(goldens.dimensions);
  for (const [dimension, column] of goldens.columns)
    expect(column.map((_, n) => points[n * 256 + dimension] * 64)).toEqual(column);
});

test("the Sobol sequence: each part of an axis has its share of the points, at every dimension", () => {
  const [dimensions, count] = [200, 32];
  const points = sobolSequence(dimensions, count);
  for (let d = 0; d < dimensions; d++) {
    const parts = Array.from({ length: count }, (_, n) => Math.floor(points[n * dimensions + d] * count));
    expect(parts.sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, n) => n));
  }
});

test.each(goldens.fits)("least squares: $rows rows, $columns columns, ridge $ridge, intercept $intercept", (golden) => {
  const { rows, columns, ridge, intercept, coefficients } = golden;
  const quantities = Float64Array.from({ length: rows * columns }, (_, i) => Math.sin(0.9 * i + 0.03 * i * i));
  const measured = Float64Array.from({ length: rows }, (_, r) => Math.cos(1.3 * r) + 2);
  const weights = Float64Array.from({ length: rows }, (_, r) => 1 + Math.sin(0.4 * r) ** 2);
  const found = (intercept ? regression : leastSquares)({ quantities, columns, measured, weights }, ridge);
  for (const [j, value] of found.entries()) expect(value).toBeCloseTo(coefficients[j] ?? Number.NaN, 8);
});

test("least squares: what the rows leave open is shared evenly, and what was not varied is 0", () => {
  // Two quantities that are always alike: y = 3 of both together.
  const same = { quantities: Float64Array.of(1, 1, 2, 2), columns: 2, measured: [3, 6], weights: [1, 1] };
  for (const value of leastSquares(same)) expect(value).toBeCloseTo(1.5, 6);
  const none = { quantities: new Float64Array(4), columns: 2, measured: [3, 6], weights: [1, 1] };
  expect([...leastSquares(none)]).toEqual([0, 0]);
  expect([...regression({ ...none, weights: [0, 0] })]).toEqual([0, 0]);
});
