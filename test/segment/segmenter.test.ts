/** @file A segmenter's masks and its answers, on networks small enough to know both by hand. */
import { writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { encodePng } from "../../src/image/sharp.ts";
import { type LoadOptions, load } from "../../src/node/load.ts";
import { folder } from "../cli/run.ts";
import { floats, ints, model, node } from "../models.ts";
import { coloured, gradCam, scene, side } from "./coloured.ts";

const labels = ["red", "green", "blue"];

async function opened(bytes: Uint8Array, options: LoadOptions = { labels }) {
  const directory = folder();
  const file = path.join(directory, "net.onnx");
  writeFileSync(file, bytes);
  return load(file, options);
}

/** Red on the left, green in five columns on the right, blue in the top right corner. */
const where = (x: number, y: number) => (x < 3 ? "red" : x >= 6 && y < 2 ? "blue" : "green");
const picture = scene((x, y) => ({ red: [1, 0.1, 0], green: [0, 1, 0.2], blue: [0.1, 0, 2] })[where(x, y)] ?? []);
const cellsOf = (label: string) =>
  Array.from({ length: side * side }, (_, cell) => cell).filter(
    (cell) => where(cell % side, Math.floor(cell / side)) === label,
  );
const sumOver = (label: string, cells = cellsOf(label), weight = 1) =>
  cells.map((cell) => ({ class: labels.indexOf(label), cell, weight }));

const close = (map: Float32Array, wanted: readonly number[]) => {
  expect(map.length).toBe(wanted.length);
  for (const [i, value] of map.entries()) expect(value).toBeCloseTo(wanted[i] as number, 5);
};

describe("classes", () => {
  test("without a target: every mask, the largest first, and it is said", async () => {
    const model = await opened(coloured());
    const why = await model.explain(picture);
    expect(why.masks?.map(({ index, label, area }) => ({ index, label, area }))).toEqual([
      { index: 0, label: "green", area: 36 / 64 },
      { index: 1, label: "red", area: 24 / 64 },
      { index: 2, label: "blue", area: 4 / 64 },
    ]);
    expect(why.explanations.map(({ target, label, mask, method }) => [target, label, mask, method])).toEqual([
      ["mask:0", "green", 0, "grad-cam"],
      ["mask:1", "red", 1, "grad-cam"],
      ["mask:2", "blue", 2, "grad-cam"],
    ]);
    for (const { label, map } of why.explanations) close(map.data, gradCam(picture, sumOver(label)));
    expect(why.remark).toMatch(/^No target: the 3 masks that cover more than 1 % of the picture are explained/);
    expect(why.predictions).toEqual([]);
    await model.release();
  });

  test.each(["class:green", "class:1", "mask:green", "mask:0", "class:top1"])("%s", async (target) => {
    const model = await opened(coloured());
    const { explanations, remark } = await model.explain(picture, { targets: [target] });
    expect(explanations.map(({ label }) => label)).toEqual(["green"]);
    close(explanations[0]!.map.data, gradCam(picture, sumOver("green")));
    expect(remark).toBeUndefined();
    await model.release();
  });

  test("one rather than another, and the opposite", async () => {
    const model = await opened(coloured());
    const targets = ["class:blue ~ class:green", "not:mask:0", "not:green", "not:class:1"];
    const { explanations } = await model.explain(picture, { targets });
    expect(explanations.map(({ question }) => question)).toEqual([
      "blue rather than green",
      "against green",
      "against green",
    ]);
    close(explanations[0]!.map.data, gradCam(picture, [...sumOver("blue"), ...sumOver("green", undefined, -1)]));
    for (const { map } of explanations.slice(1)) close(map.data, gradCam(picture, sumOver("green", undefined, -1)));
    await model.release();
  });

  const ends = {
    softmax: { after: [node("Softmax", "logits", "y", { axis: 1 })] },
    argmax: { after: [node("ArgMax", "logits", "y", { axis: 1, keepdims: 0 })] },
    "argmax of a softmax, as bytes": {
      after: [
        node("Softmax", "logits", "p", { axis: 1 }),
        node("ArgMax", "p", "a", { axis: 1, keepdims: 1 }),
        node("Cast", "a", "y", { to: 2 }),
      ],
    },
    "channels last": { after: [node("Transpose", "logits", "y", { perm: [0, 2, 3, 1] })] },
    "softmax, channels last": {
      after: [node("Transpose", "logits", "t", { perm: [0, 2, 3, 1] }), node("Softmax", "t", "y", { axis: 3 })],
    },
    "a head beside": { after: [node("Neg", "logits", "aux")], outputs: ["logits", "aux"] },
    "free batch": { free: true },
    "a batch of two": { batch: 2 },
    "no batch": { after: [node("Squeeze", "logits first", "y")], constants: { first: ints([0]) } },
    "argmax without a batch": {
      after: [node("Squeeze", "logits first", "s"), node("ArgMax", "s", "y", { axis: 0, keepdims: 0 })],
      constants: { first: ints([0]) },
    },
  };
  test.each(Object.entries(ends))("explained in front of what the graph ends with: %s", async (_, end) => {
    const model = await opened(coloured(end));
    expect(model.reading.task).toBe("segmentation");
    const why = await model.explain(picture, { targets: ["class:blue", "class:red", "pixel:0,4"] });
    expect(why.masks?.map(({ label, area }) => [label, area * 64])).toEqual([
      ["green", 36],
      ["red", 24],
      ["blue", 4],
    ]);
    close(why.explanations[0]!.map.data, gradCam(picture, sumOver("blue")));
    close(why.explanations[1]!.map.data, gradCam(picture, sumOver("red")));
    close(why.explanations[2]!.map.data, gradCam(picture, sumOver("red", [32])));
    await model.release();
  });

  test("a sigmoid of each class: masks that may overlap", async () => {
    const both = scene((x) => (x < 4 ? [1, 1, 0] : [0, 1, 0]));
    const model = await opened(coloured({ after: [node("Sigmoid", "logits", "y")] }));
    const why = await model.explain(both);
    expect(why.masks?.map(({ label, area }) => [label, area])).toEqual([
      ["green", 1],
      ["red", 0.5],
    ]);
    await model.release();
  });
});

describe("one plane: what removes a background", () => {
  const classes = [[1, -1, 0]];
  const plane = scene((x, y) => (x >= 2 && x < 5 && y >= 3 ? [1, 0.2, 0] : [0.1, 1, 0]));
  const cells = Array.from({ length: 64 }, (_, i) => i).filter((i) => i % 8 >= 2 && i % 8 < 5 && i >= 24);
  const sum = cells.map((cell) => ({ class: 0, cell, weight: 1 }));
  const ends = {
    logits: {},
    sigmoid: { after: [node("Sigmoid", "logits", "y")] },
    "no axis of classes": {
      after: [node("Sigmoid", "logits", "s"), node("Squeeze", "s axis", "y")],
      constants: { axis: ints([1]) },
    },
    "above a half": {
      after: [node("Sigmoid", "logits", "s"), node("Greater", "s half", "y")],
      constants: { half: floats(0.5) },
    },
    "above a logit, as floats": {
      after: [node("Greater", "logits zero", "g"), node("Cast", "g", "y", { to: 1 })],
      constants: { zero: floats(0) },
    },
    rounded: { after: [node("Sigmoid", "logits", "s"), node("Round", "s", "y")] },
    "a sigmoid, cut out of two": {
      after: [
        node("Concat", "logits logits", "two", { axis: 1 }),
        node("Sigmoid", "two", "p"),
        node("Slice", "p from to axis", "y"),
      ],
      constants: { from: ints([1]), to: ints([2]), axis: ints([1]) },
    },
  };
  test.each(Object.entries(ends))("%s", async (_, end) => {
    const model = await opened(coloured({ classes, ...end }), {});
    const why = await model.explain(plane);
    expect(why.masks?.map(({ label, area }) => [label, area * 64])).toEqual([["foreground", 15]]);
    expect(why.explanations.map(({ target }) => target)).toEqual(["mask:0"]);
    close(why.explanations[0]!.map.data, gradCam(plane, sum, classes));
    await model.release();
  });

  test("nothing in front: nothing to explain, and no error", async () => {
    const model = await opened(coloured({ classes, after: [node("Sigmoid", "logits", "y")] }), {});
    const why = await model.explain(scene(() => [0, 1, 0]));
    expect([why.masks, why.explanations, why.remark]).toEqual([
      [],
      [],
      "No mask is predicted: there is nothing to explain.",
    ]);
    await model.release();
  });
});

describe("places", () => {
  test("a pixel: the logit of what is predicted there", async () => {
    const model = await opened(coloured());
    const { explanations } = await model.explain(picture, { targets: ["pixel:7,1", "not:pixel:1,5"] });
    expect(explanations.map(({ label, question, pixel }) => [label, question, pixel])).toEqual([
      ["blue", "blue at 7, 1", { x: 7, y: 1 }],
      ["red", "against red at 1, 5", { x: 1, y: 5 }],
    ]);
    close(explanations[0]!.map.data, gradCam(picture, sumOver("blue", [15])));
    expect(explanations[0]!.warnings).toContainEqual({
      code: "class-chosen",
      text: "blue is predicted at pixel 7, 1: its logit is explained.",
    });
    await model.release();
  });

  test("a pixel between the cells of a coarser grid: bilinear", async () => {
    // Logits of 4 x 4 cells: of pixel 3, 0, the cells 1 and 0 of the first row by 3/4 and 1/4 are hidden in no other.
    const pooled = coloured({ after: [node("AveragePool", "logits", "y", { kernel_shape: [2, 2], strides: [2, 2] })] });
    const model = await opened(pooled);
    const { explanations } = await model.explain(picture, { targets: ["pixel:4,0"] });
    // The pixel's centre, 4.5, lies at 1.75 of the grid, between the cells 1 and 2; above the first row there is none.
    const cell = (x: number, share: number) =>
      [2 * x, 2 * x + 1, side + 2 * x, side + 2 * x + 1].map((at) => ({ class: 1, cell: at, weight: share / 4 }));
    expect(explanations[0]!.label).toBe("green");
    close(explanations[0]!.map.data, gradCam(picture, [...cell(1, 0.25), ...cell(2, 0.75)]));
    await model.release();
  });

  const region = (isIn: (x: number, y: number) => boolean, width = side, height = side) => ({
    ...{ width, height },
    data: Uint8Array.from({ length: 3 * width * height }, (_, i) => {
      const pixel = Math.floor(i / 3);
      return isIn(pixel % width, Math.floor(pixel / width)) ? 1 : 0;
    }),
  });
  const corner = (x: number, y: number) => x >= 5 && y < 3;

  test("a region, by a file or as pixels: the logits there of what is predicted most in it", async () => {
    const directory = folder();
    const file = path.join(directory, "top corner.png");
    writeFileSync(file, await encodePng(region(corner)));
    const model = await opened(coloured());
    const { explanations } = await model.explain(picture, {
      targets: [`region:${file}`, "region:own"],
      regions: { own: region(corner) },
    });
    const cells = Array.from({ length: 64 }, (_, i) => i).filter((i) => corner(i % 8, Math.floor(i / 8)));
    for (const { label, map, warnings } of explanations) {
      expect(label).toBe("green"); // five of nine
      close(map.data, gradCam(picture, sumOver("green", cells)));
      expect(warnings.map(({ code }) => code)).toContain("class-chosen");
    }
    expect(explanations.map(({ asked }) => asked)).toEqual([
      expect.stringMatching(/^region-.*-top-corner$/),
      "region-own",
    ]);
    await model.release();
  });

  const wrong: [target: string, message: RegExp][] = [
    ["pixel:8,0", /^invalid target: "pixel:8,0"; the picture has 8 x 8 pixels: expected .* pixel:0,0 to pixel:7,7$/],
    ["pixel:0,8", /the picture has 8 x 8 pixels/],
    ["pixel:-1,0", /the picture has 8 x 8 pixels/],
    ["pixel:1.5,0", /the picture has 8 x 8 pixels/],
    ["pixel:3", /the picture has 8 x 8 pixels/],
    ["region:small", /^invalid region: small has 4 x 8 pixels; expected the picture's 8 x 8$/],
    ["region:black", /^invalid region: black is black all over/],
    ["region:nowhere.png", /^invalid region: missing image nowhere.png.*; expected a mask of the picture's size/],
    ["mask:3", /^unknown mask: "mask:3"; allowed are 0 to 2$/],
    ["mask:violet", /^unknown class: "violet"/],
    ["class:7", /^unknown class: 7; allowed are 0 to 2, a name, or topN$/],
    ["box:0", /this model has no box to ask about; it can be asked class:.*mask:0.*region:file.png.*pixel:x,y/],
    ["char:0", /this model has no char to ask about/],
    ["mask:0 ~ mask:0", /expected another thing after " ~ " than in front/],
    ["pixel:0,0 ~ class:top2", /expected one thing after " ~ "/],
  ];
  test.each(wrong)("%s is refused, and what is allowed is told", async (target, message) => {
    const model = await opened(coloured());
    const regions = { small: region(corner, 4, 8), black: region(() => false) };
    await expect(model.explain(picture, { targets: [target], regions })).rejects.toMatchObject({
      name: "UserError",
      message: expect.stringMatching(message),
    });
    await model.release();
  });

  test("a class that covers nothing", async () => {
    const model = await opened(coloured());
    const green = scene(() => [0, 1, 0]);
    await expect(model.explain(green, { targets: ["class:red"] })).rejects.toThrow(
      'unknown mask: "class:red"; red is predicted nowhere in this picture; what is predicted is green',
    );
    await model.release();
  });

  test("logits that are no numbers", async () => {
    const model = await opened(coloured());
    await expect(model.explain(scene(() => [Number.NaN, 1, 0]))).rejects.toMatchObject({ code: "not-finite" });
    await model.release();
  });
});

describe("objects", () => {
  /** Queries: what is red, of class a; what is blue, of class b; a third of nothing. */
  const queries = (names: { scores: string; masks: string }) =>
    model({
      opset: 17,
      inputs: {
        x: [1, 3, side, side],
        w: floats([1, 0, 0, 0, 1, 0, 0, 0, 1], [3, 3, 1, 1]),
        v: floats([1, -1, -1, -1, -1, 1, 1, 1, 1], [3, 3, 1, 1]),
        rows: floats([4, 0, 0, 0, 6, 0, 0, 0, 9], [1, 3, 3]),
        zero: floats([0], [1, 1, 1]),
        axes: ints([1, 2, 3]),
        shape: ints([1, 1, 1]),
      },
      nodes: [
        node("Conv", "x w", "conv"),
        node("Relu", "conv", "features"),
        node("Conv", "features v", names.masks),
        node("ReduceMean", names.masks, "mean", { axes: [1, 2, 3], keepdims: 0 }),
        node("Mul", "mean zero", "none"),
        node("Add", "rows none", names.scores),
      ],
      outputs: [names.scores, names.masks],
    });
  const names = { scores: "class_queries_logits", masks: "masks_queries_logits" };

  test("each by its class's score, the best first; nothing of what is nothing", async () => {
    const net = await opened(queries(names), { labels: ["a", "b"] });
    expect(net.reading.task).toBe("instance-segmentation");
    const why = await net.explain(picture);
    expect(why.masks?.map(({ index, label, area }) => [index, label, area * 64])).toEqual([
      [0, "b", 4],
      [1, "a", 24],
    ]);
    expect(why.masks?.[0]?.score).toBeCloseTo(Math.exp(6) / (Math.exp(6) + 2), 5);
    expect(why.explanations.map(({ target, question }) => [target, question])).toEqual([
      ["mask:0", "b (mask 0)"],
      ["mask:1", "a (mask 1)"],
    ]);
    const sum = cellsOf("blue").map((cell) => ({ class: 1, cell, weight: 1 }));
    const planes = [
      [1, -1, -1],
      [-1, -1, 1],
      [1, 1, 1],
    ];
    close(why.explanations[0]!.map.data, gradCam(picture, sum, planes));
    const asked = await net.explain(picture, { targets: ["mask:b", "pixel:7,0", "mask:1"] });
    expect(asked.explanations.map(({ label }) => label)).toEqual(["b", "b", "a"]);
    const certain = await net.explain(picture, { score: 0.999 });
    expect([certain.masks, certain.remark]).toEqual([
      [],
      "Nothing was found above a score of 99.9 %; the best is 99.5 %. --score lowers what counts.",
    ]);
    close(asked.explanations[0]!.map.data, gradCam(picture, sum, planes));
    await net.release();
  });
});

test("by another task the same file is a classifier of means, and so it is in the rooms that need one", async () => {
  const bytes = coloured();
  const classifier = await opened(bytes, { labels, task: "classification" });
  const [best] = (await classifier.explain(picture)).predictions;
  expect(best?.label).toBe("green");
  const segmenter = await opened(bytes);
  const mean = await segmenter.classifier.explain(picture);
  expect(mean.predictions[0]).toEqual(best);
  await classifier.release();
  await segmenter.release();
});
