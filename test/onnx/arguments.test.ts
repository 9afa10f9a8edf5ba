import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { checkVjp } from "../../src/autodiff/check.ts";
import { readModel } from "../../src/onnx/model.ts";
import { observe } from "../../src/onnx/observe.ts";
import { ints, model, node, randomFeeds, type Sources, type Wanted } from "../models.ts";
import { session } from "../ops/rules.ts";

const x = { x: [2, 3, 5, 7] };

/** As PyTorch writes pads of the last axes: with zeros for the others, turned around in rows of two, and transposed. */
const turned: Wanted = {
  opset: 13,
  inputs: {
    ...x,
    ...{ given: ints([1, 2, 3, 1]), four: ints([4]), rows: ints([-1, 2]), line: ints([-1]) },
    ...{ end: ints([-1]), past: ints([-100]), first: ints([0]), back: ints([-1]) },
  },
  nodes: [
    node("ConstantOfShape", "four", "none"),
    node("Cast", "none", "zeros", { to: 7 }),
    node("Concat", "given zeros", "all", { axis: 0 }),
    node("Reshape", "all rows", "pairs"),
    node("Slice", "pairs end past first back", "reversed"),
    node("Transpose", "reversed", "sides", { perm: [1, 0] }),
    node("Reshape", "sides line", "pads"),
    node("Pad", "x pads", "y", { mode: "reflect" }),
  ],
  outputs: ["y"],
};

/** A margin of half the width on both sides. */
const halves: Wanted = {
  opset: 13,
  inputs: { ...x, three: ints([3]), two: ints([2]), none: ints([0, 0, 0]) },
  nodes: [
    node("Shape", "x", "shape"),
    node("Gather", "shape three", "width"),
    node("Div", "width two", "half"),
    node("Concat", "none half none half", "pads", { axis: 0 }),
    node("Pad", "x pads", "y", { mode: "edge" }),
  ],
  outputs: ["y"],
};

/** The axes from the second to the last, as functions of the standard count them. */
const counted: Wanted = {
  opset: 18,
  inputs: { ...x, one: ints(1) },
  nodes: [
    node("Shape", "x", "shape"),
    node("Size", "shape", "rank"),
    node("Range", "one rank one", "axes"),
    node("ReduceMean", "x axes", "y", { keepdims: 0 }),
  ],
  outputs: ["y"],
};

/** The batch, and a number that it is not part of. */
const sizes: Wanted = {
  opset: 13,
  inputs: { ...x, zero: ints([0]), two: ints([2]), more: ints([0, 0, 0]), none: ints([0, 0, 0, 0]) },
  nodes: [
    node("Shape", "x", "shape"),
    node("Gather", "shape zero", "batch"),
    node("Gather", "shape two", "height"),
    node("Concat", "batch more none", "by-batch", { axis: 0 }),
    node("Concat", "height more none", "by-height", { axis: 0 }),
    node("Pad", "x by-batch", "y"),
    node("Pad", "x by-height", "z"),
  ],
  outputs: ["y", "z"],
};

const read = (wanted: Wanted, free: string[] = []) => readModel(model({ ...wanted, free }));

describe("arguments that are worked out", () => {
  for (const [title, wanted] of Object.entries({ "by constants": turned, "by a shape": halves, "by a rank": counted }))
    for (const free of [[], ["x"]])
      test(`${title}: the adjoint of what reads them${free.length ? ", free batch" : ""}`, async () => {
        const feeds = randomFeeds(x as Sources);
        for (const { error } of await checkVjp(ort, model({ ...wanted, free }), { feeds, linear: true, session }))
          expect(error).toBeLessThan(1e-4);
      });

  test("their numbers, in the order of the axes", async () => {
    const seen = await observe(ort, read(turned), {}, session);
    expect(seen.get("pads")?.values).toEqual([0, 0, 3, 1, 0, 0, 1, 2]);
    expect((await observe(ort, read(halves), {}, session)).get("pads")?.values).toEqual([0, 0, 0, 3, 0, 0, 0, 3]);
  });

  test("what depends on a free batch is no constant", async () => {
    const seen = await observe(ort, read(sizes, ["x"]), {}, session);
    expect(seen.get("by-batch")?.values).toBeUndefined();
    expect(seen.get("by-height")?.values).toEqual([5, 0, 0, 0, 0, 0, 0, 0]);
    const fixed = await observe(ort, read(sizes), {}, session);
    expect(fixed.get("by-batch")?.values).toEqual([2, 0, 0, 0, 0, 0, 0, 0]);
  });
});
