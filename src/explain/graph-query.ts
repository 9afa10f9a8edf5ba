/** @file The questions of a method, answered in the graph of the model itself: about one class of each image, which the run chooses. */
import { type End, pullback } from "../autodiff/adjoint.ts";
import { tableOf } from "../autodiff/relevance/composites.ts";
import { isRelevance, overridesOf, type RuleChoice } from "../autodiff/rules.ts";
import { present, UserError } from "../errors.ts";
import { builtMap } from "../methods/layer-map.ts";
import type { GraphQuestion, MethodOptions } from "../methods/method.ts";
import { Builder, type Value } from "../onnx/build.ts";
import { isStatic, product } from "../onnx/dims.ts";
import { freshPrefix } from "../onnx/model.ts";
import { typeOf } from "../onnx/observe.ts";
import { DataType } from "../onnx/proto.ts";
import { gradientType } from "../onnx/types.ts";
import { inAxes, plainDims, plainIn } from "../read/axes.ts";
import type { ExplainedInput } from "../read/inputs.ts";
import type { Layer } from "../read/layers.ts";
import { layerEnd, sweepEnd } from "../read/layout.ts";
import { attentionMap } from "./attentions.ts";
import type { Explainer } from "./explainer.ts";

export interface GraphQuery extends GraphQuestion {
  /** The class that is explained, int64 [n]. */
  readonly class: Value;
  readonly layer: Layer | undefined;
}

/**
 * @param target the class to explain, int64 [1] or [n]; negative for the best one
 * @param options of the method, filled
 * @throws UserError `invalid-model` for scores that are not those of classes.
 */
export function graphQuery(explainer: Explainer, target: Value, options: MethodOptions): GraphQuery {
  const { model, tensors, score, reading, layoutOf } = explainer;
  const { dims, type } = typeOf(model, tensors, score.name);
  if (dims.length === 3)
    throw new UserError(
      "invalid-model",
      `invalid model: a classifier gives scores of shape [n, classes]; "${score.name}" has [${dims}]`,
    );
  const build = new Builder(model.opset, freshPrefix(model));
  const given = build.cast({ name: score.name, type, dims }, gradientType(type));
  const scores = plainIn(build, given, score.axes);
  const [n, classes, ...places] = plainDims(dims, score.axes);
  const grid = places.map((_, i) => i + 2);

  const means = places.length ? build.reduceMean(scores, grid, false) : scores;
  const asked = build.where(build.less(target, 0), build.argMax(means, 1, false), target);
  // Both stop the run where there are neither 1 nor n classes, and where there is no such class.
  const each = build.op("Reshape", [asked, build.dimOf(scores, 0)], undefined, DataType.INT64, [n]);
  const zeros = build.zeros(build.dimOf(scores, 1), DataType.INT64, [classes]);
  const chosen = build.add(each, build.gather(zeros, each, 0));

  /** 1 for the class; where the scores have a grid, its mean over the grid. */
  const cotangent = (): Value => {
    const depth = classes < 0 ? build.dimOf(scores, 1) : build.ints(classes);
    const rows = build.cast(build.oneHot(chosen, depth, DataType.FLOAT, [n, classes]), scores.type);
    if (places.length === 0) return rows;
    const cells = build.unsqueeze(rows, grid);
    const count = isStatic(places) ? product(places) : build.reduceSum(build.add(build.zerosLike(scores), 1), grid);
    return build.expandLike(count === 1 ? cells : build.div(cells, count), scores);
  };
  const seeds = new Map([[score.name, inAxes(build, cotangent(), score.axes)]]);
  const pulledTo = (end: End, rules: RuleChoice): Value =>
    present(
      pullback(build, explainer, seeds, [end], overridesOf(isRelevance(rules) ? tableOf(rules) : rules))[0],
      "the map",
    );

  let seen: Layer | undefined;
  return {
    build,
    options,
    class: chosen,
    get layer() {
      return seen;
    },

    atLayer(map) {
      const [layer] = explainer.layers;
      if (!layer)
        throw new UserError(
          "no-path",
          "no path: the model has no layer with a grid on the way to its scores; name one",
        );
      seen = layer;
      const end = layerEnd(layer.name, layoutOf(layer.name), (parts) => builtMap(map, parts, 1));
      return { ...pulledTo(end, "plain"), dims: [n, ...layer.grid] };
    },

    atAttentions(map) {
      const [made] = attentionMap(explainer, map, overridesOf("plain"))(build, seeds);
      return present(made, "the map");
    },

    image() {
      const { name, axes } = explainedOf(reading);
      return plainIn(build, { name, ...typeOf(model, tensors, name) }, axes);
    },

    /** @throws UserError `invalid-model` without an image. */
    atInput(rules) {
      const { name, axes } = explainedOf(reading);
      const { dims: own } = typeOf(model, tensors, name);
      if (typeof rules === "function") {
        const sweep = sweepEnd(rules, name, axes, explainer.gridLayoutOf);
        const overrides = sweep.rules(overridesOf("plain"));
        const [n, , ...grid] = plainDims(own, axes);
        const map = present(pullback(build, explainer, seeds, [sweep.end], overrides)[0], "the map");
        return { ...plainIn(build, map, axes), dims: [n, 1, ...grid] };
      }
      return plainIn(build, { ...pulledTo({ tensor: name }, rules), dims: own }, axes);
    },
  };
}

function explainedOf({ explained }: Explainer["reading"]): ExplainedInput {
  if (!explained) throw new UserError("invalid-model", "invalid model: none of its inputs is an image");
  return explained;
}
