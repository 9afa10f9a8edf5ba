/** @file The maps of boxes, by operators of the graph: each at the level that it comes from, all of them in the model's own run. */
import { type Adjoint, compileAdjoint } from "../../autodiff/adjoint.ts";
import type { Explainer } from "../../explain/explainer.ts";
import { writeAdjoint } from "../../explain/graph-part.ts";
import { tensorSeeds } from "../../explain/seeds.ts";
import { type Sight, sightOf, sizeOf, windowOf } from "../../explain/window.ts";
import type { LayerMap } from "../../methods/method.ts";
import { Builder, type Value } from "../../onnx/build.ts";
import { isStatic, product, range } from "../../onnx/dims.ts";
import { freshPrefix } from "../../onnx/model.ts";
import { typeOf } from "../../onnx/observe.ts";
import { DataType, makeGraph, makeValueInfo } from "../../onnx/proto.ts";
import { gradientType } from "../../onnx/types.ts";
import { layerEnd } from "../../read/layout.ts";
import type { Root } from "./graph-trace.ts";
import type { Level } from "./levels.ts";

/** A level whose layer is known, and the elements that scores are computed as. */
export interface GraphLevel extends Required<Level> {
  readonly layer: string;
  readonly root: Root;
  /** Rows and columns of the layer. */
  readonly grid: readonly number[];
}

/**
 * The maps of some elements at one level, [m, ...grid]; 0 for elements of other levels.
 * @param elements numbers of elements, as roots count them, int64 [m]
 */
export function mapsAtLevel(
  build: Builder,
  explainer: Explainer,
  { tensor, layer, root, grid }: GraphLevel,
  elements: Value,
  map: LayerMap,
): Value {
  const size = product(root.dims);
  const all = build.sub(elements, root.from);
  const isOwn = build.and(build.not(build.less(all, 0)), build.less(all, size));
  const here = build.cast(isOwn, DataType.INT64);
  const found = build.op("NonZero", [here], undefined, DataType.INT64, [1, -1]);
  const chosen = { ...build.reshape(found, build.ints([-1])), dims: [-1] };
  // The boxes of this level, and one row of none: it is the map of all others, and no operator meets a batch of nothing.
  const own = { ...build.concat([build.gather(all, chosen, 0), build.ints([-1])], 0), dims: [-1] };
  const isHere = build.not(build.less(own, 0));
  const rank = build.sub(build.op("CumSum", [here, build.ints(0)], undefined, DataType.INT64, [-1]), 1);
  const place = build.where(isOwn, rank, build.dimOf(chosen, 0));
  return build.gather(rowsAtLevel(build, explainer, { tensor, layer, root, grid }, { own, isHere }, map), place, 0);
}

/** Elements of one level; some rows may be of none. */
interface Rows {
  readonly own: Value;
  readonly isHere: Value;
}

function rowsAtLevel(
  build: Builder,
  explainer: Explainer,
  { tensor, layer, root, grid }: GraphLevel,
  { own, isHere }: Rows,
  map: LayerMap,
): Value {
  const { model, tensors } = explainer;
  const size = product(root.dims);
  const sight = map.placewise ? sightOf({ model, tensors }, tensor, layer) : undefined;
  if (sight) {
    const { adjoint } = windowOf({ model, tensors, options: {} }, sight, tensor, layer, map);
    return inWindows(build, explainer, { sight, adjoint }, { tensor, root }, { own, isHere });
  }
  const ends = [layerEnd(layer, explainer.layoutOf(layer), map)];
  const query = { model, tensors, seeds: tensorSeeds({ model, tensors }, [tensor]), ends };
  const free = tensors.get(tensor)?.dims[0] === -1 && tensors.get(tensor)?.perImage;
  const adjoint = free ? compileAdjoint({ ...query, rows: true }) : undefined;
  const level = { tensor, layer, root, grid };
  if (!adjoint?.together) return oneByOne(build, explainer, compileAdjoint(query), level, own);
  const seed = oneHot(build, build.where(isHere, own, size), size, gradientType(typeOf(model, tensors, tensor).type));
  const rows = { ...build.reshape(seed, build.ints([0, ...root.dims.slice(1)])), dims: [-1, ...root.dims.slice(1)] };
  const [name = ""] = writeAdjoint(build, adjoint, freshPrefix(model), new Map([[adjoint.seeds[0] ?? "", rows]]));
  return build.cast(
    { name, type: gradientType(typeOf(model, tensors, layer).type), dims: [-1, ...grid] },
    DataType.FLOAT,
  );
}

