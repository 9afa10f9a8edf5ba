/** @file GridSample: an image read at computed places, and what of its adjoint is the same for all samples of a query. */
import { type Builder, type Made, rankOf, type Value } from "../onnx/build.ts";
import { isStatic, product } from "../onnx/dims.ts";
import { Attributes } from "../onnx/model.ts";
import { DataType } from "../onnx/proto.ts";
import { composed } from "./composed.ts";
import { type Call, type Op, positive, type Rule, spatialDims, valuesOf } from "./op.ts";
import { cornersOf, interpolate, outside, type Tap, tapsOf } from "./sampling.ts";

/** What a GridSample reads along each axis; the grid's last axis names places along the last axis first, from -1 to 1. */
function sampleTaps(c: Call): Tap[][] {
  const { build, attributes } = c;
  const [x, grid] = c.x;
  const size = spatialDims(c, x);
  const align = attributes.int("align_corners", 0) === 1;
  const flat = build.reshape(grid, [-1, product(spatialDims(c, c.y[0])), size.length]);
  return size.map((n, axis) => {
    const last = size.length - 1 - axis;
    const g = build.squeeze(build.slice(flat, 2, last, last + 1), [2]);
    const half = build.mul(build.add(g, 1), (align ? n - 1 : n) / 2);
    return tapsOf(c, align ? half : build.sub(half, 0.5), outside(c, n, align));
  });
}

// y[n, c, p] = sum over the pixels around grid[n, p]
const everySample: Rule = composed((c) => [
  c.build.reshapeLike(interpolate(c.build, c.x[0], spatialDims(c, c.x[0]), sampleTaps(c)), c.y[0]),
]).vjp as Rule;

export const GridSample: Op = {
  linear: [0],
  vjp: (c) => {
    const weighted = c.needs[0] ? pointSum(c) : undefined;
    return weighted ? pastPoints(c, weighted) : everySample(c);
  },
};

/**
 * In deformable attention a query's samples are summed with weights, so that all of them are passed the same vector, times a weight. Such a sum
 *   y[n, :, query] = sum over pixels of x[n, :, pixel] * (the weights of those corners of the query's samples that are the pixel)
 * is a product of matrices, the second of which is the same whatever is asked: much faster than to scatter each channel of each corner.
 */
const pastPoints = (c: Call, { vector, weights }: PointSum): readonly (Value | null)[] =>
  (
    composed(({ build, x: [x], y: [y] }) => {
      const size = spatialDims(c, x);
      const [images = -1, channels = -1, queries = -1, points = -1] = y.dims ?? [];
      const ofPoints = (v: Value) => build.reshape(v, [images, queries, points]);
      const own = ofPoints(weights);
      const corners = cornersOf(build, size, sampleTaps(c));
      const positions = corners.map(({ position }) => ofPoints(build.cast(position, DataType.INT64)));
      const parts = corners.map(({ weight }) => (weight ? build.mul(ofPoints(weight), own) : own));
      const dims = [images, queries, product(size)];
      const scattered = [
        build.zeros(build.ints(dims), x.type, dims),
        build.concat(positions, 2),
        build.concat(parts, 2),
      ];
      const matrix = build.op("ScatterElements", scattered, { axis: 2, reduction: "add" }, x.type, dims);
      const pixels = build.reshape(x, [images, channels, product(size)]);
      // In this order what is transposed for the adjoint is small, or the same for all questions.
      const sums = build.transposeLast(build.matMul(matrix, build.transposeLast(pixels)));
      return [build.unsqueeze(sums, [3])];
    }).vjp as Rule
  )({ ...c, dy: valuesOf([vector]) });

/** A cotangent [n, c, queries, points] that is a vector [n, c, queries, 1] times weights [n, 1, queries, points]. */
interface PointSum {
  readonly vector: Value;
  readonly weights: Value;
}

/** How a sum over points was passed back: the samples of several grids may be side by side in it. */
function pointSum({ build, x: [x], y: [y], dy: [dy] }: Call): PointSum | undefined {
  if (!isStatic(y.dims) || !isStatic(x.dims) || y.dims?.length !== 4 || build.opset < 16) return undefined;
  const [images, channels, queries, points] = y.dims;
  const lead = String([images, channels, queries]);
  // The matrix has a row for each query, whatever few of its pixels are samples.
  if (product(x.dims?.slice(2) ?? []) > mostPixels * points) return undefined;
  const moves: { readonly made: Made; readonly which: number }[] = [];
  let at = dy;
  for (;;) {
    const made = build.madeBy(at);
    if (!made || String(at.dims?.slice(0, 3)) !== lead) return undefined;
    if (made.node.opType === "Mul") {
      const [vector, weights] =
        [made.inputs, made.inputs.toReversed()].find(
          ([v, w]) => String(v?.dims) === `${lead},1` && String(w?.dims?.slice(0, 3)) === String([images, 1, queries]),
        ) ?? [];
      if (!vector || weights?.dims?.length !== 4) return undefined;
      return {
        vector,
        weights: moves.reduceRight((own, { made: move, which }) => moved(build, own, move, which), weights),
      };
    }
    if (!["Split", "Squeeze", "Reshape"].includes(made.node.opType) || !made.inputs[0]) return undefined;
    moves.push({ made, which: made.outputs.findIndex(({ name }) => name === at.name) });
    [at] = made.inputs as [Value];
  }
}

/** Above so many pixels for each point of a query, scattering is the faster. */
const mostPixels = 1280;

/** The weights, [n, 1, queries, ...], moved as the cotangent was. */
function moved(build: Builder, weights: Value, { node, outputs }: Made, which: number): Value {
  if (node.opType === "Split") {
    const [axis] = positive([new Attributes(node).int("axis", 0)], rankOf(weights));
    return build.split(
      weights,
      axis,
      outputs.map(({ dims }) => dims?.[axis] ?? -1),
    )[which];
  }
  const [images = -1, , ...rest] = outputs[which].dims ?? [];
  return build.reshape(weights, [images, 1, ...rest]);
}
