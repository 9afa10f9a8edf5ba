/**
 * @file Similarity: where a sample resembles a reference, by the cosine of two embeddings.
 *
 * The cosine with a fed vector is put behind the model's embedding as its one score, so every method explains it:
 *   score = <e, r> / |e|,  r the reference's embedding over its length.
 */

import { present, UserError } from "../../errors.ts";
import { type Explainer, openExplainer } from "../../explain/explainer.ts";
import { isStatic, product } from "../../onnx/dims.ts";
import { DataType } from "../../onnx/proto.ts";
import type { Runtime } from "../../onnx/runtime.ts";
import { tensorOf, toDense, toTensor } from "../../onnx/tensors.ts";
import { openOptions } from "../asking.ts";
import { orRelease } from "../opened.ts";
import { readingOf } from "../reading.ts";
import type { Sample } from "../sample.ts";
import { Classifier, type ClassifierOptions } from "./classification.ts";
import { type Head, withHead } from "./head.ts";

export interface SimilarityOptions extends Omit<ClassifierOptions, "labels" | "probability"> {
  readonly reference: Sample;
  /** How the reference is called. */
  readonly referenceName: string;
}

const output = "gradcam_similarity";

/**
 * A classifier whose one score is the similarity to the reference, -1 to 1.
 * @param plain the open model, which is released; `output` is the embedding, [n, ...], by default its first output of a float type.
 * @throws UserError for a model without embeddings, and a reference that is no sample or whose embedding has no direction.
 */
export async function openSimilarity(ort: Runtime, plain: Explainer, options: SimilarityOptions): Promise<Classifier> {
  const { reference, referenceName, ...rest } = options;
  const { model, tensors, score } = plain;
  // What is compared is what the model gives, behind a sigmoid too.
  const of = options.output ?? (score.before ? present(model.outputs[0], "an output") : score.name);
  await plain.release();
  if ((tensors.get(of)?.dims.length ?? 0) < 2)
    throw new UserError(
      "invalid-model",
      `invalid model: an embedding has shape [n, values]; "${of}" has [${tensors.get(of)?.dims}]`,
    );
  let fed = "";
  const cosine: Head = (build, tensor) => {
    const [, ...sizes] = tensor.dims ?? [];
    const size = isStatic(sizes) ? product(sizes) : -1;
    const e = { ...build.reshape(build.cast(tensor, DataType.FLOAT), [0, -1]), dims: [tensor.dims?.[0] ?? -1, size] };
    const r = build.input(DataType.FLOAT, [1, size]);
    fed = r.name;
    const length = build.sqrt(build.reduceSum(build.mul(e, e), [1]));
    return { scores: build.div(build.reduceSum(build.mul(e, r), [1]), length), inputs: [r] };
  };
  const whole = withHead(model, tensors, { of, head: cosine, output });
  const explainer = await openExplainer(ort, whole, openOptions({ ...rest, output }));
  return orRelease(explainer, async () => {
    const said = {
      ...rest,
      labels: [`similarity to ${referenceName}`],
      probability: "none",
      config: undefined,
    } as const;
    const size = Math.max(explainer.tensors.get(fed)?.dims[1] ?? -1, 1);
    const guess = toTensor(ort, { data: new Float32Array(size).fill(1), dims: [1, size] });
    const classifier = new Classifier(ort, explainer, readingOf(explainer, said), rest);
    const probe = classifier.withInputs({ [fed]: guess });
    const { outputs } = await explainer.forward(probe.feeds(probe.prepare(reference).input));
    return classifier.withInputs({ [fed]: toTensor(ort, unit(toDense(tensorOf(outputs, of)), referenceName)) });
  });
}

/** The first row, over its length. */
function unit({ data, dims: [n = 1] }: { data: Float32Array; dims: readonly number[] }, name: string) {
  const row = data.subarray(0, data.length / n);
  const length = Math.hypot(...row);
  if (!(length > 0 && length < Number.POSITIVE_INFINITY))
    throw new UserError("not-finite", `not finite: the embedding of ${name} has no direction; its length is ${length}`);
  return { data: row.map((v) => v / length), dims: [1, row.length] };
}
