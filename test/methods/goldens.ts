/** @file Values that peers gave, as files have them: each of a file's is compared with, or its test fails. */
import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-node";
import { afterAll, expect } from "vitest";
import type { Feeds } from "../../src/onnx/runtime.ts";

/** The numbers of a file of this directory, by name. A test that runs a part of its cases alone, by `-t`, has not asked for all of them. */
export function goldensOf(name: string): { of(key: string): number[] } {
  const all: Readonly<Record<string, unknown>> = JSON.parse(readFileSync(new URL(name, import.meta.url), "utf8"));
  const asked = new Set(["versions"]);
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads which fixtures are wanted from this pattern
  afterAll(({}, file) => {
    if (file.tasks.some(({ mode }) => mode === "skip")) return;
    expect(
      Object.keys(all).filter((key) => !asked.has(key)),
      `nothing is compared with these of ${name}`,
    ).toEqual([]);
  });
  return {
    of(key) {
      asked.add(key);
      const values = all[key];
      if (!Array.isArray(values)) throw new Error(`${name} has no "${key}"`);
      return values;
    },
  };
}

/** The numbers of the scripts that make these files. */
export function goldenPicture(...dims: readonly number[]): Feeds {
  const size = dims.reduce((a, b) => a * b, 1);
  const data = Float32Array.from({ length: size }, (_, i) => Math.sin(0.37 * i) + 0.5 * Math.cos(1.13 * i));
  return { input: new ort.Tensor("float32", data, dims) };
}
