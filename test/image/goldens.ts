/** @file The golden values of make_goldens.py, decoded. */

import { readFileSync } from "node:fs";
import { type Picture, picture } from "../../src/image/picture.ts";
import type { FilterName } from "../../src/image/resample.ts";

interface Goldens {
  picture: { width: number; height: number; data: string };
  grey: string;
  resized: { filter: FilterName; width: number; height: number; data: string }[];
  preprocessed: {
    mean: number[];
    std: number[];
    cases: { shortestEdge: number; crop: [width: number, height: number]; data: string }[];
  };
  upsampled: { grid: [number, number]; size: [number, number]; map: string; data: string }[];
}

export const goldens: Goldens = JSON.parse(readFileSync(new URL("goldens.json", import.meta.url), "utf8"));

export function bytes(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(Buffer.from(base64, "base64"));
}

export function floats(base64: string): Float32Array {
  return new Float32Array(bytes(base64).buffer);
}

export const golden: Picture = picture(goldens.picture.width, goldens.picture.height, bytes(goldens.picture.data));
