/** @file Every kind of head against the library that it is of: boxes, order and scores, and gradients by PyTorch's autograd. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { openExplainer } from "../../src/explain/explainer.ts";
import { overlap } from "../../src/image/boxes.ts";
import { layerMethod, placeByPlace } from "../../src/methods/layer-map.ts";
import type { Feeds, Runtime } from "../../src/onnx/runtime.ts";
import { Finder } from "../../src/tasks/detect/detections.ts";
import { edges } from "../../src/tasks/detect/head.ts";
import { recogniseHead } from "../../src/tasks/detect/recognise.ts";
import { numbersOf, readNpy } from "../arrays.ts";
import { signed } from "./signed.ts";

/** Those of the repository, or others in the same form. */
const folder = process.env.GRADCAM_REFERENCES ?? fileURLToPath(new URL("references", import.meta.url));

interface Reference {
  readonly models: readonly { readonly file: string }[];
  readonly picture: {
    readonly input: string;
    readonly scale: number;
    readonly mean: readonly number[];
    readonly std: readonly number[];
    readonly batch: boolean;
  };
  readonly feeds: Readonly<Record<string, { type: string; shape: number[]; data: number[] }>>;
  readonly names: readonly string[];
  readonly width: number;
  readonly height: number;
  readonly detections: readonly { class: number; score: number; box: [number, number, number, number] }[];
  readonly gradients: readonly { question: string; value: number; file: string; every: number; unit: number }[];
}

const pixels = numbersOf(readNpy(path.join(folder, "picture.npy")));

function feedsOf({ picture, feeds }: Reference): Feeds {
  const plane = 64 * 64;
  const data = Float32Array.from(pixels, (p, i) => {
    const c = Math.floor(i / plane);
    return (p * picture.scale - (picture.mean[c] as number)) / (picture.std[c] as number);
  });
  const dims = picture.batch ? [1, 3, 64, 64] : [3, 64, 64];
  const others = Object.entries(feeds).map(([name, { type, shape, data: values }]) => [
    name,
    type === "int64"
      ? new ort.Tensor("int64", BigInt64Array.from(values, BigInt), shape)
      : new ort.Tensor("float32", Float32Array.from(values), shape),
  ]);
  return { [picture.input]: new ort.Tensor("float32", data, dims), ...Object.fromEntries(others) };
}

const onGrid = layerMethod((parts) => parts.build.relu(placeByPlace(parts)), {
  ...{ name: "by-the-grid", title: "HiResCAM", summary: "", paper: "" },
});

const names = readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
  entry.isDirectory() ? [entry.name] : [],
);

describe.each(names)("%s", (name) => {
  const file = (of: string) => path.join(folder, name, of);
  const reference: Reference = JSON.parse(readFileSync(file("case.json"), "utf8"));
  const read = (of: string): unknown => {
    try {
      return JSON.parse(readFileSync(file(of), "utf8"));
    } catch {
      return undefined;
    }
  };
  test.each(reference.models.map((model) => model.file))("%s", async (model) => {
    const runtime = ort as unknown as Runtime;
    await using explainer = await openExplainer(runtime, new Uint8Array(readFileSync(file(model))));
    const shape = explainer.sized.get(reference.picture.input)?.dims ?? [];
    const [height = 64, width = 64] = shape.slice(-2);
    const input = { width, height };
    const { names: labels } = reference;
    const found = recogniseHead({
      ...{ model: explainer.model, tensors: explainer.sized, input, labels, config: read("config.json") },
    });
    expect(found?.guess).toBeUndefined();
    if (!found) throw new Error("not recognised");
    const finder = new Finder(runtime, explainer, found.head);
    const result = await finder.find(feedsOf(reference), { width: reference.width, height: reference.height }, {});
    const got = result.candidates;
    const wanted = [...reference.detections];
    expect(got.length).toBe(wanted.length);
    // In their order, where scores are apart; else the nearest of equal ones.
    got.forEach((one, i) => {
      const at = wanted.findIndex(
        (other) =>
          other.class === one.class &&
          Math.abs(other.score - one.score) < 1e-4 &&
          other.box.every((edge, k) => Math.abs(edge - (one.box[k] as number)) < 0.5),
      );
      expect(at, `${i}: ${JSON.stringify(one)}`).toBeGreaterThanOrEqual(0);
      expect((wanted[0]?.score ?? 0) - one.score).toBeLessThan(1e-4);
      wanted.splice(at, 1);
    });
    const [first] = got;
    if (!first) throw new Error("nothing found");
    for (const { question, value, file: of, every, unit } of reference.gradients) {
      const [, what] = question.split(".");
      const asked =
        what === undefined
          ? result.score(first)
          : what === "objectness" && first.objectness
            ? result.logit(first.objectness, first)
            : result.sum(first.edge[edges.find((edge) => edge === what) ?? "left"], first);
      const [answer] = await result.pass.explain([asked], { method: signed });
      const at = asked.sum.reduce((sum, { tensor, place, weight }) => {
        const numbers = result.pass.tensor(tensor).data as Float32Array;
        return sum + weight * (numbers[place] as number);
      }, 0);
      expect(Math.abs(at - value) / Math.max(1, Math.abs(value)), question).toBeLessThan(1e-3);
      const gradient = answer?.pixels?.data ?? new Float32Array();
      const reference32 = numbersOf(readNpy(file(of))).map((v) => v * unit);
      const worst = reference32.reduce(
        (most, v, i) => Math.max(most, Math.abs(v - (gradient[every * i] as number))),
        0,
      );
      expect(worst / unit, question).toBeLessThan(1e-3);
      const [mapped] = await result.pass.explain([asked], { method: "hires-cam" });
      expect(mapped?.map.data.every(Number.isFinite)).toBe(true);
      expect(mapped?.layer).toBeDefined();
      // The same map from the whole grid: what is made by hand is not known to be made place by place.
      const [whole] = await result.pass.explain([asked], { method: onGrid });
      const most = Math.max(1e-12, ...(whole?.map.data ?? []));
      expect(
        Math.max(...(whole?.map.data ?? []).map((v, i) => Math.abs(v - (mapped?.map.data[i] ?? 0)))) / most,
      ).toBeLessThan(1e-5);
    }
    expect(overlap(first.box, first.box)).toBeGreaterThanOrEqual(0);
  });
});
