/** @file A small picture, and how the small networks of nets.ts are fed one. */
import type { Preprocess } from "../../src/image/preprocess.ts";

export const unresized: Preprocess = {
  filter: "bilinear",
  scale: 1 / 128,
  mean: [1, 1, 1],
  std: [1, 1, 1],
  channels: 3,
  order: "RGB",
  layout: "NCHW",
};

export const preprocess: Preprocess = { ...unresized, resize: { width: 8, height: 8 } };

export const picture = (seed = 71) => ({
  width: 20,
  height: 10,
  data: Uint8Array.from({ length: 600 }, (_, i) => (i * seed) % 256),
});
