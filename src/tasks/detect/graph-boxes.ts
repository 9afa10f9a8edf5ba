/** @file What a head found, by operators of the graph: its boxes, those that stay, and which element each score is read from. */

import type { Size } from "../../image/geometry.ts";
import type { Builder, Value } from "../../onnx/build.ts";
import { range } from "../../onnx/dims.ts";
import { DataType } from "../../onnx/proto.ts";
import type { DetectOptions } from "./detections.ts";
import type { HeadLayout, LevelPlaces, PairLayout, PlacesLayout, RowsLayout } from "./head.ts";

/** What was chosen, the best first; m is known to the run alone. */
export interface ChosenBoxes {
  /** Corners in pixels of the network's input, [m, 4]. */
  readonly boxes: Value;
  /** Probabilities, [m]. */
  readonly scores: Value;
  /** Classes, int64 [m]. */
  readonly labels: Value;
  /** The element of the head's output that the score is read from, in row-major order, int64 [m]. */
  readonly elements: Value;
}

/** Places that may be boxes of some classes. */
interface BoxPlaces {
  /** [places, 4] */
  readonly boxes: Value;
  /** Probabilities [places, classes]; -1 for what is none. */
  readonly scores: Value;
  labels(place: Value, column: Value): Value;
  elements(place: Value, column: Value): Value;
}

/** What a head is read from. */
export interface HeadOutputs {
  /** The tensor with its scores, of one picture. */
  readonly output: Value;
  readonly other: (name: string) => Value;
  /** The picture's size. */
  readonly input: Size;
}

export function chosenBoxes(
  build: Builder,
  layout: HeadLayout,
  { output, other, input }: HeadOutputs,
  overlapping: boolean,
  { score, iou, maxDetections }: Required<DetectOptions>,
): ChosenBoxes {
  const places = placesOf();
  const [place, column] = overlapping
    ? suppressed(build, places, { score, iou, most: maxDetections })
    : above(build, places.scores, score);
  const found = pairs(build, places.scores, place, column);
  const count = build.dimOf(found, 0);
  const attributes = { axis: 0, largest: 1, sorted: 1 };
  const [, order] = build.ops("TopK", [found, count], build.opset >= 11 ? attributes : { axis: 0 }, [
    { type: DataType.FLOAT, dims: [-1] },
    { type: DataType.INT64, dims: [-1] },
  ]) as [Value, Value];
  const best = { ...build.slice(order, 0, 0, maxDetections), dims: [-1] };
  const [where, what] = [build.gather(place, best, 0), build.gather(column, best, 0)];
  return {
    boxes: build.gather(places.boxes, where, 0),
    scores: build.gather(found, best, 0),
    labels: places.labels(where, what),
    elements: places.elements(where, what),
  };

  function placesOf(): BoxPlaces {
    if (layout.of === "places") return ofPlaces(build, layout, output);
    if (layout.of === "rows") return ofRows(build, layout, output);
    if (layout.of === "pair") return ofQueries(build, layout, output, other(layout.boxes), input);
    return ofList(build, output, other(layout.boxes), other(layout.labels));
  }
}

/** What is above a threshold: places and columns, [m] each. */
function above(build: Builder, scores: Value, threshold: number): [Value, Value] {
  const found = build.op(
    "NonZero",
    [build.cast(build.greater(scores, threshold), DataType.FLOAT)],
    undefined,
    DataType.INT64,
    [2, -1],
  );
  return [columnOf(build, found, 0, 0), columnOf(build, found, 0, 1)];
}

/** Of boxes of one class that overlap the best stays. */
function suppressed(
  build: Builder,
  { boxes, scores }: BoxPlaces,
  { score, iou, most }: { readonly score: number; readonly iou: number; readonly most: number },
): [Value, Value] {
  const found = build.op(
    "NonMaxSuppression",
    [
      build.unsqueeze(boxes, [0]),
      build.unsqueeze(build.transpose(scores, [1, 0]), [0]),
      build.ints([most]),
      build.floats([iou]),
      build.floats([score]),
    ],
    undefined,
    DataType.INT64,
    [-1, 3],
  );
  return [columnOf(build, found, 1, 2), columnOf(build, found, 1, 1)];
}

const columnOf = (build: Builder, of: Value, axis: number, index: number): Value => ({
  ...build.squeeze(build.slice(of, axis, index, index + 1), [axis]),
  dims: [-1],
});

/** Elements [m] of a matrix by their rows and columns. */
function pairs(build: Builder, matrix: Value, row: Value, column: Value): Value {
  const width = build.dimOf(matrix, 1);
  const flat = { ...build.reshape(matrix, build.ints([-1])), dims: [-1] };
  return build.gather(flat, build.add(build.mul(row, width), column), 0);
}

function ofPlaces(build: Builder, layout: PlacesLayout, output: Value): BoxPlaces {
  const { axis, first, classes, objectness, logits, cells } = layout;
  const [, ...shape] = output.dims ?? [];
  const table = { ...build.reshape(output, build.ints(shape)), dims: shape };
  const numbers = build.cast(axis === 1 ? table : build.transpose(table, [1, 0]), DataType.FLOAT);
  const part = (from: number, to: number) => build.slice(numbers, 1, from, to);
  const probability = (x: Value) => (logits ? build.sigmoid(x) : x);
  const own = part(first, first + classes);
  // A place is one box, of its best class.
  const best = build.oneHot(build.argMax(own, 1, false), build.ints(classes), DataType.FLOAT, own.dims);
  const given = probability(own);
  const scores = objectness ? build.mul(given, probability(part(4, 5))) : given;
  const boxes = cornersOf(build, part(0, 4), cells);
  const finite = finiteRows(build, boxes);
  return {
    boxes,
    scores: build.where(build.and(build.greater(best, 0.5), finite), scores, -1),
    labels: (_, column) => column,
    elements: (place, column) => {
      const number = build.add(column, first);
      const [row, width, at] = axis === 1 ? [place, shape[1], number] : [number, shape[1], place];
      return build.add(build.mul(row, width ?? 0), at);
    },
  };
}

