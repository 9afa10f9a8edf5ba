/** @file Segmenters whose answer is known: each class is a colour, its logit that colour's channel behind a Relu and a weight. */
import type { NodeProto } from "../../src/onnx/proto.ts";
import { floats, model, node, type Sources } from "../models.ts";

/** How the logits of a class are made of the features. */
export const weights = [
  [2, 0, 0],
  [0, 3, -1],
  [0, 0, 1],
] as const;

export const side = 8;

interface Ends {
  readonly after?: readonly NodeProto[];
  readonly constants?: Sources;
  readonly outputs?: readonly string[];
  /** Rows of weights; those of three classes by default. */
  readonly classes?: readonly (readonly number[])[];
  readonly free?: boolean;
  readonly batch?: number;
}

/** features = Relu(x), logits = weights x features: [n, classes, 8, 8]. */
export function coloured({
  after = [],
  constants = {},
  outputs,
  classes = weights,
  free,
  batch = 1,
}: Ends = {}): Uint8Array {
  const identity = [1, 0, 0, 0, 1, 0, 0, 0, 1];
  return model({
    opset: 17,
    free: free ? ["x"] : [],
    inputs: {
      x: [batch, 3, side, side],
      w: floats(identity, [3, 3, 1, 1]),
      v: floats(classes.flat(), [classes.length, 3, 1, 1]),
      ...constants,
    },
    nodes: [
      node("Conv", "x w", "conv"),
      node("Relu", "conv", "features"),
      node("Conv", "features v", "logits"),
      ...after,
    ],
    outputs: outputs ?? after.at(-1)?.output ?? ["logits"],
  });
}

/** [3, 8, 8]: a colour for each pixel. */
export function scene(colourAt: (x: number, y: number) => readonly number[]): { data: Float32Array; dims: number[] } {
  const data = new Float32Array(3 * side * side);
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++)
      colourAt(x, y).forEach((value, c) => {
        data[(c * side + y) * side + x] = value;
      });
  return { data, dims: [3, side, side] };
}

/** Grad-CAM of a weighted sum of logits, by hand: the mean gradient of each channel times the channel, rectified. */
export function gradCam(
  { data }: { readonly data: Float32Array },
  sum: readonly { readonly class: number; readonly cell: number; readonly weight: number }[],
  classes: readonly (readonly number[])[] = weights,
): number[] {
  const cells = side * side;
  const alpha = [0, 1, 2].map((c) => sum.reduce((all, one) => all + (one.weight * classes[one.class]![c]!) / cells, 0));
  return Array.from({ length: cells }, (_, cell) =>
    Math.max(
      0,
      alpha.reduce((all, a, c) => all + a * Math.max(0, data[c * cells + cell]!), 0),
    ),
  );
}
