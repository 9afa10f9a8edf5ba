/** @file Segmenters by the libraries that they are of: masks, maps by pytorch-grad-cam, and gradients by PyTorch's autograd. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { load } from "../../src/node/load.ts";
import { labelsOn } from "../../src/tasks/segment/planes.ts";
import { numbersOf, readNpy } from "../arrays.ts";
import { signed } from "../detect/signed.ts";

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

test("at another size than the logits' masks are those of the library's own post-processing", async () => {
  const file = (of: string) => path.join(folder, "segformer", of);
  const session = await ort.InferenceSession.create(file("model-dynamo.onnx"));
  const input = new ort.Tensor("float32", picture.data, [1, 3, 64, 64]);
  const { logits } = await session.run({ pixel_values: input });
  const geometry = {
    ...{ input: { width: 64, height: 64 }, original: { width: 80, height: 96 } },
    ...{ scaleX: 80 / 64, scaleY: 96 / 64, left: 0, top: 0 },
  };
  const { data } = labelsOn(logits!.data as Float32Array, 4, [16, 16], geometry);
  const wanted = numbersOf(readNpy(file("sized.npy")));
  const other = data.reduce((count, label, i) => count + Number(label !== wanted[i]), 0);
  expect(other).toBeLessThan(8); // of 7,680, where rounding decides between two
  await session.release();
});

const names = readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() ? [entry.name] : [],
);

describe.each(names)("%s", (name) => {
  const file = (of: string) => path.join(folder, name, of);
  const reference: Reference = JSON.parse(readFileSync(file("case.json"), "utf8"));

  test.each(reference.models)("$file", async ({ file: model, layer }) => {
    // In a directory a configuration says what it is for, and what its classes are called.
    const configured = existsSync(file("config.json"));
    const opened = await (configured ? load(file("")) : load(file(model), { labels: reference.names }));
    expect(opened.reading.task).toBe("segmentation");
    const why = await opened.explain(picture);
    expect(why.masks?.map((mask) => mask.class)).toEqual(reference.masks.map((mask) => mask.class));
    for (const [i, { score }] of reference.masks.entries())
      if (score !== undefined) expect(why.masks?.[i]?.score).toBeCloseTo(score, 4);

    const masks = numbersOf(readNpy(file("masks.npy")));
    const cells = masks.length / reference.masks.length;
    for (const [i, mask] of (why.masks ?? []).entries()) {
      const wanted = masks.slice(i * cells, (i + 1) * cells);
      // Where the logits are as large as the picture, a cell is a pixel.
      if (cells === 64 * 64) expect(Array.from(mask.pixels.data)).toEqual(Array.from(wanted));
      expect(mask.label).toBe(reference.names[mask.class]);
    }

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
