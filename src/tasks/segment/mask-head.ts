/** @file What a segmentation model gives: planes of logits over the picture, one for each class, or one for each object that it found. */
import type { Axes } from "../../read/axes.ts";

/** Which cells a plane's mask has: those where it is the largest, or each by itself where its number lies above one. */
export type MaskRule = "largest" | { readonly above: number };

/** A plane for each class. */
export interface ClassPlanes {
  readonly kind: "classes";
  readonly tensor: string;
  readonly axes: Axes;
  /** -1 where only the run knows. */
  readonly classes: number;
  readonly rule: MaskRule;
}

/** A plane for each query, and scores of classes beside it: [n, queries, height, width] and [n, queries, classes]. */
export interface QueryPlanes {
  readonly kind: "queries";
  readonly tensor: string;
  readonly axes: Axes;
  /** Without the one for nothing. */
  readonly classes: number;
  readonly rule: MaskRule;
  readonly scores: string;
  /** How a query's scores become probabilities; over all classes and a last one for nothing, or each by itself, or they are some. */
  readonly by: "softmax" | "sigmoid" | "as-is";
}

export type MaskHead = ClassPlanes | QueryPlanes;
