/** @file A text recogniser worked out by hand: cells of a line of 4 pixels are nothing (dark), "a" (grey) or "b" (bright), by their brightness alone. */
import { floats, ints, model, node } from "../models.ts";

export interface BarsOptions {
  /** The order of the scores' axes: pictures, steps, classes. */
  readonly order?: "nTC" | "TnC";
  /** Where the blank is. */
  readonly blank?: "first" | "last";
  readonly softmax?: boolean;
  /** Whether any number of pictures is taken. */
  readonly free?: boolean;
}

/** Logits of a cell of brightness x: nothing 1 - 4 x, a 2 - 8 |x - 0.5|, b 4 x - 3; the first and the last of 3 classes change places. */
export function bars({ order = "nTC", blank = "first", softmax = false, free = false }: BarsOptions = {}): Uint8Array {
  const first = blank === "first";
  // From x and |x - 0.5| (as the sum of two rectified differences).
  const weights = [
    [-4, 0, 0],
    [0, -8, -8],
    [4, 0, 0],
  ];
  const biases = [1, 2, -3];
  const classes = first ? [0, 1, 2] : [1, 2, 0];
  const scores = softmax ? "logits" : "scores";
  return model({
    opset: 13,
    inputs: {
      x: [1, 1, 4, 32],
      half: floats([1, 1, -1], [3, 1, 1, 1]),
      shift: floats([0, -0.5, 0.5]),
      mix: floats(
        classes.flatMap((c) => weights[c] as number[]),
        [3, 3, 1, 1],
      ),
      bias: floats(classes.map((c) => biases[c] as number)),
      high: ints([2]),
    },
    nodes: [
      node("AveragePool", "x", "cells", { kernel_shape: [4, 4], strides: [4, 4] }),
      node("Conv", "cells half shift", "parts"),
      node("Relu", "parts", "features"),
      node("Conv", "features mix bias", "seen"),
      node("Squeeze", "seen high", "line"),
      node("Transpose", "line", scores, { perm: order === "nTC" ? [0, 2, 1] : [2, 0, 1] }),
      ...(softmax ? [node("Softmax", "logits", "scores", { axis: 2 })] : []),
    ],
    outputs: ["scores"],
    free: free ? ["x"] : [],
  });
}

/** A line of cells, of a brightness each. */
export const cells = (brightness: readonly number[]): Float32Array =>
  Float32Array.from(
    { length: 16 * brightness.length },
    (_, i) => brightness[Math.floor((i % (4 * brightness.length)) / 4)] as number,
  );
