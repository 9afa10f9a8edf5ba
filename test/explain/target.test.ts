/** @file What can be asked about: every form of target, for a head that is linear behind the layer and for one that is not. */

import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { bestClasses } from "../../src/explain/target.ts";
import type { MethodName } from "../../src/methods/by-name.ts";
import { ints, node } from "../models.ts";
import { gap, images, unet, vgg } from "../nets.ts";
import { ask, cotangent, expectClose, expectUserError, gradCam, numbers, open, rows } from "./ask.ts";

test.each([1, 5, 16, 17, 40])("the best %i of 40 scores, of equals those that come first", (count) => {
  const scores = Float32Array.from({ length: 40 }, (_, c) => [3, -1, 0, -0, 7.5, -1, 2][(c * c + 3) % 7]);
  const sorted = [...scores.keys()].sort((a, b) => scores[b] - scores[a] || a - b);
  expect(bestClasses(scores, count)).toEqual(sorted.slice(0, count));
});

const heads = { gap, vgg } as const;
const shown = { outputs: ["logits", "features"] } as const;

describe.each(Object.keys(heads) as (keyof typeof heads)[])("targets on a %s head", (head) => {
  const bytes = heads[head](shown);
  const feeds = images(3);
  const by = (...weights: Parameters<typeof cotangent>[1][]) =>
    gradCam(bytes, feeds, { logits: cotangent(5, ...weights) }, "features");

  test("a class for all images", async () => {
    const { maps, layer, outputs } = await ask(bytes, feeds, { target: 2 });
    expect({ dims: maps.dims, type: maps.type, layer }).toEqual({
      dims: [3, 8, 8],
      type: "float32",
      layer: "features",
    });
    expect(Object.keys(outputs)).toEqual(["logits", "features"]);
    expectClose(numbers(maps), await by([[2, 1]], [[2, 1]], [[2, 1]]));
  });

  test("one class for each image", async () => {
    expectClose(numbers((await ask(bytes, feeds, { target: [4, 0, 3] })).maps), await by([[4, 1]], [[0, 1]], [[3, 1]]));
  });

  test("the best class by default", async () => {
    const { maps, outputs } = await ask(bytes, feeds);
    const best = rows(outputs.logits).map((scores) => scores.indexOf(Math.max(...scores)));
    expectClose(numbers(maps), await by(...best.map((c) => [[c, 1] as const])));
  });

  test("why one class rather than another", async () => {
    const contrast = [
      [1, 1],
      [3, -1],
    ] as const;
    expectClose(
      numbers((await ask(bytes, feeds, { target: { for: 1, against: 3 } })).maps),
      await by(contrast, contrast, contrast),
    );
  });

  test("what speaks against a class", async () => {
    const against = [[1, -1]] as const;
    expectClose(
      numbers((await ask(bytes, feeds, { target: { counterfactual: 1 } })).maps),
      await by(against, against, against),
    );
  });

  test("cotangents", async () => {
    const seeds = {
      logits: cotangent(
        5,
        [[0, 0.5]],
        [[1, -2]],
        [
          [2, 1],
          [3, 1],
        ],
      ),
    };
    expectClose(
      numbers((await ask(bytes, feeds, { target: { seeds } })).maps),
      await gradCam(bytes, feeds, seeds, "features"),
    );
  });

  test.each(["grad-cam", "guided-backprop", "guided-grad-cam", "deconvolution", "gradient", "occlusion"] as const)(
    "every class for every image, image-major, as asked one by one: %s",
    async (method) => {
      const classes = [3, 0, 4];
      const explainer = await open(bytes);
      const forward = await explainer.forward(feeds);
      const together = await forward.explain({ target: { each: classes }, method });
      expect(together.maps.dims).toEqual([9, 8, 8]);
      const apart = await Promise.all(
        classes.map(async (target) => rows((await forward.explain({ target, method })).maps)),
      );
      const expected = [0, 1, 2].flatMap((image) => classes.map((_, j) => apart[j][image]));
      expectClose(numbers(together.maps), expected.flat());
      await explainer.release();
    },
  );

  test("a list of the wrong length says what is allowed", async () => {
    await expectUserError(
      ask(bytes, feeds, { target: [1, 2] }),
      "invalid-option",
      "2 classes for 3 images; give one class for each image, or { each: [...] }",
    );
    await expectUserError(ask(bytes, feeds, { target: { each: [] } }), "invalid-option", "no class is given");
  });

  test.each([5, -1, 1.5, Number.NaN])("class %d is out of range", async (target) => {
    await expectUserError(
      ask(bytes, feeds, { target }),
      "unknown-name",
      `unknown class: ${target}; allowed are 0 to 4`,
    );
  });

  test("seeds of a tensor that is not there, and of another shape", async () => {
    await expectUserError(
      ask(bytes, feeds, { target: { seeds: { nothing: cotangent(5, [[0, 1]]) } } }),
      "unknown-name",
      '"nothing"',
    );
    await expectUserError(
      ask(bytes, feeds, { target: { seeds: { logits: cotangent(4, [[0, 1]]) } } }),
      "invalid-input",
      /logits|shape/,
    );
  });

  test("an unknown method lists those there are", async () => {
    await expectUserError(
      ask(bytes, feeds, { method: "grad-cam-x" as string as MethodName }),
      "unknown-name",
      "allowed are grad-cam, ",
    );
  });
});

test("a class of scores on a grid is the mean over the grid", async () => {
  const bytes = unet({ outputs: ["logits", "deep"] });
  const feeds = images(2);
  const { maps, outputs } = await ask(bytes, feeds, { target: [1, 3] });
  const seed = new Float32Array(outputs.logits.data.length);
  seed.fill(1 / 64, 64, 128).fill(1 / 64, (4 + 3) * 64);
  const seeds = { logits: new ort.Tensor("float32", seed, outputs.logits.dims) };
  expectClose(numbers(maps), await gradCam(bytes, feeds, seeds, "deep"));
});

test("scores of another rank take seeds only", async () => {
  const bytes = gap({ after: [node("Unsqueeze", "logits axes", "sequence")], constants: { axes: ints([2]) } });
  await expectUserError(ask(bytes, images(), { target: 0 }), "invalid-option", "give { seeds } instead");
});
