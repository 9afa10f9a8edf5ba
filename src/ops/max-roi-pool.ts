/** @file The maximum in each cell of a box, of Fast R-CNN: where a cell's rows and columns are, the maximum over rows, then columns. */
import type { Builder, Value } from "../onnx/build.ts";
import { range } from "../onnx/dims.ts";
import { DataType } from "../onnx/proto.ts";
import { composed } from "./composed.ts";
import { type Op, spatialDims } from "./op.ts";

/** Stands for minus infinity, without its NaNs. */
const never = -1e30;

/** Which places of an axis belong to which cell: [boxes, cells, size], of boxes that go from the first to the last place. */
function belongs(build: Builder, [from, to]: readonly [Value, Value], cells: number, size: number): Value {
  const unary = (opType: string, x: Value) => build.op(opType, [x], undefined, x.type, x.dims);
  const [first, last] = [from, to].map((v) => unary("Floor", build.add(v, 0.5)));
  const extent = build.add(build.sub(last, first), 1);
  const length = build.where(build.less(extent, 1), 1, extent);
  const edge = (cell: number) => build.floats(range(cells).map((i) => (i + cell) / cells));
  const start = build.add(unary("Floor", build.mul(length, edge(0))), first);
  const end = build.add(unary("Ceil", build.mul(length, edge(1))), first);
  const places = build.floats(range(size));
  const [low, high] = [start, end].map((v) => build.unsqueeze(v, [2]));
  return build.and(build.not(build.less(places, low)), build.less(places, high));
}

export const MaxRoiPool: Op = composed((c) => {
  const { build, attributes } = c;
  const [x, rois] = c.x;
  const [height, width] = spatialDims(c, x);
  const [rows, columns] = attributes.ints("pooled_shape") ?? [1, 1];
  const scaled = build.mul(rois, attributes.float("spatial_scale", 1));
  const corner = (i: number) => build.slice(scaled, 1, i, i + 1);
  const inRow = build.unsqueeze(belongs(build, [corner(2), corner(4)], rows, height), [1, 4]);
  const inColumn = build.unsqueeze(belongs(build, [corner(1), corner(3)], columns, width), [1, 2]);
  const image = build.reshape(build.cast(build.slice(rois, 1, 0, 1), DataType.INT64), [-1]);
  const images = build.gather(x, image, 0);
  const byRow = build.reduceMax(build.where(inRow, build.unsqueeze(images, [2]), never), [3], false);
  const byCell = build.reduceMax(build.where(inColumn, build.unsqueeze(byRow, [3]), never), [4], false);
  // A cell without a place is 0.
  return [{ ...build.where(build.greater(byCell, never / 2), byCell, 0), dims: c.y[0].dims }];
});
