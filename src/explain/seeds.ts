/** @file What an adjoint starts from: cotangents of any tensors, or classes, of which the graph makes the cotangent of the scores. */
import type { AdjointQuery, ObservedModel } from "../autodiff/adjoint.ts";
import { present } from "../errors.ts";
import type { LayerMap } from "../methods/method.ts";
import type { Builder, Value } from "../onnx/build.ts";
import { typeOf } from "../onnx/observe.ts";
import { DataType } from "../onnx/proto.ts";
import { gradientType } from "../onnx/types.ts";
import type { Score } from "../read/score.ts";

/** Writes what an adjoint starts from. */
export type Seeds = AdjointQuery["seeds"];

/** How a target is fed: as class indices, as cotangents of these tensors, or as a writer of seeds says. */
export type Seeding = "classes" | readonly string[] | Seeds;

/** A cotangent for each tensor, fed in its shape. */
export const tensorSeeds =
  ({ model, tensors }: ObservedModel, names: readonly string[]): Seeds =>
  (build, rowed) => {
    const values = new Map<string, Value>();
    for (const name of names) {
      const { type, dims } = typeOf(model, tensors, name);
      values.set(name, rowed(build.input(gradientType(type), dims)));
    }
    return { inputs: [...values.values()], values };
  };

/** A class for each row, int64 [m]; the scores are [n, classes, 1 ...]. */
export const classSeeds =
  ({ tensors }: ObservedModel, score: string): Seeds =>
  (build, rowed) => {
    // The class itself has the rows: rules may read it past the one-hot rows that are made of it.
    const classes = rowed(build.input(DataType.INT64, [-1]));
    return { inputs: [classes], values: new Map([[score, onePerRow(build, tensors.get(score)?.dims, classes)]]) };
  };

/** Classes of each image, int64 [n, k], in the model's own run: negative ones stand for the image's best. */
export const classesOfRun =
  ({ model, tensors }: ObservedModel, score: string): Seeds =>
  (build) => {
    const { dims, type } = typeOf(model, tensors, score);
    const classes = build.input(DataType.INT64, [-1, -1]);
    const given = { name: score, type, dims };
    const scores = dims.length === 2 ? given : build.reshape(given, [-1, present(dims[1], "the classes")]);
    const chosen = build.where(build.less(classes, 0), build.argMax(scores, 1), classes);
    const rows = { ...build.reshape(chosen, build.ints([-1])), dims: [-1] };
    return { inputs: [classes], values: new Map([[score, onePerRow(build, dims, rows)]]) };
  };

/** 1 at the class of each row, in the shape of the scores. */
function onePerRow(build: Builder, scores: readonly number[] = [], classes: Value): Value {
  const count = scores[1] ?? -1;
  const rows = build.oneHot(classes, build.ints(count), DataType.FLOAT, [-1, count]);
  const seed = scores.length === 2 ? rows : build.reshape(rows, [-1, ...scores.slice(1)]);
  return { ...seed, dims: scores };
}

/** Seeds that a function makes of the weights on the scores, and of the scores themselves. */
export const reseeded =
  (
    given: Seeds,
    { model, tensors, score }: ObservedModel & { readonly score: Score },
    seed: NonNullable<LayerMap["seed"]>,
  ): Seeds =>
  (build, rowed) => {
    const { inputs, values } = given(build, rowed);
    const { name, axes, before } = score;
    const { type, dims } = typeOf(model, tensors, name);
    const scores = build.cast({ name, type, dims }, gradientType(type));
    const weights = present(values.get(name), "the weights on the scores");
    return {
      inputs,
      values: new Map([...values, [name, seed({ build, weights, scores, classes: axes.channels, before })]]),
    };
  };
