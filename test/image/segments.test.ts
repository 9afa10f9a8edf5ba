/** @file Superpixels and segments are scikit-image's, label by label; segments.json is by make_segments.py. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { felzenszwalb, pixelSteps } from "../../src/image/felzenszwalb.ts";
import { slic } from "../../src/image/slic.ts";
import { smoothed } from "../../src/methods/gradient/blur.ts";

interface Golden {
  readonly dims: readonly number[];
  readonly runs: readonly (readonly [label: number, count: number])[];
}
interface Goldens {
  readonly slic: readonly (Golden & { readonly segments: number; readonly compactness: number })[];
  readonly felzenszwalb: readonly (Golden & {
    readonly scale: number;
    readonly sigma: number;
    readonly least: number;
  })[];
}
const goldens: Goldens = JSON.parse(readFileSync(new URL("segments.json", import.meta.url)).toString());
const labelsOf = ({ runs }: Golden) => runs.flatMap(([label, count]) => Array<number>(count).fill(label));

/** The picture of make_segments.py. */
const picture = ([channels = 1, height = 1, width = 1]: readonly number[]) =>
  Float32Array.from({ length: channels * height * width }, (_, at) => {
    const [i, y, x] = [Math.floor(at / height / width), Math.floor(at / width) % height, at % width];
    const waves = Math.sin(0.11 * x * (1 + i) + 0.07 * y) + 0.6 * Math.cos(0.09 * y * (2 + i) - 0.03 * x * i);
    return waves + 0.1 * Math.sin(1.7 * x + 2.3 * y + i);
  });

function unit(values: Float32Array): Float64Array {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return Float64Array.from(values, (value) => ((value - least) / (most - least)) * 2 - 1);
}

test.each(goldens.slic)("slic of $dims into $segments, compactness $compactness", (golden) => {
  expect([...slic(picture(golden.dims), golden.dims, golden)]).toEqual(labelsOf(golden));
});

test.each(goldens.felzenszwalb)("felzenszwalb of $dims at scale $scale", (golden) => {
  const { dims, scale, sigma, least } = golden;
  const steps = pixelSteps(smoothed(unit(picture(dims)), dims, sigma, "mirror"), dims);
  expect([...felzenszwalb(steps, { scale: scale / 255, least })]).toEqual(labelsOf(golden));
});

describe("any picture", () => {
  test("of one colour is divided into even squares by slic, and left whole by felzenszwalb", () => {
    const flat = new Float32Array(3 * 12 * 12).fill(2);
    const labels = slic(flat, [3, 12, 12], { segments: 4, compactness: 0.2 });
    const corners = [0, 11, 132, 143].map((p) => labels[p]);
    expect(new Set(corners).size).toBe(4);
    for (const corner of corners) {
      const size = labels.filter((label) => label === corner).length;
      expect([25, 35, 36, 42, 49]).toContain(size); // a middle that is as near to two goes to the first
    }
    expect(new Set(felzenszwalb(pixelSteps(Float64Array.from(flat), [3, 12, 12]), { scale: 1, least: 1 })).size).toBe(
      1,
    );
  });

  test("felzenszwalb cuts a signal at its step, and a volume along a plane", () => {
    const signal = Float64Array.of(0, 0.01, 0, 5, 5.01, 5);
    expect([...felzenszwalb(pixelSteps(signal, [1, 6]), { scale: 0.5, least: 1 })]).toEqual([0, 0, 0, 1, 1, 1]);
    const volume = Float64Array.from({ length: 64 }, (_, p) => (p < 32 ? 0 : 1));
    const labels = felzenszwalb(pixelSteps(volume, [1, 4, 4, 4]), { scale: 0.5, least: 1 });
    expect([...labels]).toEqual([...volume]);
  });

  test("no segment is smaller than the least", () => {
    const dims = [1, 20, 20];
    const noise = Float64Array.from({ length: 400 }, (_, p) => Math.sin(12.9898 * p * p));
    for (const least of [1, 5, 30]) {
      const labels = felzenszwalb(pixelSteps(noise, dims), { scale: 0.1, least });
      const counts = new Map<number, number>();
      for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
      expect(Math.min(...counts.values())).toBeGreaterThanOrEqual(least);
      expect([...counts.keys()].sort((a, b) => a - b)).toEqual([...counts.keys()]);
    }
  });
});
