/**
 * @file A detector that explains itself: its own outputs, the boxes that stay, and a map for each of them, in one run of one file by
 * ordinary operators of ONNX.
 */
import { listing, UserError } from "../../errors.ts";
import { compiledOptions } from "../../explain/compile.ts";
import { checkNotCompiled, detectionNames, type Notes, withResults } from "../../explain/compiled.ts";
import type { Explainer } from "../../explain/explainer.ts";
import { declaredWhole, withDefaults } from "../../explain/rewritten.ts";
import type { Size } from "../../image/geometry.ts";
import type { MethodChoice } from "../../methods/by-name.ts";
import { methodGiven, methods } from "../../methods/index.ts";
import { builtMap } from "../../methods/layer-map.ts";
import type { GivenOptions, LayerMap, Method, MethodOptions } from "../../methods/method.ts";
import { Builder, type Value } from "../../onnx/build.ts";
import { isStatic, product } from "../../onnx/dims.ts";
import { freshPrefix } from "../../onnx/model.ts";
import { typeOf } from "../../onnx/observe.ts";
import { DataType } from "../../onnx/proto.ts";
import { mostBoxes } from "./box-questions.ts";
import { type DetectOptions, thresholdsOf } from "./detections.ts";
import { chosenBoxes } from "./graph-boxes.ts";
import { type GraphLevel, mapsAtLevel, onGrid } from "./graph-maps.ts";
import { rootsOf, sourceNumbers } from "./graph-trace.ts";
import type { Head } from "./head.ts";
import type { Level } from "./levels.ts";

export interface CompileDetectorOptions extends DetectOptions {
  /** "hires-cam" by default; a method of maps at a layer. */
  readonly method?: MethodChoice;
  /** Options of the method, by name: those that are constants of a graph. */
  readonly options?: GivenOptions;
  readonly notes?: Notes;
}

/**
 * The ONNX file of a detector whose levels are known. Beside its own outputs it has `gradcam_boxes` (float32 [m, 4], in pixels of the network's input), `gradcam_scores` [m],
 * `gradcam_labels` (int64 [m]), `gradcam_levels` (int64 [m]) and `gradcam_maps` (float32 [m, rows, columns], raw, on the finest level's
 * grid); m, at most 16 by default, is what was found, the best first. One picture a run.
 * @throws UserError for a method that is no map at a layer, a head that cannot be read in a graph, an operator without a rule.
 */
export function compileDetector(
  explainer: Explainer,
  head: Head,
  found: readonly Level[],
  options: CompileDetectorOptions = {},
): Uint8Array {
  const { method: given = "hires-cam", options: values, notes, ...asked } = options;
  const method = methodGiven(given);
  const told = compiledOptions(method, values);
  checkNotCompiled(explainer.model);
  const { layout } = head;
  if (!layout)
    throw new UserError(
      "invalid-model",
      `invalid model: its head, ${head.format}, cannot be compiled: ${head.uncompiled ?? "no graph reads it"}; gradcam explain and serve take it`,
    );
  const { model: read, tensors } = explainer;
  if (read.opset < 11)
    throw new UserError(
      "unsupported-operator",
      `unsupported operator: a compiled detector needs operator set 11, and the model has ${read.opset}`,
    );
  const model = declaredWhole(withDefaults(read), tensors);
  const build = new Builder(model.opset, `${freshPrefix(model)}d-`);
  const levels = graphLevels(explainer, found);
  const roots = levels.map(({ root }) => root);
  const tensor = (name: string): Value => ({ name, ...typeOf(model, tensors, name) });
  const thresholds = thresholdsOf(asked, mostBoxes);
  const boxes = chosenBoxes(
    build,
    layout,
    { output: tensor(head.scores), other: tensor, input: inputOf(explainer) },
    head.overlapping,
    thresholds,
  );
  const numbers = sourceNumbers(build, model, tensors, head.scores, roots);
  const sources = build.gather({ ...build.reshape(numbers, build.ints([-1])), dims: [-1] }, boxes.elements, 0);
  const [finest] = levels.toSorted((a, b) => product(b.grid) - product(a.grid)) as [GraphLevel];
  const atLayer = (map: LayerMap): Value => {
    const built: LayerMap = Object.assign((parts: Parameters<LayerMap>[0]) => builtMap(map, parts, 1), map);
    const all = levels.map((level) =>
      onGrid(build, mapsAtLevel(build, explainer, level, sources, built), level.grid, finest.grid),
    );
    return { ...build.sum(all), dims: [-1, ...finest.grid] };
  };
  const results: Record<string, Value> = {
    [detectionNames.boxes]: boxes.boxes,
    [detectionNames.scores]: boxes.scores,
    [detectionNames.labels]: boxes.labels,
    [detectionNames.levels]: levelNumbers(build, sources, levels),
    [detectionNames.maps]: mapOf(method, told, build, atLayer),
  };
  const said: Notes = {
    method: method.name,
    ...(values && { options: JSON.stringify(told) }),
    task: "detection",
    levels: JSON.stringify(levels.map(({ layer, grid }) => ({ layer, grid }))),
    grid: JSON.stringify(finest.grid),
    score: head.scores,
    thresholds: JSON.stringify(thresholds),
    ...(model.rewritten && { rewritten: model.rewritten.join(", ") }),
    ...notes,
  };
  return withResults(model, build, results, { inputs: [] }, said, "gradcam_detections");
}

