/** @file Segmenters by the libraries that they are of: masks, maps by pytorch-grad-cam, and gradients by PyTorch's autograd. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { load } from "../../src/node/load.ts";
import { signed } from "../detect/signed.ts";
import { numbersOf, readNpy } from "../arrays.ts";

const folder = fileURLToPath(new URL("references", import.meta.url));
const pixels = numbersOf(readNpy(path.join(folder, "../../detect/references/picture.npy")));
const picture = { data: Float32Array.from(pixels, (value) => value / 255), dims: [3, 64, 64] };

interface Reference {
  readonly models: readonly { readonly file: string; readonly layer?: string }[];
  readonly names: readonly string[];
  readonly masks: readonly { readonly class: number; readonly cells: number; readonly score?: number }[];
  readonly unit: number;
}

/** By the largest value of all. */
const difference = (a: ArrayLike<number>, b: ArrayLike<number>): number => {
  expect(a.length).toBe(b.length);
  const scale = Math.max(...Array.from(b, Math.abs));
  return Math.max(...Array.from(a, (value, i) => Math.abs(value - (b[i] ?? Number.NaN)))) / scale;
};

const names = readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []));

describe.each(names)("%s", (name) => {
  const file = (of: string) => path.join(folder, name, of);
  const reference: Reference = JSON.parse(readFileSync(file("case.json"), "utf8"));

  test.each(reference.models)("$file", async ({ file: model, layer }) => {
    const opened = await load(file(model), { labels: reference.names });
    const why = await opened.explain(picture);
    expect(why.masks?.map((mask) => mask.class)).toEqual(reference.masks.map((mask) => mask.class));
    for (const [i, { score }] of reference.masks.entries())
      if (score !== undefined) expect(why.masks?.[i]?.score).toBeCloseTo(score, 4);

    const targets = reference.masks.map((_, i) => `mask:${i}`);
    const { explanations } = await opened.explain(picture, { targets, ...(layer && { layer }) });
    expect(explanations.map((one) => one.class)).toEqual(reference.masks.map((mask) => mask.class));
    if (existsSync(file("maps.npy"))) {
      const maps = readNpy(file("maps.npy"));
      const size = maps.data.length / reference.masks.length;
      const numbers = numbersOf(maps);
      for (const [i, { map }] of explanations.entries())
        expect(difference(map.data, numbers.slice(i * size, (i + 1) * size))).toBeLessThan(1e-5);
    }
    const [best] = (await opened.explain(picture, { targets: ["mask:0"], method: signed })).explanations;
    const gradient = numbersOf(readNpy(file("gradient.npy"))).map((value) => value * reference.unit);
    expect(difference(best?.pixels?.data ?? [], gradient)).toBeLessThan(1e-3);
    await opened.release();
  });
});
