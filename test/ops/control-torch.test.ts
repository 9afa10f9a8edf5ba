/** @file Branches and loops as PyTorch writes them, against its autograd (`control/make_goldens.py`). */
import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { vjp } from "../../src/autodiff/vjp.ts";
import { openExplainer } from "../../src/explain/explainer.ts";
import { tensor } from "../models.ts";
import { session } from "./rules.ts";

interface Case {
  readonly dims: number[];
  readonly x: number[];
  readonly seed: number[];
  readonly y: number[];
  readonly gradients: Readonly<Record<string, number[]>>;
  readonly cams?: readonly { readonly target: number; readonly dims: number[]; readonly map: number[] }[];
}

const folder = new URL("control/", import.meta.url);
const goldens: Record<string, Case[]> = JSON.parse(readFileSync(new URL("goldens.json", folder), "utf8"));
const bytesOf = (name: string) => new Uint8Array(readFileSync(new URL(`${name}.onnx`, folder)));

/** The largest distance, over the largest magnitude. */
function distance(got: ort.Tensor, want: readonly number[]): number {
  const data = [...(got.data as Float32Array)];
  expect(data).toHaveLength(want.length);
  const scale = Math.max(...want.map(Math.abs), 1e-3);
  return Math.max(...data.map((v, i) => Math.abs(v - want[i]))) / scale;
}

describe.each(Object.entries(goldens))("%s", (name, cases) => {
  test.each(cases.map((wanted, i) => [i, wanted] as const))("input %i", async (_, { dims, x, seed, y, gradients }) => {
    const bytes = bytesOf(name);
    const shape = name === "head-by-size" ? [1, 5] : name === "cond" || name === "by-brightness" ? [dims[0], 4] : dims;
    const asked = { feeds: { x: tensor(x, dims) }, seeds: { y: tensor(seed, shape) }, wrt: Object.keys(gradients) };
    const found = await vjp(ort, bytes, { ...asked, session });
    expect(distance(found.outputs.y, y)).toBeLessThan(1e-5);
    for (const [at, want] of Object.entries(gradients))
      expect(distance(found.gradients[at], want), at).toBeLessThan(2e-5);
  });
});

test("Grad-CAM of a classifier that chooses its head by the size of the picture", async () => {
  const explainer = await openExplainer(ort, bytesOf("head-by-size"), { session });
  for (const { dims, x, cams = [] } of goldens["head-by-size"]) {
    const feeds = { x: tensor(x, dims) };
    for (const { target, dims: grid, map } of cams) {
      const { maps } = await explainer.explain(feeds, { target });
      expect(maps.dims).toEqual([1, ...grid]);
      expect(distance(maps, map), `class ${target}`).toBeLessThan(1e-5);
    }
    const { maps } = await explainer.explain(feeds, { target: { each: [0, 3] } });
    expect(distance(maps, [...cams[0].map, ...cams[3].map])).toBeLessThan(1e-5);
  }
  await explainer.release();
});
