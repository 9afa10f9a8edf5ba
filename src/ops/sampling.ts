/**
 * @file Operators that read an image between its pixels, at computed places: sums of a few pixels, gathered and weighted. Written so,
 * the image gets its gradient by the gather's rule, and the places get theirs through the weights.
 */
import { type Builder, rankOf, type Value } from "../onnx/build.ts";
import { isStatic, product, range } from "../onnx/dims.ts";
import { DataType } from "../onnx/proto.ts";
import { composed } from "./composed.ts";
import { type Call, type Op, spatialDims, unsupported } from "./op.ts";

/** A pixel along one axis: its index (whole, in the place's type), its weight, and 0 where it lies outside. */
export interface Tap {
  readonly index: Value;
  readonly weight?: Value;
  readonly inside?: Value;
}

const unary = (build: Builder, opType: string, x: Value): Value => build.op(opType, [x], undefined, x.type, x.dims);
const clamp = (build: Builder, x: Value, low: number, high: number): Value =>
  build.where(build.less(x, low), low, build.where(build.greater(x, high), high, x));

/** 1 within [low, high], else 0. */
const within = (build: Builder, x: Value, low: number, high: number): Value =>
  build.cast(build.not(build.or(build.less(x, low), build.greater(x, high))), x.type);

/** A pixel of an image laid flat: its position, and its weight where it has one. */
export interface Corner {
  readonly position: Value;
  readonly weight?: Value;
}

/** All combinations of taps, one for each spatial axis, over places [N, P]. */
export function cornersOf(build: Builder, size: readonly number[], axes: readonly (readonly Tap[])[]): Corner[] {
  const combinations = axes.reduce<Tap[][]>((all, taps) => all.flatMap((c) => taps.map((tap) => [...c, tap])), [[]]);
  return combinations.map((taps) => {
    const factors = taps.flatMap(({ weight, inside }) => [weight, inside]).filter((v) => v !== undefined);
    return {
      position: taps.map(({ index }) => index).reduce((at, index, axis) => build.add(build.mul(at, size[axis]), index)),
      ...(factors.length > 0 && { weight: factors.reduce(build.mul) }),
    };
  });
}

/**
 * The sum over corners, at places [N, P], of an image [N, C, ...size]: [N, C, P]. The corners lie on an axis of their own, so that
 * whatever is done to all channels is done once, and the adjoint scatters once.
 */
export function interpolate(
  build: Builder,
  image: Value,
  size: readonly number[],
  axes: readonly (readonly Tap[])[],
): Value {
  const channels = image.dims?.[1] ?? -1;
  const places = axes[0][0].index.dims?.[1] ?? -1;
  const flat = build.reshape(image, [-1, channels, product(size)]);
  const corners = cornersOf(build, size, axes);
  const side = (values: readonly Value[]): Value =>
    build.concat(
      values.map((value) => build.unsqueeze(value, [1])),
      1,
    );
  const count = corners.length * places;
  const positions = side(corners.map(({ position }) => position));
  const each = build.reshape(build.cast(positions, DataType.INT64), [-1, 1, count]);
  const all = build.op("Expand", [each, build.ints([1, channels, 1])], undefined, DataType.INT64, [
    image.dims?.[0] ?? -1,
    channels,
    count,
  ]);
  const read = build.op("GatherElements", [flat, all], { axis: 2 }, image.type, all.dims);
  const pixels = build.reshape(read, [-1, channels, corners.length, places]);
  const weights = corners.flatMap(({ weight }) => weight ?? []);
  const weighted = weights.length > 0 ? build.mul(pixels, build.unsqueeze(side(weights), [1])) : pixels;
  return build.reduceSum(weighted, [2], false);
}

/** How a place outside of an axis is read. */
type Outside = (index: Value) => Tap;

