/** @file Maps in a graph, brought to the size of the pictures: linear along each axis, between the centres of the cells. */
import { UserError } from "../errors.ts";
import { upsample } from "../image/geometry.ts";
import type { Builder, Value } from "../onnx/build.ts";
import { isStatic, product, range } from "../onnx/dims.ts";

/** Maps [n, 1, ...cells] as [n, 1, ...grid] of the pictures, [n, C, ...grid]. */
export function upsampled(build: Builder, method: string, maps: Value, pictures: Value): Value {
  const [from = [], to = []] = [maps.dims?.slice(2), pictures.dims?.slice(2)];
  const dims = [maps.dims?.[0] ?? -1, 1, ...to];
  return isStatic(from) && isStatic(to) && from.length === to.length
    ? { ...byMatrices(build, maps, from, to), dims }
    : byResize(build, method, maps, pictures, dims);
}

/** Of known sizes: what is linear along an axis is a matrix, in any operator set and on any number of axes. */
function byMatrices(build: Builder, maps: Value, from: readonly number[], to: readonly number[]): Value {
  const along = to.reduceRight((value, length, axis) => {
    const cells = from[axis];
    if (cells === length) return value;
    const rows = build.reshape(value, [-1, cells, product(to.slice(axis + 1))]);
    return build.matMul(build.floats([...interpolation(cells, length)], [length, cells], maps.type), rows);
  }, maps);
  return build.reshape(along, [-1, 1, ...to]);
}

/** [length, cells]: what each pixel has of each cell. */
function interpolation(cells: number, length: number): Float32Array {
  const identity = Float32Array.from(range(cells * cells), (i) => Number(i % (cells + 1) === 0));
  return upsample(identity, [cells, cells], [length, cells]);
}

/** Of sizes that only the run knows. */
function byResize(build: Builder, method: string, maps: Value, pictures: Value, dims: readonly number[]): Value {
  if (build.opset < 11)
    throw new UserError(
      "unsupported-operator",
      `unsupported operator: ${method} needs a half-pixel Resize, of operator set 11; the model has ${build.opset}, and its sizes are not fixed`,
    );
  const sizes = [
    build.dimOf(maps, 0),
    build.ints([1]),
    ...range(dims.length)
      .slice(2)
      .map((axis) => build.dimOf(pictures, axis)),
  ];
  const unused = build.opset < 13 ? build.floats([], [0]) : undefined; // region and scales became optional
  return build.op("Resize", [maps, unused, unused, build.concat(sizes, 0)], { mode: "linear" }, maps.type, dims);
}
