/** @file The distributions are scipy's (distributions.json, by make_goldens.py), to 1e-9 and better. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { normalCdf, solve, studentQuantile } from "../../src/array/distributions.ts";

const { normal, student } = JSON.parse(readFileSync(new URL("./distributions.json", import.meta.url), "utf8")) as {
  normal: [x: number, share: number][];
  student: [share: number, df: number, value: number][];
};

test.each(normal)("%d standard deviations", (x, share) => {
  expect(Math.abs(normalCdf(x) / share - 1)).toBeLessThan(1e-12);
});

test("between the two ways of the normal distribution there is no step", () => {
  const [below, above] = [normalCdf(-2 * Math.SQRT2 - 1e-12), normalCdf(-2 * Math.SQRT2 + 1e-12)];
  expect(above).toBeGreaterThanOrEqual(below);
  expect(above / below - 1).toBeLessThan(1e-10);
});

test("Student's t at shares of 1/2 to 0.9999, from half a degree of freedom to ten millions", () => {
  for (const [share, df, value] of student) {
    const found = studentQuantile(share, df);
    expect(Math.abs(found - value) / Math.max(1, value), `${share}, ${df}: ${found}, not ${value}`).toBeLessThan(1e-10);
  }
});

test("one value alone has no interval", () => expect(studentQuantile(0.975, 0)).toBe(Number.POSITIVE_INFINITY));

test("with more degrees of freedom the point falls to the normal one", () => {
  const points = [1, 2, 5, 39.9, 40.1, 1e3, 1e6].map((df) => studentQuantile(0.975, df));
  expect(points).toEqual([...points].sort((a, b) => b - a));
  const z = solve(normalCdf, 0.975);
  expect(points.at(-1)).toBeGreaterThan(z);
  expect((points.at(-1) as number) - z).toBeLessThan(1e-5);
});
