import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { checkVjp } from "../../src/autodiff/check.ts";
import { float } from "../../src/onnx/proto.ts";
import { type Attributes, floats, ints, model, node, randomFeeds, withFloats } from "../models.ts";
import { checkRule, type Options, type Row, session } from "./rules.ts";

const x = { x: [2, 3, 4, 5] };
const linear: Options = { linear: true, free: ["x"] };
const roi = floats([]);

/** By scales, which need a roi before operator set 13, and by sizes. */
const byScales = (scales: number[], attributes: Attributes, opset: number): Row => [
  { ...x, roi: opset < 13 ? roi : undefined, scales: floats(scales) },
  attributes,
  { opsets: [opset] },
];
const bySizes = (space: number[], attributes: Attributes, opset: number): Row => [
  { ...x, roi: opset < 13 ? roi : undefined, scales: opset < 13 ? roi : undefined, sizes: ints([2, 3, ...space]) },
  attributes,
  // Sizes name the batch too, so it is fixed.
  { opsets: [opset], free: [] },
];

checkRule(
  "Resize",
  { ...linear, opsets: [10] },
  {
    nearest: [{ ...x, scales: floats([1, 1, 2, 2]) }],
    "nearest, not whole": [{ ...x, scales: floats([1, 1, 1.5, 0.6]) }],
    linear: [{ ...x, scales: floats([1, 1, 2, 3]) }, { mode: "linear" }],
    "linear, not whole": [{ ...x, scales: floats([1, 1, 1.7, 0.6]) }, { mode: "linear" }],
    "one axis": [{ ...x, scales: floats([1, 1, 1, 2]) }, { mode: "linear" }],
  },
);

const transforms = ["half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel"];
for (const opset of [11, 13, 18, 19]) {
  for (const coordinate_transformation_mode of transforms) {
    const rows: Record<string, Row> = {};
    for (const mode of ["nearest", "linear", "cubic"]) {
      const attributes = { mode, coordinate_transformation_mode };
      const title = `${mode}, ${coordinate_transformation_mode}`;
      rows[`${title}, scales 2 and 3`] = byScales([1, 1, 2, 3], attributes, opset);
      rows[`${title}, scales not whole`] = byScales([1, 1, 1.7, 0.6], attributes, opset);
      rows[`${title}, one axis`] = byScales([1, 1, 1, 2], attributes, opset);
      rows[`${title}, sizes`] = bySizes([7, 3], attributes, opset);
      rows[`${title}, one size`] = bySizes([4, 8], attributes, opset);
    }
    checkRule("Resize", linear, rows);
  }
}

const nearest = { mode: "nearest", coordinate_transformation_mode: "asymmetric" };
checkRule(
  "Resize",
  { ...linear, opsets: [13] },
  {
    "nearest, floor": [
      { ...x, roi: undefined, scales: floats([1, 1, 1.7, 0.6]) },
      { ...nearest, nearest_mode: "floor" },
    ],
    "nearest, ceil": [
      { ...x, roi: undefined, scales: floats([1, 1, 1.7, 0.6]) },
      { ...nearest, nearest_mode: "ceil" },
    ],
    "nearest, round_prefer_ceil": [
      { ...x, roi: undefined, scales: floats([1, 1, 2, 2]) },
      { ...nearest, nearest_mode: "round_prefer_ceil" },
    ],
    "cubic, another coefficient": [
      { ...x, roi: undefined, scales: floats([1, 1, 2, 2]) },
      { mode: "cubic", cubic_coeff_a: float(-0.5), exclude_outside: 1 },
    ],
    "1-D, linear": [{ x: [2, 3, 5], roi: undefined, scales: floats([1, 1, 2]) }, { mode: "linear" }],
    "3-D, linear": [{ x: [2, 2, 3, 4, 2], roi: undefined, scales: floats([1, 1, 2, 1.5, 2]) }, { mode: "linear" }],
    "channels last": [{ x: [2, 4, 5, 3], roi: undefined, scales: floats([1, 2, 2, 1]) }, { mode: "linear" }],
    "a matrix": [{ x: [4, 5], roi: undefined, scales: floats([2, 1.5]) }, { mode: "linear" }, { free: [] }],
  },
);
checkRule(
  "Resize",
  { ...linear, opsets: [18, 19] },
  {
    "antialias, linear": [
      { ...x, roi: undefined, scales: floats([1, 1, 0.5, 0.6]) },
      { mode: "linear", antialias: 1 },
    ],
    "antialias, cubic": [
      { ...x, roi: undefined, scales: floats([1, 1, 0.5, 0.6]) },
      { mode: "cubic", antialias: 1 },
    ],
    "antialias, sizes": [
      { ...x, roi: undefined, scales: undefined, sizes: ints([2, 3, 3, 2]) },
      { mode: "linear", antialias: 1 },
      { free: [] },
    ],
    "given axes, scales": [
      { ...x, roi: undefined, scales: floats([2, 1.5]) },
      { mode: "linear", axes: [2, 3] },
    ],
    "given axes, sizes": [
      { ...x, roi: undefined, scales: undefined, sizes: ints([8, 3]) },
      { mode: "linear", axes: [-1, 2] },
    ],
    half_pixel_symmetric: [
      { ...x, roi: undefined, scales: floats([1, 1, 1.7, 0.6]) },
      { mode: "linear", coordinate_transformation_mode: "half_pixel_symmetric" },
      { opsets: [19] },
    ],
  },
);

