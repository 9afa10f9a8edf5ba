/** @file Networks with shuffled weights: the same numbers in another order, and nothing else touched. */
import * as ort from "onnxruntime-node";
import { expect, test } from "vitest";
import { pathOf } from "../../src/explain/path.ts";
import { shuffled, weightsOf } from "../../src/explain/shuffle.ts";
import { readModel } from "../../src/onnx/model.ts";
import { DataType, tensorValues } from "../../src/onnx/proto.ts";
import { halfPrecision, images, squeezeExcite, vgg } from "../nets.ts";
import { ask, numbers, open } from "./ask.ts";

const sorted = (values: readonly number[]) => values.toSorted((a, b) => a - b);

test("weights are found from the score back, behind casts too", () => {
  expect(weightsOf(readModel(squeezeExcite()), "logits").slice(0, 1)).toEqual(["fw"]);
  const half = readModel(halfPrecision(DataType.FLOAT));
  expect(weightsOf(half, "logits")[0]).toBe("fw");
  expect(weightsOf(half, "logits").every((name) => half.initializers.has(name))).toBe(true);
});

test("only the named weights change, and only their order", () => {
  const model = readModel(vgg());
  const names = weightsOf(model, "logits");
  const changed = readModel(shuffled(model, names.slice(0, 1), 7));
  for (const [name, tensor] of model.initializers) {
    const [before, after] = [tensorValues(tensor)!, tensorValues(changed.initializers.get(name)!)!];
    if (name !== names[0]) expect(after).toEqual(before);
    else {
      expect(after).not.toEqual(before);
      expect(sorted(after)).toEqual(sorted(before));
    }
  }
  expect(shuffled(model, names, 7)).toEqual(shuffled(model, names, 7));
  expect(shuffled(model, names, 7)).not.toEqual(shuffled(model, names, 8));
});

test("the map of a shuffled network is another one", async () => {
  const model = readModel(vgg());
  const bytes = shuffled(model, weightsOf(model, "logits"));
  const of = async (file: Uint8Array) => numbers((await ask(file, images(), { target: 1 })).maps);
  expect(await of(bytes)).not.toEqual(await of(model.bytes));
  expect((await ort.InferenceSession.create(bytes)).outputNames).toEqual(["logits"]);
});

test("the path from a layer to the score, node by node", async () => {
  const explainer = await open(squeezeExcite());
  const steps = pathOf(explainer, "features");
  expect(steps.at(-1)).toMatchObject({ tensor: "logits", rule: true });
  expect(steps.every(({ from }, i) => from.length > 0 && from.every((f) => f < i))).toBe(true);
  expect(steps.filter(({ from }) => from.includes(-1)).length).toBeGreaterThan(0);
  await explainer.release();
});
