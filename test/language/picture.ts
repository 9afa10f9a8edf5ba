/** @file The picture of the tiny models, the same as in scripts/export-language-models.py, and how far results are from references. */
import { expect } from "vitest";
import { type Picture, picture } from "../../src/image/picture.ts";

export function testPicture(side = 32): Picture {
  const data = new Uint8Array(3 * side * side);
  for (let i = 0; i < data.length; i++) {
    const [channel, place] = [Math.floor(i / (side * side)), i % (side * side)];
    data[place * 3 + channel] = Math.floor(127.5 + 60 * Math.sin(i * 0.37) + 60 * Math.cos(i * 0.011));
  }
  return picture(side, side, data);
}

/** The largest difference over the reference's largest magnitude. */
export function farthest(got: readonly number[], reference: readonly number[]): number {
  expect(got.length).toBe(reference.length);
  const scale = Math.max(...reference.map(Math.abs));
  return Math.max(...got.map((v, i) => Math.abs(v - reference[i]))) / (scale || 1);
}