/** The part of the image that is resized: from the first half of the corners to the second. */
const crop = { mode: "linear", coordinate_transformation_mode: "tf_crop_and_resize" };
const corners = floats([0, 0, 0.2, 0.1, 1, 1, 0.7, 0.9]);
checkRule(
  "Resize",
  // Beyond the image there is a constant, so the model is affine.
  { linear: true, opsets: [11, 13, 18] },
  {
    "a crop, by sizes": [{ x: x.x, roi: corners, scales: roi, sizes: ints([2, 3, 5, 6]) }, crop],
    "a crop, beyond the image": [
      { x: x.x, roi: floats([0, 0, -0.3, 0.1, 1, 1, 1.2, 1.4]), scales: roi, sizes: ints([2, 3, 6, 4]) },
      { ...crop, extrapolation_value: float(10) },
    ],
    "a crop of the same size": [{ x: x.x, roi: corners, scales: roi, sizes: ints([2, 3, 4, 5]) }, crop],
    "a crop, cubic": [
      { x: x.x, roi: corners, scales: roi, sizes: ints([2, 3, 5, 6]) },
      { ...crop, mode: "cubic" },
    ],
    "a crop, nearest": [
      { x: x.x, roi: corners, scales: roi, sizes: ints([2, 3, 5, 6]) },
      { ...crop, mode: "nearest" },
    ],
    "a crop, by scales": [{ x: x.x, roi: corners, scales: floats([1, 1, 2, 1.5]) }, crop],
    "a crop with a free batch": [{ x: x.x, roi: corners, scales: floats([1, 1, 2, 1.5]) }, crop, { free: ["x"] }],
  },
);
const part = { x: x.x, roi: floats([0.2, 0.1, 0.7, 0.9]), scales: undefined, sizes: ints([5, 6]) };
checkRule("Resize", { linear: true, opsets: [18, 19] }, { "a crop of given axes": [part, { ...crop, axes: [2, 3] }] });

for (const keep_aspect_ratio_policy of ["not_larger", "not_smaller"])
  for (const mode of ["nearest", "linear", "cubic"]) {
    const kept = (space: number[], attributes: Attributes = {}): Row => [
      { ...x, roi: undefined, scales: undefined, sizes: ints(space) },
      { mode, keep_aspect_ratio_policy, axes: [2, 3], ...attributes },
    ];
    checkRule(
      "Resize",
      { linear: true, opsets: [18, 19] },
      {
        [`${keep_aspect_ratio_policy}, ${mode}, larger`]: kept([7, 8]),
        [`${keep_aspect_ratio_policy}, ${mode}, the other way`]: kept([9, 8]),
        [`${keep_aspect_ratio_policy}, ${mode}, smaller`]: kept([3, 2]),
        [`${keep_aspect_ratio_policy}, ${mode}, axes turned`]: kept([7, 11], { axes: [3, 2] }),
      },
    );
  }

checkRule(
  "Upsample",
  { ...linear, opsets: [9] },
  {
    nearest: [{ ...x, scales: floats([1, 1, 2, 3]) }],
    linear: [{ ...x, scales: floats([1, 1, 2, 2]) }, { mode: "linear" }],
  },
);
// Up to operator set 8 the scales are an attribute.
describe("Upsample", () => {
  test.each(["nearest", "linear"])("%s, opset 7", async (mode) => {
    const bytes = model({
      opset: 7,
      inputs: x,
      nodes: [withFloats(node("Upsample", "x", "y", { mode }), "scales", [1, 1, 2, 3])],
    });
    const [{ error }] = await checkVjp(ort, bytes, { feeds: randomFeeds(x), linear: true, session });
    expect(error).toBeLessThan(1e-4);
  });
});
