/**
 * @file Similarity: where a sample resembles a reference, by the cosine of two embeddings.
 *
 * The cosine with a fed vector is put behind the model's embedding as its one score, so every method explains it:
 *   score = <e, r> / |e|,  r the reference's embedding over its length.
 */

import { present, UserError } from "../../errors.ts";
import { type Explainer, openExplainer } from "../../explain/explainer.ts";
import { append } from "../../onnx/append.ts";
import { Builder } from "../../onnx/build.ts";
import { isStatic, product } from "../../onnx/dims.ts";
import { freshPrefix, type Model } from "../../onnx/model.ts";
import { type Observed, typeOf } from "../../onnx/observe.ts";
import { DataType, infoOf, makeNode } from "../../onnx/proto.ts";
import type { Runtime } from "../../onnx/runtime.ts";
import { tensorOf, toDense, toTensor } from "../../onnx/tensors.ts";
import { openOptions } from "../asking.ts";
import { orRelease } from "../opened.ts";
import { readingOf } from "../reading.ts";
import type { Sample } from "../sample.ts";
import { Classifier, type ClassifierOptions } from "./classification.ts";

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
  const { dims = [] } = tensors.get(of) ?? {};
  const wrong = `an embedding has shape [n, values]; "${of}" has [${dims}]`;
  if (dims.length < 2) throw new UserError("invalid-model", `invalid model: ${wrong}`);
  const { bytes, fed } = withCosine(model, tensors, of);
  const explainer = await openExplainer(ort, bytes, openOptions({ ...rest, output }));
  return orRelease(explainer, async () => {
    const labels = [`similarity to ${referenceName}`];
    const said = { ...rest, labels, probability: "none", config: undefined } as const;
    const size = Math.max(explainer.tensors.get(fed)?.dims[1] ?? -1, 1);
    const guess = toTensor(ort, { data: new Float32Array(size).fill(1), dims: [1, size] });
    const classifier = new Classifier(ort, explainer, readingOf(explainer, said), rest);
    const probe = classifier.withInputs({ [fed]: guess });
    const { outputs } = await explainer.forward(probe.feeds(probe.prepare(reference).input));
    return classifier.withInputs({ [fed]: toTensor(ort, unit(toDense(tensorOf(outputs, of)), referenceName)) });
  });
}

/** The model with the cosine of a tensor and a vector as one more output, and the input that takes the vector. */
function withCosine(model: Model, tensors: Observed, of: string): { readonly bytes: Uint8Array; readonly fed: string } {
  const build = new Builder(model.opset, freshPrefix(model));
  const { type, dims } = typeOf(model, tensors, of);
  const [n = -1, ...sizes] = dims;
  const size = isStatic(sizes) ? product(sizes) : -1;
  const e = { ...build.reshape(build.cast({ name: of, type, dims }, DataType.FLOAT), [0, -1]), dims: [n, size] };
  const r = build.input(DataType.FLOAT, [1, size]);
  const length = build.sqrt(build.reduceSum(build.mul(e, e), [1]));
  const score = build.div(build.reduceSum(build.mul(e, r), [1]), length);
  const { nodes, initializers } = build.collect([score]);
  const bytes = append(model.bytes, {
    nodes: [...nodes, makeNode("Identity", [score.name], [output])],
    initializers,
    inputs: [infoOf(r)],
    outputs: [
      ...(model.outputs.includes(of) ? [] : [infoOf({ name: of, type, dims })]),
      infoOf({ ...score, name: output }),
    ],
  });
  return { bytes, fed: r.name };
}

/** The first row, over its length. */
function unit({ data, dims: [n = 1] }: { data: Float32Array; dims: readonly number[] }, name: string) {
  const row = data.subarray(0, data.length / n);
  const length = Math.hypot(...row);
  if (!(length > 0 && length < Number.POSITIVE_INFINITY))
    throw new UserError("not-finite", `not finite: the embedding of ${name} has no direction; its length is ${length}`);
  return { data: row.map((v) => v / length), dims: [1, row.length] };
}
