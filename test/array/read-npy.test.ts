/** @file Arrays of every type that NumPy writes. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { readNpy } from "../../src/array/npy.ts";

/** Made by test/image/make_goldens.py. */
const goldens: { name: string; type: string; values: number[]; npy: string }[] = JSON.parse(
  readFileSync(new URL("npy-types.json", import.meta.url), "utf8"),
);

describe.each(goldens)("$name", ({ type, values, npy }) => {
  test("is read", () => {
    const array = readNpy(Uint8Array.from(Buffer.from(npy, "base64")));
    expect([array.type, Array.from(array.values as number[], Number)]).toEqual([type, values]);
    expect(array.shape).toEqual(values.length === 6 ? [2, 3] : [2, 3, 4]);
  });
});
