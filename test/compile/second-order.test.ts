/** @file The gradient of a map: a compiled model is a model, and is differentiated again. Beside central differences of its own runs. */
import * as ort from "onnxruntime-node";
import { expect, test } from "vitest";
import { checkVjp, vjp } from "../../src/index.ts";
import { numbers, session } from "../explain/ask.ts";
import { gap, images, squeezeExcite, vgg } from "../nets.ts";
import { compiled } from "./compile.ts";

const target = new ort.Tensor("int64", BigInt64Array.of(1n), [1]);

test.each([
  ["squeeze and excitation", squeezeExcite, "grad-cam", "gradcam_map"],
  ["squeeze and excitation", squeezeExcite, "hires-cam", "gradcam_map"],
  ["squeeze and excitation", squeezeExcite, "gradient", "gradcam_pixels"],
  ["a head of two layers", () => vgg({ opset: 16 }), "hires-cam", "gradcam_map"],
] as const)("%s (%#)", async (_, net, method, output) => {
  const [check] = await checkVjp(ort, await compiled(net(), { method, classInput: "required" }), {
    feeds: { ...images(1), gradcam_target: target },
    ...{ output, wrt: ["x"], step: 1e-3, session },
  });
  expect(Math.abs(check.numeric)).toBeGreaterThan(1e-4);
  expect(check.error).toBeLessThan(5e-3);
});

test("of a head that is linear the map moves by its activations alone", async () => {
  const seeds = { gradcam_map: new ort.Tensor("float32", new Float32Array(64).fill(1), [1, 8, 8]) };
  const feeds = { ...images(1), gradcam_target: target };
  const { outputs, gradients } = await vjp(ort, await compiled(gap(), { classInput: "required" }), {
    ...{ feeds, seeds, wrt: ["x", "features"], session },
  });
  // L = ReLU( sum_k w_k / 64 A_k ), w the class's row of the head: dL/dA_k is w_k / 64 where L > 0.
  const map = numbers(outputs.gradcam_map);
  const [first, ...others] = numbers(gradients.features)
    .slice(0, 64)
    .flatMap((v, p) => (map[p] > 0 ? [v] : []));
  expect(first).not.toBe(0);
  for (const other of others) expect(other).toBeCloseTo(first, 6);
});
