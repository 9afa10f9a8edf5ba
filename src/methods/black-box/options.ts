/** @file The options of methods that hide parts of a picture. */
import { baselineOption } from "../gradient/options.ts";
import type { MethodOption } from "../method.ts";
import { numberOption, wholeOption } from "../options.ts";

/** Pictures in one run: enough to keep the cores busy, few enough for memory. */
export const maskBatchOption = wholeOption("batch", 8);

export const seedOption = wholeOption("seed", 0, 0);

/** How a picture is divided into superpixels, and what is seen of a hidden one. */
export const superpixelOptions: readonly MethodOption[] = [
  { ...wholeOption("segments", 50), range: "an integer of at least 1, about so many superpixels" },
  {
    ...{ name: "compactness", default: 0.2, range: "a number above 0: how much more nearness counts than colour" },
    fits: (value) => typeof value === "number" && value > 0 && Number.isFinite(value),
  },
  baselineOption,
];

/** What a map of superpixels without a value above 0 says. */
export const noSuperpixel = (question: string, negative: boolean): string =>
  negative
    ? `showing any superpixel lowers the score of "${question}", or leaves it as it is`
    : `no superpixel changes the score of "${question}"`;

/** Cells along each axis of a picture. */
export const cellsOption = (usual: number): MethodOption => ({
  ...wholeOption("cells", usual),
  range: "an integer of at least 1, cells along each axis",
});

export const shareOption = (name: string, usual: number, range: string): MethodOption => ({
  ...numberOption(name, usual, 0.01, 1),
  range: `a number from 0.01 to 1, ${range}`,
});