export function outside(c: Call, size: number, alignCorners: boolean): Outside {
  const { build } = c;
  const clipped = (index: Value): Value => clamp(build, index, 0, size - 1);
  switch (c.attributes.string("padding_mode", "zeros")) {
    case "border":
      return (index) => ({ index: clipped(index) });
    case "reflection": {
      const [low, length] = alignCorners ? [0, size - 1] : [-0.5, size];
      if (length === 0) return (index) => ({ index: clipped(index) });
      return (index) => {
        const distance = build.abs(build.sub(index, low));
        const turns = build.mul(unary(build, "Floor", build.div(distance, 2 * length)), 2 * length);
        const rest = build.sub(distance, turns);
        const folded = build.sub(length, build.abs(build.sub(rest, length)));
        return { index: clipped(unary(build, "Round", build.add(folded, low))) };
      };
    }
    default:
      return (index) => ({ index: clipped(index), inside: within(build, index, -0.5, size - 0.5) });
  }
}

/** The pixels that a mode of interpolation reads around a place. */
export function tapsOf(c: Call, place: Value, read: Outside): Tap[] {
  const { build, attributes, node } = c;
  const mode = attributes.string("mode", "linear").replace(/^bi/, "");
  if (mode === "nearest") return [read(unary(build, "Round", place))];
  const first = unary(build, "Floor", place);
  const t = build.sub(place, first);
  const at = (offset: number, weight: Value): Tap => ({ ...read(offset ? build.add(first, offset) : first), weight });
  if (mode === "linear") return [at(0, build.sub(1, t)), at(1, t)];
  if (mode !== "cubic") return unsupported(node, `mode "${mode}"`);
  const s = build.sub(1, t);
  return [
    at(-1, outer(build, build.add(t, 1))),
    at(0, inner(build, t)),
    at(1, inner(build, s)),
    at(2, outer(build, build.add(s, 1))),
  ];
}

/** Keys' cubic kernel with a = -3/4: ((a + 2) d - (a + 3)) d^2 + 1 up to a distance d of 1, a (((d - 5) d + 8) d - 4) up to 2. */
const inner = (build: Builder, d: Value): Value =>
  build.add(build.mul(build.sub(build.mul(d, 1.25), 2.25), build.mul(d, d)), 1);
const outer = (build: Builder, d: Value): Value =>
  build.mul(build.sub(build.mul(build.add(build.mul(build.sub(d, 5), d), 8), d), 4), -0.75);

/** theta [N, d, d + 1] times the homogeneous places of a regular grid. */
export const AffineGrid: Op = composed(
  (c) => {
    const { build, attributes, node } = c;
    const [theta] = c.x;
    const size = c.constant(1)?.slice(2) ?? c.y[0].dims?.slice(1, -1) ?? [];
    if (!isStatic(size) || size.length === 0) unsupported(node, "the size is not known");
    const align = attributes.int("align_corners", 0) === 1;
    const along = size.map((n) =>
      range(n).map((i) => (align ? (n === 1 ? 0 : (2 * i) / (n - 1) - 1) : (2 * i + 1) / n - 1)),
    );
    const places = along.reduce<number[][]>((all, axis) => all.flatMap((p) => axis.map((v) => [v, ...p])), [[]]);
    const base = build.floats(
      places.flatMap((p) => [...p, 1]),
      [places.length, size.length + 1],
      theta.type,
    );
    return [build.reshapeLike(build.matMul(base, build.transposeLast(theta)), c.y[0])];
  },
  { linear: [0] },
);

