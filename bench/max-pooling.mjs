/**
 * @file Gradients at the pixels by the two rules of max pooling: with the places of the maxima from the runtime (MaxPool's second output),
 * and by comparisons, as on WebGPU, which refuses that output. Both run on the processor, in turn, beside the plain forward pass.
 *
 *   node bench/max-pooling.mjs [ROUNDS]
 */
import ort from "onnxruntime-node";
import { openExplainer } from "../dist/index.js";
import { inTurn, processorMilliseconds, ratio } from "./measure.mjs";
import { resnet50, vgg16 } from "./networks.mjs";

const rounds = Number(process.argv[2] ?? 5);
const session = { intraOpNumThreads: 1, interOpNumThreads: 1 };

/** Takes sessions for WebGPU, and makes them for the processor. */
const create = (bytes, options) => ort.InferenceSession.create(bytes, { ...options, executionProviders: ["cpu"] });
const onProcessor = { ...ort, Tensor: ort.Tensor, InferenceSession: { create } };

for (const [name, network] of Object.entries({ "VGG-16": vgg16, "ResNet-50": resnet50 })) {
  const bytes = network();
  const plain = await ort.InferenceSession.create(bytes, session);
  const data = Float32Array.from({ length: 3 * 224 * 224 }, (_, i) => Math.sin(i * 0.37) + Math.cos(i * 0.011));
  const feeds = { [plain.inputNames[0]]: new ort.Tensor("float32", data, [1, 3, 224, 224]) };
  const explainer = (executionProviders) =>
    openExplainer(onProcessor, bytes, { session: { ...session, executionProviders } });
  const [places, comparison] = [await explainer(["cpu"]), await explainer(["webgpu"])];
  const gradient = (of) => () => of.explain(feeds, { target: 1, method: "gradient" });
  const contenders = { forward: () => plain.run(feeds), places: gradient(places), comparison: gradient(comparison) };
  const times = await inTurn(contenders, rounds, processorMilliseconds);
  const [byPlaces, byComparison] = [(await contenders.places()).maps.data, (await contenders.comparison()).maps.data];
  const apart = byPlaces.reduce((most, v, i) => Math.max(most, Math.abs(v - byComparison[i])), 0);
  const largest = byPlaces.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
  console.log(
    `${name}: forward passes by places ${ratio(times, "places", "forward").toFixed(2)}, by comparison ` +
      `${ratio(times, "comparison", "forward").toFixed(2)}; comparison / places ${ratio(times, "comparison", "places").toFixed(2)}; ` +
      `maps ${(apart / largest).toExponential(1)} apart`,
  );
  for (const one of [plain, places, comparison]) await one.release();
}
