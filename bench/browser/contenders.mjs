/**
 * @file Runs in the page: Grad-CAM of a MobileNet-v2 with random weights, by gradcam on ONNX Runtime Web and by TensorFlow.js, in turn.
 * TensorFlow.js's is the usual one: the network cut at the last convolution, `tf.grad` of a class's score behind the cut, the weighted sum.
 */
import * as tf from "@tensorflow/tfjs";
import { setThreadsCount, setWasmPaths } from "@tensorflow/tfjs-backend-wasm";
import { openExplainer } from "../../dist/index.js";
import { inTurn } from "../measure.mjs";

const size = 224;
const warmUps = { wasm: 30, webgl: 3 };

async function withOnnxRuntime(pixels, threads) {
  const ort = await import(/* @vite-ignore */ new URL("ort/ort.wasm.min.mjs", location.href).href);
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.wasmPaths = new URL("ort/", location.href).href;
  const bytes = new Uint8Array(await (await fetch("mobilenet-v2.onnx")).arrayBuffer());
  const explainer = await openExplainer(ort, bytes, { session: { executionProviders: ["wasm"] } });
  const input = new ort.Tensor("float32", pixels, [1, 3, size, size]);
  const forward = await explainer.forward({ input });
  return {
    "gradcam: forward": () => explainer.forward({ input }),
    "gradcam: Grad-CAM": () => explainer.explain({ input }, { target: 281 }),
    "gradcam: a further class": () => forward.explain({ target: 281 }),
  };
}

/** As `bench/networks.mjs` builds it: batch normalisation folded into the convolutions. */
function mobilenetV2() {
  const { layers } = tf;
  const relu6 = (x) => layers.reLU({ maxValue: 6 }).apply(x);
  const conv = (x, filters, kernelSize, strides = 1) =>
    layers.conv2d({ filters, kernelSize, strides, padding: "same" }).apply(x);
  const image = tf.input({ shape: [size, size, 3] });
  let x = relu6(conv(image, 32, 3, 2));
  let channels = 32;
  const plan = [
    [1, 16, 1, 1],
    [6, 24, 2, 2],
    [6, 32, 3, 2],
    [6, 64, 4, 2],
    [6, 96, 3, 1],
    [6, 160, 3, 2],
    [6, 320, 1, 1],
  ];
  for (const [expand, width, blocks, firstStride] of plan)
    for (let i = 0; i < blocks; i++) {
      const strides = i === 0 ? firstStride : 1;
      let y = expand === 1 ? x : relu6(conv(x, channels * expand, 1));
      y = relu6(layers.depthwiseConv2d({ kernelSize: 3, strides, padding: "same" }).apply(y));
      y = conv(y, width, 1);
      x = strides === 1 && channels === width ? layers.add().apply([y, x]) : y;
      channels = width;
    }
  const features = relu6(conv(x, 1280, 1));
  const head = tf.sequential({
    layers: [layers.globalAveragePooling2d({ inputShape: [7, 7, 1280] }), layers.dense({ units: 1000 })],
  });
  return { body: tf.model({ inputs: image, outputs: features }), head };
}

async function withTensorFlow(backend, pixels) {
  await tf.setBackend(backend);
  await tf.ready();
  const { body, head } = mobilenetV2();
  const image = tf.tensor4d(pixels, [1, 3, size, size]).transpose([0, 2, 3, 1]);
  const scoreOf = (features) => head.predict(features).slice([0, 281], [1, 1]).sum();
  const map = (features) => {
    const gradient = tf.grad(scoreOf)(features);
    const weights = gradient.mean([1, 2], true);
    return features.mul(weights).sum(-1).relu();
  };
  const read = async (make) => {
    const result = tf.tidy(make);
    await result.data();
    result.dispose();
  };
  const features = body.predict(image);
  return {
    [`TensorFlow.js, ${backend}: forward`]: () => read(() => head.predict(body.predict(image))),
    [`TensorFlow.js, ${backend}: Grad-CAM`]: () => read(() => map(body.predict(image))),
    [`TensorFlow.js, ${backend}: a further class`]: () => read(() => map(features)),
  };
}

globalThis.run = async (rounds, threads) => {
  setWasmPaths(new URL("tfjs/", location.href).href);
  setThreadsCount(threads);
  const pixels = Float32Array.from({ length: 3 * size * size }, (_, i) => Math.sin(i * 12.9898));
  const ours = await withOnnxRuntime(pixels, threads);
  const times = {};
  // A backend of TensorFlow.js is the whole library's: its contenders run together, each time beside ours.
  for (const backend of ["wasm", "webgl"]) {
    const theirs = await withTensorFlow(backend, pixels);
    const contenders = { ...ours, ...theirs };
    // WebAssembly is compiled twice: at once, and well when it has run for a while.
    for (const work of Object.values(contenders)) for (let i = 0; i < warmUps[backend]; i++) await work();
    Object.assign(times, await inTurn(contenders, rounds));
  }
  return times;
};
