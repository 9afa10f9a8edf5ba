/** @file A model that scores words as one file that explains itself: every place's word, which the run names, has its map. */
import { pullback } from "../autodiff/adjoint.ts";
import { RowBuilder } from "../autodiff/row-builder.ts";
import { present, UserError } from "../errors.ts";
import { gradCamMap } from "../methods/grad-cam.ts";
import type { Value } from "../onnx/build.ts";
import { range } from "../onnx/dims.ts";
import { freshPrefix } from "../onnx/model.ts";
import { typeOf } from "../onnx/observe.ts";
import { DataType, makeValueInfo } from "../onnx/proto.ts";
import { layerEnd } from "../read/layout.ts";
import { checkNotCompiled, type Notes, names, sentenceNames, withResults } from "./compiled.ts";
import type { Plan } from "./plan.ts";
import { cotangentsAtStates } from "./word-seeds.ts";

/**
 * @returns the joined model, with the input `gradcam_words` (int64 [1, T], the word that is scored at each place) and the outputs
 *   `gradcam_log_probability` (float32 [1, T]) and `gradcam_map` (float32 [T, ...grid], raw); one picture in a run
 * @throws UserError where the questions cannot be rows of one batch.
 */
export function compileWords(plan: Plan, layer: string, notes: Notes): Uint8Array {
  const { model, tensors, score } = plan;
  checkNotCompiled(model);
  const build = new RowBuilder(model.opset, freshPrefix(model));
  const { type, dims } = typeOf(model, tensors, score.name);
  const [places, vocabulary] = [present(dims[1], "the places"), present(dims[2], "a score")];
  const z = build.cast({ name: score.name, type, dims: [1, places, vocabulary] }, DataType.FLOAT);
  const words: Value = { name: sentenceNames.words, type: DataType.INT64, dims: [1, places] };
  const chosen = build.oneHot(words, build.ints(vocabulary), DataType.FLOAT, z.dims);
  const logs = build.op("LogSoftmax", [z], { axis: 2 }, z.type, z.dims);
  const each = range(places).flatMap((row) => range(places).map((place) => (place === row ? 1 : 0)));
  const weights = build.asRows(build.floats(each, [places, places, 1]));
  // As in word-scores.ts: 1 minus the word's own probability would lose the digits of a nearly certain one.
  const others = build.mul(build.exp(logs), build.sub(1, chosen));
  const cotangent = build.sub(build.mul(chosen, build.reduceSum(others, [2])), others);
  const seeds = cotangentsAtStates(build, plan, score.name, cotangent, weights);
  const layout = plan.layoutOf(layer);
  const [made] = pullback(build, plan, seeds, [layerEnd(layer, layout, gradCamMap)]);
  const mapped = present(made, "the map");
  if (!build.together([mapped]))
    throw new UserError(
      "unsupported-operator",
      "unsupported operator: one on the way from the words to the layer mixes the words, and a compiled model has one run for all",
    );
  const shape = [places, ...layout.grid];
  const results = {
    [sentenceNames.logProbability]: {
      ...build.reduceSum(build.mul(chosen, logs), [2], false),
      ...{ type: DataType.FLOAT, dims: [1, places] },
    },
    [names.map]: { ...build.reshape(mapped, shape), type: DataType.FLOAT, dims: shape },
  };
  const inputs = [makeValueInfo(sentenceNames.words, DataType.INT64, [1, places])];
  return withResults(model, build, results, { inputs }, { layer, grid: JSON.stringify(layout.grid), ...notes });
}
