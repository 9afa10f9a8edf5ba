/** @file The questions of a method, answered in the graph of the model itself: about one class of each image, which the run chooses. */
import { type End, pullback } from "../autodiff/adjoint.ts";
import { overridesOf, type Rules } from "../autodiff/rules.ts";
import { present, UserError } from "../errors.ts";
import { builtMap } from "../methods/layer-map.ts";
import type { GraphQuestion, LayerMap } from "../methods/method.ts";
import { Builder, type Value } from "../onnx/build.ts";
import { isStatic, product } from "../onnx/dims.ts";
import { freshPrefix } from "../onnx/model.ts";
import { typeOf } from "../onnx/observe.ts";
import { DataType } from "../onnx/proto.ts";
import { gradientType } from "../onnx/types.ts";
import { type Axes, inAxes, type PlainDims, plainDims, plainIn } from "../read/axes.ts";
import type { Layer } from "../read/layers.ts";
import { layerEnd } from "../read/layout.ts";
import type { Explainer } from "./explainer.ts";

export class GraphQuery implements GraphQuestion {
  readonly build: Builder;
  /** The class that is explained, int64 [n]. */
  readonly class: Value;
  /** The layer that was asked about. */
  layer: Layer | undefined;
  readonly #scores: Value;
  readonly #seed: Value;
  readonly #dims: PlainDims;
  readonly #axes: Axes;

  /**
   * @param target the class to explain, int64 [1] or [n]; negative for the best one
   * @throws UserError `invalid-model` for scores that are not those of classes.
   */
  constructor(
    private readonly explainer: Explainer,
    target: Value,
  ) {
    const { model, tensors, score } = explainer;
    const { dims, type } = typeOf(model, tensors, score.name);
    if (dims.length === 3)
      throw new UserError(
        "invalid-model",
        `invalid model: a classifier gives scores of shape [n, classes]; "${score.name}" has [${dims}]`,
      );
    this.build = new Builder(model.opset, freshPrefix(model));
    this.#axes = score.axes;
    this.#dims = plainDims(dims, score.axes);
    this.#scores = plainIn(
      this.build,
      this.build.cast({ name: score.name, type, dims }, gradientType(type)),
      score.axes,
    );
    this.class = this.#chosen(target);
    this.#seed = this.#cotangent();
  }

  atLayer(map: LayerMap): Value {
    const [layer] = this.explainer.layers;
    if (!layer)
      throw new UserError("no-path", "no path: the model has no layer with a grid on the way to its scores; name one");
    this.layer = layer;
    const built: LayerMap = (parts) => builtMap(map, parts, 1);
    const value = this.#pullback(layerEnd(layer.name, this.explainer.layoutOf(layer.name), built), "plain");
    return { ...value, dims: [this.#dims[0], ...layer.grid] };
  }

  /** @throws UserError `invalid-model` without an image. */
  atInput(rules: Rules): Value {
    const { model, tensors, reading } = this.explainer;
    const { explained } = reading;
    if (!explained) throw new UserError("invalid-model", "invalid model: none of its inputs is an image");
    const { dims } = typeOf(model, tensors, explained.name);
    return plainIn(this.build, { ...this.#pullback({ tensor: explained.name }, rules), dims }, explained.axes);
  }

  #pullback(end: End, rules: Rules): Value {
    const { explainer, build } = this;
    const seeds = new Map([[explainer.score.name, inAxes(build, this.#seed, this.#axes)]]);
    return present(pullback(build, explainer, seeds, [end], overridesOf(rules))[0], "the map");
  }

  #chosen(target: Value): Value {
    const { build } = this;
    const [n, classes, ...places] = this.#dims;
    const scores = places.length ? build.reduceMean(this.#scores, gridAxes(places), false) : this.#scores;
    const asked = build.where(build.less(target, 0), build.argMax(scores, 1, false), target);
    // Both stop the run where there are neither 1 nor n classes, and where there is no such class.
    const each = build.op("Reshape", [asked, build.dimOf(this.#scores, 0)], undefined, DataType.INT64, [n]);
    const zeros = build.zeros(build.dimOf(this.#scores, 1), DataType.INT64, [classes]);
    return build.add(each, build.gather(zeros, each, 0));
  }

  /** 1 for the class; where the scores have a grid, its mean over the grid. */
  #cotangent(): Value {
    const { build } = this;
    const scores = this.#scores;
    const [n, classes, ...places] = this.#dims;
    const depth = classes < 0 ? build.dimOf(scores, 1) : build.ints(classes);
    const rows = build.cast(build.oneHot(this.class, depth, DataType.FLOAT, [n, classes]), scores.type);
    if (places.length === 0) return rows;
    const axes = gridAxes(places);
    const cells = build.unsqueeze(rows, axes);
    const count = isStatic(places) ? product(places) : build.reduceSum(build.add(build.zerosLike(scores), 1), axes);
    return build.expandLike(count === 1 ? cells : build.div(cells, count), scores);
  }
}

const gridAxes = (grid: readonly number[]): number[] => grid.map((_, i) => i + 2);
