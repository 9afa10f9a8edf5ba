/** @file Questions put to small models, and Grad-CAM worked out anew from the primitive: what the explainer's answers are held against. */
import * as ort from "onnxruntime-node";
import { expect } from "vitest";
import { type ExplainOptions, type OpenOptions, openExplainer, type UserErrorCode, vjp } from "../../src/index.ts";
import type { Feeds, Tensor } from "../../src/onnx/runtime.ts";

/** One thread: the models are small, and threads that wait for each other cost more than they give. */
export const session = { intraOpNumThreads: 1, interOpNumThreads: 1, logSeverityLevel: 4 } as const;

export const open = (bytes: Uint8Array, options: OpenOptions = {}) =>
  openExplainer(ort, bytes, { session, ...options });

/** Opens, asks once, releases. */
export async function ask(bytes: Uint8Array, feeds: Feeds, options: ExplainOptions = {}, opening: OpenOptions = {}) {
  const explainer = await open(bytes, opening);
  try {
    return await explainer.explain(feeds, options);
  } finally {
    await explainer.release();
  }
}

export const numbers = (tensor: Tensor | undefined): number[] => Array.from((tensor?.data ?? []) as Float32Array);

/** The rows of a tensor along its first dimension. */
export function rows(tensor: Tensor): number[][] {
  const all = numbers(tensor);
  const size = all.length / tensor.dims[0];
  return Array.from({ length: tensor.dims[0] }, (_, i) => all.slice(i * size, (i + 1) * size));
}

/** The largest difference over the largest magnitude of the second. */
export function apart(got: readonly number[], want: readonly number[]): number {
  if (got.length !== want.length) return Number.POSITIVE_INFINITY;
  const scale = want.reduce((most, v) => Math.max(most, Math.abs(v)), 0) || 1;
  return got.reduce((worst, v, i) => Math.max(worst, Math.abs(v - want[i])), 0) / scale;
}

export const expectClose = (got: readonly number[], want: readonly number[], most = 1e-5) =>
  expect(apart(got, want)).toBeLessThan(most);

/** Cotangents of scores [n, classes]: rows of [class, weight]. */
export function cotangent(classes: number, ...images: readonly (readonly (readonly [number, number])[])[]): Tensor {
  const data = new Float32Array(images.length * classes);
  images.forEach((weights, i) => {
    for (const [c, weight] of weights) data[i * classes + c] = weight;
  });
  return new ort.Tensor("float32", data, [images.length, classes]);
}

/** ReLU( sum_k mean(dA_k) A_k ) from the primitive's gradients; the layer must be among the model's outputs. */
export async function gradCam(bytes: Uint8Array, feeds: Feeds, seeds: Feeds, layer: string): Promise<number[]> {
  const { outputs, gradients } = await vjp(ort, bytes, { feeds, seeds, wrt: [layer], session });
  const [n, channels, ...grid] = outputs[layer].dims;
  const [a, da] = [numbers(outputs[layer]), numbers(gradients[layer])];
  const places = grid.reduce((x, y) => x * y, 1);
  const map: number[] = [];
  for (let i = 0; i < n; i++)
    for (let p = 0; p < places; p++) {
      let sum = 0;
      for (let k = 0; k < channels; k++) {
        const from = (i * channels + k) * places;
        const weight = da.slice(from, from + places).reduce((x, y) => x + y, 0) / places;
        sum += weight * a[from + p];
      }
      map.push(Math.max(0, sum));
    }
  return map;
}

/** That a promise ends with a UserError of this code, whose message has these words. */
export async function expectUserError(
  promise: Promise<unknown>,
  code: UserErrorCode,
  words: string | RegExp,
): Promise<void> {
  const error = await promise.then(
    () => "no error",
    (thrown: unknown) => thrown,
  );
  expect(error).toMatchObject({ name: "UserError", code });
  expect(String(error)).toMatch(words);
}
