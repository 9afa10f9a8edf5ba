/** @file The gradient itself, with its sign: what references hold. */
import { defineMethod } from "../../src/methods/define.ts";

export const signed = defineMethod({
  name: "signed-gradient",
  space: "pixels",
  explain: async ({ atInput }) => {
    const pixels = await atInput("plain");
    const [n = 1, , height = 1, width = 1] = pixels.dims;
    return { maps: { data: new Float32Array(n * height * width), dims: [n, height, width] }, pixels };
  },
});
