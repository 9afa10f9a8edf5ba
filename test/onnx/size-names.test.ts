/** @file Names of sizes: one name for two axes stands for one size, and what contradicts itself is refused. */
import * as ort from "onnxruntime-node";
import { expect, it } from "vitest";
import { openExplainer, vjp } from "../../src/index.ts";
import { changed, DataType, decodeModel, encodeModel, makeValueInfo } from "../../src/onnx/proto.ts";
import type { Feeds } from "../../src/onnx/runtime.ts";
import { gap } from "../nets.ts";

const sized = (dims: readonly (number | string)[]): Uint8Array => {
  const proto = decodeModel(gap());
  return encodeModel(
    changed(proto, { graph: changed(proto.graph!, { input: [makeValueInfo("x", DataType.FLOAT, dims)] }) }),
  );
};
const picture = (n: number, h: number, w: number): Feeds => {
  const data = Float32Array.from({ length: n * 3 * h * w }, (_, i) => Math.sin(i));
  return { x: new ort.Tensor("float32", data, [n, 3, h, w]) };
};
const seeds = { logits: new ort.Tensor("float32", new Float32Array(5).fill(1), [1, 5]) };

it.each([
  {
    dims: ["n", 3, "side", "side"],
    words: 'axis 2 of "x" and axis 3 of "x" are both named "side", but have sizes 8 and 6',
  },
  {
    dims: ["size", 3, 8, "size"],
    words: 'axis 0 of "x" and axis 3 of "x" are both named "size", but have sizes 1 and 6',
  },
])("$dims for two sizes is the caller's to mend", async ({ dims, words }) => {
  const feeds = picture(1, 8, 6);
  const refusal = { name: "UserError", code: "invalid-input", message: expect.stringContaining(words) };
  await expect(vjp(ort, sized(dims), { feeds, seeds, wrt: ["x"] })).rejects.toMatchObject(refusal);
  const explainer = await openExplainer(ort, sized(dims));
  await expect(explainer.explain(feeds, { target: 0 })).rejects.toMatchObject(refusal);
  await explainer.release();
});

it("one name for two axes of one size gives the map that fixed sizes give", async () => {
  const feeds = picture(1, 8, 8);
  const maps: ArrayLike<number>[] = [];
  for (const dims of [
    ["n", 3, "side", "side"],
    [1, 3, 8, 8],
  ]) {
    const explainer = await openExplainer(ort, sized(dims));
    const explained = await explainer.explain(feeds, { target: 0 });
    maps.push(explained.maps.data as Float32Array);
    await explainer.release();
  }
  expect(maps[0]).toEqual(maps[1]);
});
