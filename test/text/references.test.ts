/** @file Text recognisers against PyTorch: what its own decoding reads, the probability by its CTC loss, and a character's gradient by autograd. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import type { Runtime } from "../../src/onnx/runtime.ts";
import { readNamed } from "../../src/tasks/open.ts";
import { openParts, orRelease } from "../../src/tasks/opened.ts";
import { openSubject } from "../../src/tasks/subject.ts";
import { numbersOf, readNpy } from "../arrays.ts";

interface Reference {
  readonly spelling: string;
  readonly silent: number;
  readonly text: readonly number[];
  readonly probability: number;
  readonly characters: readonly number[];
}

const folder = fileURLToPath(new URL("references", import.meta.url));
const references: Readonly<Record<string, Reference>> = JSON.parse(
  readFileSync(path.join(folder, "references.json"), "utf8"),
);
const characters = "abcdef";

async function opened(file: string, silent: number) {
  const runtime = ort as unknown as Runtime;
  const model = await readNamed(readFileSync(path.join(folder, file)), file);
  const labels = [...characters];
  labels.splice(silent, 0, "<blank>");
  const parts = { name: file, file, model, labels };
  const { explainer, reading } = await openParts(runtime, parts, { task: "text-recognition" });
  return orRelease(explainer, () => openSubject(runtime, explainer, reading, {}));
}

describe.each(Object.entries(references))("%s", (name, reference) => {
  test.each(["older", "newer"])("by the %s exporter", async (exporter) => {
    const subject = await opened(`${name}.${exporter}.onnx`, reference.silent);
    expect(subject.reading).toMatchObject({ task: "text-recognition", text: { spelling: reference.spelling } });
    const both = Float32Array.from(numbersOf(readNpy(path.join(folder, `${name}.npy`))));
    const data = both.slice(0, both.length / 2);
    const gradient = both.slice(both.length / 2);
    const last = reference.text.length - 1;
    const sample = { data, dims: [data.length / 2048, 32, 64] };
    const why = await subject.explain(sample, { targets: [`char:${last}`], method: "gradient" });
    expect(why.text).toBe(reference.text.map((c) => characters[c - (reference.silent === 0 ? 1 : 0)]).join(""));
    expect(Math.abs((why.probability ?? 0) / reference.probability - 1)).toBeLessThan(1e-3);
    for (const [i, { probability }] of (why.characters ?? []).entries())
      expect(probability).toBeCloseTo(reference.characters[i] as number, 4);
    const found = why.explanations[0]?.pixels?.data ?? [];
    const scale = gradient.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
    const error = gradient.reduce((most, v, i) => Math.max(most, Math.abs(v - (found[i] as number))), 0);
    expect(error / scale).toBeLessThan(1e-3);
    await subject.release();
  });
});
