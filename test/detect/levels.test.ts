/** @file The levels of a head whose rows are laid flat, and of a number that only a run knows: told before any run, by what scores are. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { expect, test } from "vitest";
import { openExplainer } from "../../src/explain/explainer.ts";
import type { Runtime } from "../../src/onnx/runtime.ts";
import { levelsOf } from "../../src/tasks/detect/levels.ts";
import { recogniseHead } from "../../src/tasks/detect/recognise.ts";

test("suppression inside the graph", async () => {
  const file = fileURLToPath(new URL("references/nms/model.onnx", import.meta.url));
  const explainer = await openExplainer(ort as unknown as Runtime, new Uint8Array(readFileSync(file)));
  const { model, sized: tensors } = explainer;
  const found = recogniseHead({ model, tensors, input: { width: 64, height: 64 }, labels: [], config: undefined });
  if (!found) throw new Error("not recognised");
  const levels = levelsOf(explainer, tensors, found.head);
  await explainer.release();
  expect(levels.toSorted((a, b) => a.tensor.localeCompare(b.tensor))).toEqual(
    [0, 1, 2].map((level) => ({
      tensor: `/classes.${level}/classes.${level}.2/Conv_output_0`,
      layer: `/levels/Mul_${level + 2}_output_0`,
    })),
  );
});
