/**
 * @file Max pooling's gradient where the runtime does not tell the places of the maxima: by comparisons alone, in float32, which
 * every provider has.
 *
 * The first maximum of a window in row-major order is the first element with it of the first row with it. So the axes are pooled one
 * after another, the last first, and the gradient goes back through them in turn: the work grows with the sum of a kernel's sides,
 * not with their product.
 */
import type { Builder, Value } from "../onnx/build.ts";
import { range } from "../onnx/dims.ts";
import { type Call, type Rule, spatialDims } from "./op.ts";
import { extent, windowOf } from "./window.ts";

/** Windows along one axis of a tensor. */
interface Along {
  readonly axis: number;
  readonly input: number;
  readonly output: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  readonly begin: number;
}

/** The whole gradient goes to the first maximum in row-major order, as by the rule of `pooling.ts`. */
export const maxPoolByComparison: Rule = (c) => {
  const { build } = c;
  let pooled = c.x[0];
  const back: ((dy: Value) => Value)[] = [];
  for (const along of alongs(c).toReversed()) {
    const { maxima, places } = firstMaxima(build, pooled, along);
    back.push((dy) => toPlaces(build, dy, places, along));
    pooled = maxima;
  }
  return [
    build.cast(
      back.reduceRight((dy, step) => step(dy), build.cast(c.dy[0], pooled.type)),
      c.x[0].type,
    ),
  ];
};

function alongs(c: Call): Along[] {
  const { attributes } = c;
  const { kernel, strides, dilations, begin } = windowOf(c, c.x[0], attributes.ints("kernel_shape") ?? []);
  const [input, output] = [spatialDims(c, c.x[0]), spatialDims(c, c.dy[0])];
  const mode = attributes.string("auto_pad", "NOTSET");
  return kernel.map((k, i) => {
    const along = { axis: i + 2, input: input[i], output: output[i] };
    const [stride, dilation] = [strides[i], dilations[i]];
    // ONNX Runtime pads as if a kernel were not dilated, and begins inside the input where windows leave gaps.
    const total = (Math.ceil(input[i] / stride) - 1) * stride + k - input[i];
    const same = Math.trunc((mode === "SAME_LOWER" ? total + 1 : total) / 2);
    return { ...along, kernel: k, stride, dilation, begin: mode.startsWith("SAME") ? same : begin[i] };
  });
}

/** The maximum of each window, and the place of the first, along the axis, as a number; -1 for a window beside the input. */
function firstMaxima(build: Builder, x: Value, along: Along): { maxima: Value; places: Value } {
  const { axis, input, output, kernel, stride, dilation, begin } = along;
  const table = range(output).map((o) =>
    range(kernel)
      .map((k) => o * stride - begin + k * dilation)
      .filter((place) => place >= 0 && place < input),
  );
  const widest = Math.max(1, ...table.map((row) => row.length));
  // A window that reaches into the padding has its last place several times.
  const whole = table.flatMap((row) => range(widest).map((k) => row[Math.min(k, row.length - 1)] ?? -1));
  const behind = x.dims?.slice(axis + 1) ?? [];
  const reshaped = (value: Value, sizes: readonly number[]): Value => {
    const shape = build.ints([...range(axis).map(() => 0), ...sizes, ...behind]); // 0: as it is
    return build.op("Reshape", [value, shape], undefined, x.type, [
      ...(x.dims?.slice(0, axis) ?? []),
      ...sizes,
      ...behind,
    ]);
  };
  const gathered = build.gather(x, build.ints(whole.map((place) => Math.max(place, 0))), axis);
  const windows = reshaped(gathered, [output, widest]);
  const maxima = build.reduceMax(windows, [axis + 1]);
  const here = build.floats(whole, [output, widest, ...behind.map(() => 1)], x.type);
  const places = build.reduceMin(build.where(build.less(windows, maxima), input, here), [axis + 1]);
  return { maxima: reshaped(maxima, [output]), places: reshaped(places, [output]) };
}

/** Each element of dy at its place along the axis: for each place, from those windows that may reach it. */
function toPlaces(build: Builder, dy: Value, places: Value, along: Along): Value {
  const { axis, input, output, kernel, stride, dilation, begin } = along;
  const behind = (dy.dims ?? []).slice(axis + 1).map(() => 1);
  const terms = range(Math.ceil(extent(kernel, dilation) / stride)).flatMap((earlier) => {
    const windows = range(input).map((place) => Math.floor((place + begin) / stride) - earlier);
    const isOne = (window: number) => window >= 0 && window < output;
    if (!windows.some(isOne)) return [];
    const from = build.ints(windows.map((window) => Math.min(Math.max(window, 0), output - 1)));
    const own = windows.map((window, place) => (isOne(window) ? place : -2));
    const reached = build.equal(build.gather(places, from, axis), build.floats(own, [input, ...behind], places.type));
    return [build.where(reached, build.gather(dy, from, axis), 0)];
  });
  return build.sum(terms);
}