/** The mean of bilinear samples in the cells of a box. */
export const RoiAlign: Op = composed(
  (c) => {
    const { build, attributes, node } = c;
    const [x, rois, batch] = c.x;
    const samples = attributes.int("sampling_ratio", 0);
    if (samples <= 0) unsupported(node, "sampling_ratio 0, where the number of samples depends on the boxes");
    if (attributes.string("mode", "avg") !== "avg") unsupported(node, 'mode "max"');
    const size = spatialDims(c, x);
    const cells = [attributes.int("output_height", 1), attributes.int("output_width", 1)];
    const half = attributes.string("coordinate_transformation_mode", "half_pixel") === "half_pixel" && c.opset >= 16;
    const scaled = build.sub(build.mul(rois, attributes.float("spatial_scale", 1)), half ? 0.5 : 0);
    const column = (i: number) => build.slice(scaled, 1, i, i + 1);
    const boxes = rois.dims?.[0] ?? -1;
    const places = product(cells) * samples * samples;
    const axes = size.map((n, axis) => {
      const start = column(1 - axis);
      const extent = build.sub(column(3 - axis), start);
      const length = half ? extent : build.where(build.less(extent, 1), 1, extent);
      const steps = range(cells[axis] * samples).map((i) => (i + 0.5) / (cells[axis] * samples));
      const along = build.add(start, build.mul(length, build.floats(steps, [1, steps.length], x.type)));
      // [boxes, h] and [boxes, w] -> [boxes, h w]
      const wide = build.op(
        "Expand",
        [build.unsqueeze(along, [axis === 0 ? 2 : 1]), build.ints([1, cells[0] * samples, cells[1] * samples])],
        undefined,
        x.type,
        [boxes, cells[0] * samples, cells[1] * samples],
      );
      const place = build.reshape(wide, [-1, places]);
      const inside = within(build, place, -1, n);
      const kept = clamp(build, place, 0, n - 1);
      const low = unary(build, "Floor", kept);
      const t = build.sub(kept, low);
      const high = clamp(build, build.add(low, 1), 0, n - 1);
      return [
        { index: low, weight: build.sub(1, t), inside },
        { index: high, weight: t, inside },
      ];
    });
    const images = build.gather(x, build.cast(batch, DataType.INT64), 0);
    const values = interpolate(build, images, size, axes);
    const channels = x.dims?.[1] ?? -1;
    const split = build.reshape(values, [-1, channels, cells[0], samples, cells[1], samples]);
    return [build.reshapeLike(build.reduceMean(split, [3, 5], false), c.y[0])];
  },
  { linear: [0] },
);

/** A convolution whose every tap reads beside its place, by an offset of its own, and is weighted by a mask. */
export const DeformConv: Op = composed(
  (c) => {
    const { build, attributes, node } = c;
    const [x, w, offset, bias, mask] = c.x;
    if (rankOf(x) !== 4) unsupported(node, "other than two spatial axes");
    const size = spatialDims(c, x);
    const output = spatialDims(c, c.y[0]);
    const kernel = spatialDims(c, w);
    const [outputs, inner] = [w.dims?.[0] ?? -1, w.dims?.[1] ?? -1];
    const [strides, dilations] = [attributes.ints("strides") ?? [1, 1], attributes.ints("dilations") ?? [1, 1]];
    const pads = attributes.ints("pads") ?? [0, 0, 0, 0];
    const [group, sets] = [attributes.int("group", 1), attributes.int("offset_group", 1)];
    const channels = inner * group;
    const [taps, places] = [product(kernel), product(output)];
    // Every set of offsets has channels of its own: it counts as an image. [N sets, taps 2, places] -> [N sets, taps places]
    const moved = build.reshape(offset, [-1, taps, 2, places]);
    const axes = size.map((n, axis) => {
      const fixed = range(taps).flatMap((tap) =>
        range(places).map((p) => {
          const [k, o] =
            axis === 0 ? [Math.floor(tap / kernel[1]), Math.floor(p / output[1])] : [tap % kernel[1], p % output[1]];
          return o * strides[axis] - pads[axis] + k * dilations[axis];
        }),
      );
      const own = build.reshape(build.slice(moved, 2, axis, axis + 1), [-1, taps * places]);
      const place = build.add(own, build.floats(fixed, [1, fixed.length], x.type));
      const first = unary(build, "Floor", place);
      const t = build.sub(place, first);
      return [0, 1].map((step): Tap => {
        const index = build.add(first, step);
        return {
          index: clamp(build, index, 0, n - 1),
          weight: step ? t : build.sub(1, t),
          inside: within(build, index, -0.5, n - 0.5),
        };
      });
    });
    const images = build.reshape(x, [-1, channels / sets, ...size]);
    const read = build.reshape(interpolate(build, images, size, axes), [-1, sets, channels / sets, taps, places]);
    const masked = mask ? build.mul(read, build.reshape(mask, [-1, sets, 1, taps, places])) : read;
    const columns = build.reshape(masked, [-1, group, inner * taps, places]);
    const weights = build.reshape(w, [1, group, outputs / group, inner * taps]);
    const sum = build.reshapeLike(build.matMul(weights, columns), c.y[0]);
    return [bias ? build.add(sum, build.reshape(bias, [1, -1, 1, 1])) : sum];
  },
  { linear: [1] },
);
