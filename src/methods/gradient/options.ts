/** @file The options of methods that take the gradient at many variants of a picture. */
import type { MethodOption } from "../method.ts";
import { numberOption, wholeOption } from "../options.ts";

/** Variants in one batch: enough to keep the cores busy, few enough for memory; fewer yet where the network is large. */
export const batchOption = wholeOption("batch", 8);

export const stepsOption = wholeOption("steps", 64);

export const baselineOption: MethodOption = {
  ...{ name: "baseline", default: 0, range: 'a number (0 is the mean colour), "blur" or "mean"' },
  fits: (value) => value === "blur" || value === "mean" || Number.isFinite(value),
};

/** 50 samples, beyond which SmoothGrad's paper sees little change, with noise in the middle of the 10 to 20 % that it recommends. */
export const noiseOptions = (sigma = 0.15): MethodOption[] => [
  wholeOption("samples", 50),
  { ...numberOption("sigma", sigma), range: "a number of at least 0, a part of the range of the values" },
  wholeOption("seed", 0, 0),
  batchOption,
];
