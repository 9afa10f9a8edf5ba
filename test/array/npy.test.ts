import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { decodeNpy, encodeNpy } from "../../src/array/npy.ts";
import { UserError } from "../../src/errors.ts";

const bytes = (base64: string) => Uint8Array.from(Buffer.from(base64, "base64"));
/** Made by test/image/make_goldens.py. */
const goldens: { shape: number[]; values: string; npy: string }[] = JSON.parse(
  readFileSync(new URL("npy-goldens.json", import.meta.url), "utf8"),
);

describe.each(goldens)("shape $shape", ({ shape, values, npy }) => {
  const data = new Float32Array(bytes(values).buffer);
  test("is written as numpy.save does", () => expect(encodeNpy(data, shape)).toEqual(bytes(npy)));
  test("is read", () => expect(decodeNpy(bytes(npy))).toEqual({ data, shape }));
});

test("NaN and bytes in the middle of a buffer survive", () => {
  const file = encodeNpy(Float32Array.of(Number.NaN, -0, 1e-45), [3]);
  const shifted = new Uint8Array(file.length + 3);
  shifted.set(file, 3);
  expect([...decodeNpy(shifted.subarray(3)).data]).toEqual([Number.NaN, -0, Math.fround(1e-45)]);
});

describe("mistakes", () => {
  const file = encodeNpy(Float32Array.of(1, 2), [2]);
  const described = (type: string) =>
    Uint8Array.from(Buffer.from(Buffer.from(file).toString("latin1").replace("<f4", type), "latin1"));
  test.each([
    [new Uint8Array(3), "other first bytes, expected the first bytes of a .npy file"],
    [described("<f8"), "16 for the shape [2]"],
    [file.subarray(0, file.length - 1), "7 bytes of values, expected 8 for the shape [2]"],
  ])("%#", (seen, message) => {
    expect(() => decodeNpy(seen)).toThrow(UserError);
    expect(() => decodeNpy(seen)).toThrow(message);
  });
});
