/** @file Two maps are called alike only where their peaks lie within one cell and the correlation is above 0.8. */
import { expect, test } from "vitest";
import { likenessOf } from "../../studio/src/engine/likeness.ts";
import { agreement, alike, figure } from "../../studio/src/parts/agreement.ts";

/** A hill on a grid of so many cells, its top at a place in shares of the sides. */
function hill(size: number, x: number, y: number) {
  const data = Float32Array.from({ length: size * size }, (_, i) => {
    const [across, down] = [((i % size) + 0.5) / size - x, (Math.floor(i / size) + 0.5) / size - y];
    return Math.exp(-4 * (across ** 2 + down ** 2));
  });
  return { data, dims: [size, size] };
}

test("the distance of peaks is in cells of the coarser map, whichever grid the other has", () => {
  const asked = hill(7, 3.5 / 7, 3.5 / 7);
  for (const size of [7, 14, 49, 112]) {
    expect(likenessOf(asked, hill(size, 3.5 / 7, 3.5 / 7)).apart).toBeLessThan(0.3);
    expect(likenessOf(asked, hill(size, 5.5 / 7, 3.5 / 7)).apart).toBeCloseTo(2, 0);
  }
});

test("alike are maps that agree in both; one of them is not enough", () => {
  const asked = hill(7, 0.5, 0.5);
  const same = likenessOf(asked, hill(28, 0.5, 0.5));
  expect(same.correlation).toBeGreaterThan(0.8);
  expect(alike(same)).toBe(true);
  expect(agreement(same)).toMatch(/^They are similar/);

  // The same order of values everywhere, but for a peak elsewhere.
  const spiked = { ...asked, data: asked.data.slice() };
  spiked.data[0] = 10;
  const other = likenessOf(asked, spiked);
  expect(other.correlation).toBeGreaterThan(0.8);
  expect(other.apart).toBe(3);
  expect(alike(other)).toBe(false);
  expect(agreement(other)).toMatch(/3\.0 cells apart/);

  // The same peak, all else otherwise.
  const rough = { ...asked, data: asked.data.map((v, i) => (i === 24 ? 10 : -v)) };
  const torn = likenessOf(asked, rough);
  expect(torn.apart).toBe(0);
  expect(alike(torn)).toBe(false);
  expect(agreement(torn)).toMatch(/peak in the same place, and elsewhere they differ/);

  for (const [correlation, apart, is] of [
    [0.81, 1, true],
    [0.8, 1, false],
    [0.95, 1.01, false],
    [0.95, Number.NaN, false],
    [Number.NaN, 0, false],
  ] as const)
    expect(alike({ correlation, apart })).toBe(is);
});

test("a map that points nowhere is like no other, and has no figure", () => {
  const blank = { data: new Float32Array(49), dims: [7, 7] };
  const likeness = likenessOf(hill(7, 0.5, 0.5), blank);
  expect(alike(likeness)).toBe(false);
  expect(agreement(likeness)).toMatch(/points nowhere/);
  expect(figure(Number.NaN)).toBe("–");
});