/** From centres and sizes, in pixels or in cells of their levels, to corners. */
function cornersOf(build: Builder, given: Value, cells: readonly LevelPlaces[] | undefined): Value {
  let [centre, size] = [build.slice(given, 1, 0, 2), build.slice(given, 1, 2, 4)];
  if (cells) {
    const all = cells.flatMap(({ stride, rows, columns }) =>
      range(rows * columns).map((i) => [i % columns, Math.floor(i / columns), stride] as const),
    );
    const corners = build.floats(
      all.flatMap((place) => place.slice(0, 2)),
      [all.length, 2],
    );
    const strides = build.floats(
      all.map(([, , stride]) => stride),
      [all.length, 1],
    );
    centre = build.mul(build.add(centre, corners), strides);
    size = build.mul(build.exp(size), strides);
  }
  const half = build.mul(size, 0.5);
  return build.concat([build.sub(centre, half), build.add(centre, half)], 1);
}

/** What is no number is no box: x - x is 0 for all that are. */
const finiteRows = (build: Builder, boxes: Value): Value =>
  build.less(build.abs(build.reduceSum(build.sub(boxes, boxes), [1])), 1);

function ofQueries(
  build: Builder,
  { first, depth, by, nothing, centred, several, relative }: PairLayout,
  output: Value,
  placed: Value,
  { width, height }: Size,
): BoxPlaces {
  const row = output.dims?.at(-1) ?? 0;
  const numbers = placed.dims?.at(-1) ?? 4;
  const table = (of: Value, columns: number) =>
    build.cast({ ...build.reshape(of, build.ints([-1, columns])), dims: [-1, columns] }, DataType.FLOAT);
  const logits = build.slice(table(output, row), 1, first, first + depth);
  const all =
    by === "softmax"
      ? build.op("Softmax", [logits], { axis: 1 }, DataType.FLOAT, logits.dims)
      : by === "sigmoid"
        ? build.sigmoid(logits)
        : logits;
  const offset = nothing === "first" ? 1 : 0;
  const classes = depth - (nothing ? 1 : 0);
  const own = build.slice(all, 1, offset, offset + classes);
  const best = build.oneHot(build.argMax(own, 1, false), build.ints(classes), DataType.FLOAT, own.dims);
  const given = build.slice(table(placed, numbers), 1, 0, 4);
  const corners = centred ? cornersOf(build, given, undefined) : given;
  const boxes = relative ? build.mul(corners, build.floats([width, height, width, height])) : corners;
  const finite = finiteRows(build, boxes);
  const counts = several ? finite : build.and(build.greater(best, 0.5), finite);
  return {
    boxes,
    scores: build.where(counts, own, -1),
    labels: (_, column) => column,
    elements: (place, column) => build.add(build.mul(place, row), build.add(column, first + offset)),
  };
}

function ofList(build: Builder, output: Value, placed: Value, named: Value): BoxPlaces {
  const column = (of: Value, columns: number) => ({
    ...build.reshape(of, build.ints([-1, columns])),
    dims: [-1, columns],
  });
  const boxes = build.cast(column(placed, 4), DataType.FLOAT);
  const labels = { ...build.reshape(named, build.ints([-1])), dims: [-1] };
  const whole = named.type === DataType.INT64 || named.type === DataType.INT32;
  const rounded = whole ? labels : { ...build.op("Floor", [build.add(labels, 0.5)]), dims: [-1] };
  return {
    boxes,
    scores: build.where(finiteRows(build, boxes), build.cast(column(output, 1), DataType.FLOAT), -1),
    labels: (place) => build.cast(build.gather(rounded, place, 0), DataType.INT64),
    elements: (place) => place,
  };
}

function ofRows(build: Builder, { flat, corner, score, label }: RowsLayout, output: Value): BoxPlaces {
  const width = output.dims?.at(-1) ?? -1;
  const table = {
    ...build.reshape(output, build.concat([build.ints([-1]), build.dimOf(output, flat ? 1 : 2)], 0)),
    dims: [-1, width],
  };
  const rows = build.cast(table, DataType.FLOAT);
  const part = (from: number, to: number) => build.slice(rows, 1, from, to);
  const boxes = part(corner, corner + 4);
  const finite = finiteRows(build, boxes);
  const counts = flat ? build.and(finite, build.less(build.abs(part(0, 1)), 0.5)) : finite;
  const labels = { ...build.reshape(part(label, label + 1), build.ints([-1])), dims: [-1] };
  return {
    boxes,
    scores: build.where(counts, part(score, score + 1), -1),
    labels: (place) =>
      build.cast(
        build.gather({ ...build.op("Floor", [build.add(labels, 0.5)]), dims: [-1] }, place, 0),
        DataType.INT64,
      ),
    elements: (place) => build.add(build.mul(place, build.dimOf(output, flat ? 1 : 2)), score),
  };
}