/** One row after another in a Loop, where the boxes would not be kept apart in one run. */
function oneByOne(
  build: Builder,
  { model, tensors }: Explainer,
  adjoint: Adjoint,
  { tensor, layer, root, grid }: GraphLevel,
  own: Value,
): Value {
  const size = product(root.dims);
  const inner = new Builder(build.opset, `${build.fresh()}-`);
  const [turn, going] = [inner.input(DataType.INT64, []), inner.input(DataType.BOOL, [])];
  const index = inner.gather(own, inner.reshape(turn, inner.ints([1])), 0);
  const seed = oneHot(inner, index, size, gradientType(typeOf(model, tensors, tensor).type));
  const shaped = { ...inner.reshape(seed, inner.ints(root.dims)), dims: root.dims };
  const given = new Map([[adjoint.seeds[0] ?? "", shaped]]);
  const [name = ""] = writeAdjoint(inner, adjoint, freshPrefix(model), given);
  const answer = { name, type: gradientType(typeOf(model, tensors, layer).type), dims: [1, ...grid] };
  const map = { ...inner.reshape(inner.cast(answer, DataType.FLOAT), inner.ints(grid)), dims: grid };
  const on = inner.op("Identity", [going], undefined, DataType.BOOL, []);
  const info = ({ name: of, type, dims }: Value) => makeValueInfo(of, type, dims);
  const { nodes, initializers } = inner.collect([on, map]);
  const body = makeGraph({
    ...{ name: build.fresh(), node: nodes, initializer: initializers },
    ...{ input: [info(turn), info(going)], output: [info(on), info(map)] },
  });
  // The last row is of none.
  const count = build.sub(build.dimOf(own, 0), 1);
  const maps = build.op("Loop", [count, undefined], { body: { graph: body } }, DataType.FLOAT, [-1, ...grid]);
  return {
    ...build.concat([maps, build.floats(new Array(product(grid)).fill(0), [1, ...grid])], 0),
    dims: [-1, ...grid],
  };
}

/** 1 at an index, nothing for one that is beyond. */
const oneHot = (build: Builder, index: Value, size: number, type: DataType): Value =>
  build.cast(build.oneHot(index, build.ints(size), DataType.FLOAT, [-1, size]), type);

function inWindows(
  build: Builder,
  { model, tensors }: Explainer,
  { sight, adjoint }: { readonly sight: Sight; readonly adjoint: Adjoint },
  { tensor, root }: { readonly tensor: string; readonly root: Root },
  { own, isHere }: Rows,
): Value {
  const { reach, grid } = sight;
  const cells = product(grid);
  const [, width] = grid;
  const safe = build.where(isHere, own, build.ints(0));
  const channel = build.div(safe, cells);
  const cell = build.sub(safe, build.mul(channel, cells));
  const row = build.div(cell, width);
  const at = [row, build.sub(cell, build.mul(row, width))] as const;
  const sizes = sizeOf(sight);
  const [rows = 1, columns = 1] = sizes;
  const from = at.map((place, axis) => within(build, build.sub(place, reach), (grid[axis] ?? 0) - (sizes[axis] ?? 0)));
  const [top, left] = from as [Value, Value];
  // The cells of each window as places of the flat grid, [m, rows columns].
  const first = build.add(build.mul(top, width), left);
  const around = range(rows).flatMap((y) => range(columns).map((x) => y * width + x));
  const places = { ...build.add(build.unsqueeze(first, [1]), build.ints(around)), dims: [-1, around.length] };
  const cut = (name: string): Value => {
    const { type, dims } = typeOf(model, tensors, name);
    const channels = dims[1] ?? 1;
    const flat = { ...build.reshape({ name, type }, build.ints([channels, cells])), dims: [channels, cells] };
    const windows = build.transpose(build.gather(flat, places, 1), [1, 0, 2]);
    return { ...build.reshape(windows, build.ints([0, channels, ...sizes])), dims: [-1, channels, ...sizes] };
  };
  const size = (root.dims[1] ?? 1) * around.length;
  const inside = build.add(build.mul(build.sub(at[0], top), columns), build.sub(at[1], left));
  const index = build.add(build.mul(channel, around.length), inside);
  const seed = oneHot(
    build,
    build.where(isHere, index, build.ints(size)),
    size,
    gradientType(typeOf(model, tensors, tensor).type),
  );
  const shape = [root.dims[1] ?? 1, ...sizes];
  const given = new Map<string, Value>([
    [adjoint.seeds[0] ?? "", { ...build.reshape(seed, build.ints([0, ...shape])), dims: [-1, ...shape] }],
    ...adjoint.residuals.map((name) => [name, cut(name)] as const),
  ]);
  const [name = ""] = writeAdjoint(build, adjoint, freshPrefix(model), given);
  const answer = build.cast({ name, type: DataType.FLOAT, dims: [-1, ...sizes] }, DataType.FLOAT);
  const values = { ...build.reshape(answer, build.ints([0, around.length])), dims: [-1, around.length] };
  const empty = build.zeros(build.concat([build.dimOf(own, 0), build.ints([cells])], 0), DataType.FLOAT, [-1, cells]);
  const laid = build.op("ScatterElements", [empty, places, values], { axis: 1 }, DataType.FLOAT, [-1, cells]);
  return { ...build.reshape(laid, build.ints([0, ...grid])), dims: [-1, ...grid] };
}

/** A whole number, between 0 and another. */
const within = (build: Builder, x: Value, most: number): Value => {
  const positive = build.where(build.less(x, 0), build.ints(0), x);
  return build.where(build.greater(positive, most), build.ints(most), positive);
};

/** Maps [m, ...] of one grid on another, each place the one that it lies in. */
export function onGrid(build: Builder, maps: Value, from: readonly number[], to: readonly number[]): Value {
  if (!isStatic(to) || String(from) === String(to)) return maps;
  return to.reduce((value, size, axis) => {
    const of = from[axis] ?? 1;
    if (of === size) return value;
    const nearest = range(size).map((i) => Math.floor((i * of) / size));
    return build.gather(value, build.ints(nearest), axis + 1);
  }, maps);
}
