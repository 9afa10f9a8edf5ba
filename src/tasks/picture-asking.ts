/** @file What is looked at first wherever boxes, masks or characters of a picture are asked about. */
import type { Explainer } from "../explain/explainer.ts";
import { namedLayer } from "../explain/named-layer.ts";
import { methodsOf } from "../methods/by-name.ts";
import { optionsFor } from "../methods/options.ts";
import type { Feeds } from "../onnx/runtime.ts";
import { type ClassifyOptions, checkClassify } from "./classify/options.ts";
import type { ModelReading } from "./reading.ts";
import { checkSample, type Sample } from "./sample.ts";

/** @throws UserError for options that do not fit, a sample of no kind, an unknown method, and what a method cannot be told. */
export async function checkAsking(sample: Sample, options: ClassifyOptions): Promise<void> {
  checkClassify(options);
  checkSample(sample);
  if (options.method !== undefined) optionsFor(await methodsOf(options.method), options.options);
}

/** The layer that is named, or else the default; @throws UserError for one that these feeds have no map on. */
export async function targetLayer(
  explainer: Explainer,
  { layers }: Pick<ModelReading, "layers">,
  feeds: Feeds,
  name: string | undefined,
): Promise<string | undefined> {
  if (name === undefined) return layers.find((one) => one.default)?.name;
  return namedLayer(await explainer.planFor(feeds), name, explainer.layers).name;
}
