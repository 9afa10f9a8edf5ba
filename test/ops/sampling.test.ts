import { float } from "../../src/onnx/proto.ts";
import { floats, ints, type Sources } from "../models.ts";
import { apart, checkRule, type Options, type Row } from "./rules.ts";

const image: Options = { linear: true, wrt: ["x"] };
const flat: Sources = { x: [2, 3, 4, 5], grid: [2, 3, 2, 2] };
const rows: Record<string, Row> = {};
for (const padding_mode of ["zeros", "border", "reflection"])
  for (const align_corners of [0, 1])
    for (const mode of ["bilinear", "nearest", "bicubic"]) {
      const attributes = { mode, padding_mode, align_corners };
      const title = `${mode}, ${padding_mode}, align_corners ${align_corners}`;
      rows[title] = [flat, attributes, { free: ["x", "grid"] }];
      if (mode !== "nearest")
        rows[`${title}, the places`] = [
          flat,
          attributes,
          { wrt: ["grid"], linear: false, step: 1e-4, most: 0.1, values: (n) => n.map((v) => v * 0.7) },
        ];
    }
checkRule("GridSample", { ...image, opsets: [16] }, rows);
checkRule(
  "GridSample",
  { ...image, opsets: [20, 22] },
  {
    linear: [flat, { mode: "linear" }],
    nearest: [flat, { mode: "nearest" }],
    cubic: [flat, { mode: "cubic" }],
    "3-D": [
      { x: [2, 2, 3, 4, 3], grid: [2, 2, 3, 2, 3] },
      { mode: "linear", padding_mode: "border" },
    ],
    "3-D, nearest": [{ x: [2, 2, 3, 4, 3], grid: [2, 2, 3, 2, 3] }, { mode: "nearest" }],
  },
);

checkRule(
  "AffineGrid",
  { linear: true, opsets: [20] },
  {
    "2-D": [{ theta: [2, 2, 3], size: ints([2, 3, 4, 5]) }],
    "2-D, align_corners": [{ theta: [2, 2, 3], size: ints([2, 3, 4, 5]) }, { align_corners: 1 }],
    "3-D": [{ theta: [2, 3, 4], size: ints([2, 1, 3, 4, 2]) }],
  },
);

const boxes = (scale: number) => ({
  x: [2, 3, 8, 9],
  rois: {
    type: 1,
    dims: [3, 4],
    values: [0.3, 0.4, 5.2, 6.1, 2, 1.5, 7.7, 7.9, -0.6, 3.2, 4.1, 8.8].map((v) => v / scale),
  },
  batch: ints([0, 1, 0]),
});
checkRule(
  "RoiAlign",
  { linear: true, wrt: ["x"] },
  {
    "before half_pixel": [boxes(1), { output_height: 2, output_width: 3, sampling_ratio: 2 }, { opsets: [11] }],
    half_pixel: [
      boxes(2),
      { output_height: 2, output_width: 3, sampling_ratio: 2, spatial_scale: float(2) },
      { opsets: [16] },
    ],
    output_half_pixel: [
      boxes(1),
      { output_height: 3, output_width: 2, sampling_ratio: 1, coordinate_transformation_mode: "output_half_pixel" },
      { opsets: [16] },
    ],
    adaptive: [boxes(1), { output_height: 2, output_width: 2 }, { refuses: "sampling_ratio", opsets: [16] }],
    max: [
      boxes(1),
      { output_height: 2, output_width: 2, sampling_ratio: 2, mode: "max" },
      { refuses: "max", opsets: [16] },
    ],
  },
);

const convolution = { x: [2, 4, 5, 6], w: [2, 4, 3, 3] };
checkRule(
  "DeformConv",
  { linear: true, wrt: ["x", "w"], opsets: [19, 22] },
  {
    plain: [{ ...convolution, offset: [2, 18, 3, 4] }, { kernel_shape: [3, 3] }],
    "pads, strides": [
      { ...convolution, offset: [2, 18, 3, 3] },
      { kernel_shape: [3, 3], pads: [1, 1, 1, 1], strides: [2, 2] },
    ],
    "bias, mask": [
      { ...convolution, offset: [2, 18, 3, 4], b: [2], mask: [2, 9, 3, 4] },
      { kernel_shape: [3, 3] },
      { wrt: ["x", "w", "b", "mask"] },
    ],
    groups: [
      { x: [2, 4, 5, 6], w: [2, 2, 3, 3], offset: [2, 36, 3, 4] },
      { kernel_shape: [3, 3], group: 2, offset_group: 2 },
    ],
  },
);
checkRule(
  "DeformConv",
  { opsets: [19] },
  {
    "the offsets": [
      { ...convolution, offset: [2, 18, 3, 4] },
      { kernel_shape: [3, 3] },
      { wrt: ["offset"], step: 1e-4, most: 0.1 },
    ],
  },
);

checkRule(
  "MaxRoiPool",
  { wrt: ["x"], values: apart, opsets: [9, 13, 18] },
  {
    "cells that overlap": [
      { x: [2, 3, 6, 5], rois: floats([0, 0, 0, 4, 5, 1, 1, 2, 3, 4], [2, 5]) },
      { pooled_shape: [2, 3] },
    ],
    "a scale, beyond the border": [
      { x: [1, 2, 6, 5], rois: floats([0, 2, 4, 12, 14], [1, 5]) },
      { pooled_shape: [3, 2], spatial_scale: float(0.5) },
    ],
  },
);
