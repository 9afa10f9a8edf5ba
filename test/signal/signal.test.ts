/** @file WAV files of every coding, and signals brought to another length. */
import { describe, expect, test } from "vitest";
import { mono, stretch } from "../../src/signal/signal.ts";
import { decodeWav } from "../../src/signal/wav.ts";
import { type Coding, waveFile } from "./wave-file.ts";

const left = [0, 0.5, -0.5, 0.999, -1];
const right = [0.25, -0.25, 0, 0.125, 0.75];

describe("WAV", () => {
  const codings: readonly (readonly [string, Coding, number])[] = [
    ["8 bits", { bits: 8 }, 1 / 100],
    ["16 bits", { bits: 16 }, 1e-4],
    ["24 bits", { bits: 24 }, 1e-6],
    ["32 bits", { bits: 32 }, 1e-7],
    ["floats", { bits: 32, code: 3 }, 1e-7],
    ["doubles", { bits: 64, code: 3 }, 1e-7],
    ["extensible, 24 bits", { bits: 24, extensible: true }, 1e-6],
    ["behind a chunk of odd length", { bits: 16, before: "abc" }, 1e-4],
  ];
  test.each(codings)("%s", (_, coding, tolerance) => {
    const { rate, channels } = decodeWav(waveFile({ ...coding, rate: 44100 }, [left, right]));
    expect([rate, channels.length]).toEqual([44100, 2]);
    for (const [got, want] of [
      [channels[0], left],
      [channels[1], right],
    ] as const)
      for (const [i, value] of want.entries()) expect(Math.abs(got[i] - value)).toBeLessThan(tolerance);
  });

  test("a size that a pipe left open", () => {
    const file = waveFile({ bits: 16 }, [left]);
    file.writeUInt32LE(0xffffffff, file.indexOf("data") + 4);
    expect(decodeWav(file).channels[0].length).toBe(5);
  });
});

test("channels become one by their mean", () => {
  const both = { rate: 8, channels: [Float32Array.from(left), Float32Array.from(right)] };
  expect([...mono(both).channels[0]]).toEqual(left.map((v, i) => Math.fround((Math.fround(v) + right[i]) / 2)));
});

describe("another length", () => {
  const wave = (cycles: number, length: number) =>
    Float32Array.from({ length }, (_, i) => Math.sin((2 * Math.PI * cycles * (i + 0.5)) / length));
  const inner = (values: Float32Array) => values.subarray(values.length / 8, (7 * values.length) / 8);
  const apart = (a: Float32Array, b: Float32Array) => a.reduce((most, v, i) => Math.max(most, Math.abs(v - b[i])), 0);

  test.each([
    [4000, 3000],
    [3000, 4000],
    [4000, 1001],
  ])("%i samples of a tone as %i are the tone", (from, to) =>
    expect(apart(inner(stretch(wave(50, from), to)), inner(wave(50, to)))).toBeLessThan(2e-3),
  );
  test("what fewer samples cannot hold is left out", () =>
    expect(inner(stretch(wave(900, 4000), 1000)).reduce((most, v) => Math.max(most, Math.abs(v)), 0)).toBeLessThan(
      0.02,
    ));
  test("a constant stays one, to the ends", () =>
    expect(apart(stretch(new Float32Array(100).fill(3), 37), new Float32Array(37).fill(3))).toBeLessThan(1e-6));
});