function inputOf({ tensors, reading: { explained } }: Explainer): Size {
  const [height = 0, width = 0] =
    explained?.axes.grid.map((axis) => tensors.get(explained.name)?.dims[axis] ?? 0) ?? [];
  return { width, height };
}

/** The map of a method that is one at a layer. */
function mapOf(
  { name, space, graph }: Method,
  options: MethodOptions,
  build: Builder,
  atLayer: (map: LayerMap) => Value,
): Value {
  const ofLevels = ({ graph, space, readsAttentions }: Method) => graph && space === "layer" && !readsAttentions;
  const allowed = methods.filter(ofLevels).map((method) => method.name);
  const refused = new UserError(
    "invalid-option",
    `invalid method: "${name}"; a compiled detector's maps lie on its levels: allowed are ${listing(allowed, 40)}`,
  );
  if (!graph || space !== "layer") throw refused;
  const refuse = () => {
    throw refused;
  };
  const found = graph({ build, options, atLayer, atInput: refuse, image: refuse, atAttentions: refuse });
  if (!("map" in found)) throw refused;
  return found.map;
}

function graphLevels(explainer: Explainer, levels: readonly Level[]): GraphLevel[] {
  const { tensors } = explainer;
  const roots = rootsOf(
    tensors,
    levels.map(({ tensor }) => tensor),
  );
  const unknown = roots.find((root) => !isStatic(root.dims));
  if (unknown)
    throw new UserError(
      "invalid-model",
      `invalid model: only a run knows how many scores "${unknown.tensor}" has, so it cannot be compiled; gradcam explain and serve take it`,
    );
  const known = levels.flatMap(({ tensor, layer }, i): GraphLevel[] => {
    const root = roots[i];
    const grid = layer === undefined ? undefined : explainer.layoutOf(layer).grid;
    return layer !== undefined && root && grid && isStatic(grid) ? [{ tensor, layer, root, grid }] : [];
  });
  if (known.length < levels.length || known.length === 0)
    throw new UserError(
      "no-path",
      "no path: a level of its head has no layer of a known size that its boxes' maps could lie on, so it cannot be compiled",
    );
  return known;
}

/** Which level each box comes from. */
function levelNumbers(build: Builder, sources: Value, levels: readonly GraphLevel[]): Value {
  const [, ...others] = levels;
  const start = build.mul(sources, 0);
  return others.reduce((level, { root }) => {
    const isBehind = build.not(build.less(sources, root.from));
    return build.add(level, build.cast(isBehind, DataType.INT64));
  }, start);
}
