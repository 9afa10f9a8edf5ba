/**
 * @file What a metric is: it looks at one picture's explanations by one method, and says numbers about them.
 *
 * Measuring and summing up are apart: measurements of a picture depend on that picture alone, so they can be made anywhere, in any
 * order, once; the summary reads them all.
 */

import type { Dense } from "../../array/dense.ts";
import type { Random } from "../../array/random.ts";
import type { Estimate } from "../../array/statistics.ts";
import type { Geometry } from "../../image/geometry.ts";
import type { Box, PeakOptions } from "../../image/locate.ts";
import type { PixelMap } from "../../image/picture.ts";

/** Pixels that belong to a thing, 1, or don't, 0; row after row. */
export interface Mask {
  readonly width: number;
  readonly height: number;
  readonly data: Uint8Array;
}

/** A thing in a picture, as people marked it, in pixels of the original picture. */
export interface Annotation {
  /** The dataset's name for it. */
  readonly name: string;
  /** The model's classes that mean it: one, or e.g. every breed of dog; none where it knows no such thing. */
  readonly classes: readonly number[];
  readonly box?: Box;
  readonly mask?: Mask;
  /** Marked as hard to see (PASCAL VOC). */
  readonly difficult: boolean;
  /** A region of many things (COCO), which has no box of its own. */
  readonly crowd: boolean;
}

/** What a metric may ask of the model, about the picture and the class at hand. */
export interface Probe {
  /** The network's input for this picture: [C, H, W], channels first. */
  readonly input: Dense;
  /** The class's score before the softmax, for variants of the input, [v, C, H, W]. */
  scores(variants: Dense): Promise<Float32Array>;
  /** Its probability. */
  probabilities(variants: Dense): Promise<Float32Array>;
  /** The method's map of this class for another input, [H, W]. */
  mapOf(input: Dense): Promise<Float32Array>;
  /** The method's map of another class for this picture, [H, W]. */
  mapFor(other: number): Promise<Float32Array>;
  /** The occlusion map of this class, [H, W]: made once for all methods. */
  occlusion(): Promise<Float32Array>;
  /** How many classes the model has. */
  readonly classes: number;
  /** Layers whose weights can be randomised, from the top down; and the map of this class then, [H, W]. */
  readonly stages: readonly string[];
  mapRandomised(stage: number, how: "cascading" | "independent"): Promise<Float32Array>;
}

/** One explanation, and what is known of its picture. A map that is not finite is no case: it is counted apart. */
export interface Case {
  readonly class: number;
  /** Its place among the predictions, from 0. */
  readonly rank: number;
  /** Whether it is the class of the whole picture; undefined where the dataset says nothing of that. */
  readonly right: boolean | undefined;
  /** Annotations of this class. */
  readonly objects: readonly Annotation[];
  /** How many other annotations there are, those of classes that the model does not know included. */
  readonly others: number;
  /** The map over the network's input, [H, W]: raw, bilinear. */
  readonly map: Float32Array;
  /** The map over the original picture; NaN where the network did not look. */
  readonly onPicture: PixelMap;
  readonly geometry: Geometry;
  /** What counts as the map's peak; the centre of its plateau unless told. */
  readonly peakBy?: PeakOptions;
  /** The maps of the other methods that run, for the same class, [H, W]. */
  readonly peers: ReadonlyMap<string, Float32Array>;
  /** Where people looked (VQA-HAT and the like), over the original picture. */
  readonly attention: PixelMap | undefined;
  /** No value is above 0: an outcome of its own, never a hit. */
  readonly blank: boolean;
  readonly probe: Probe;
  /** Named after the picture, the class and the metric: independent of the order of the work. */
  readonly random: Random;
}

/** Whether the picture has any annotation: without one nothing is known to be absent. */
export const annotated = ({ objects, others }: Case): boolean => objects.length + others > 0;

/** Numbers about one explanation, or about one picture; a list for curves. */
export type Values = Readonly<Record<string, number | readonly number[] | undefined>>;

export interface Measurement {
  /** The class, where it is about one. */
  readonly class?: number;
  /** The dataset's name for the things of that class, where there are any. */
  readonly name?: string;
  readonly values: Values;
}

/** Measurements of one picture by one method and metric, with the picture's id. */
export interface Measured {
  readonly picture: string;
  readonly measurements: readonly Measurement[];
}

/** Which classes of a picture a metric wants explained. */
export type About = "predicted" | "top5" | "annotated";

/** What a dataset must know for a metric. */
export type Need = "label" | "boxes" | "masks" | "attention";

export interface Metric {
  readonly name: string;
  readonly title: string;
  /** What it measures, in one line. */
  readonly summary: string;
  readonly paper: string;
  readonly about: About;
  readonly needs?: Need;
  /** Which way is better; "neither" where it only describes. */
  readonly better: "higher" | "lower" | "neither";
  /** Looks at a picture's explanations, in the order of the predictions. */
  measure(cases: readonly Case[]): Promise<readonly Measurement[]> | readonly Measurement[];
  /** Figures of the whole set by name; by default the mean of each value over the explanations. */
  summarise?: Summary;
}

/** A figure of measured pictures, by name. It is called again on drawn pictures for the intervals. */
export type Summary = (measured: readonly Measured[]) => Readonly<Record<string, number | undefined>>;

export type Estimates = Readonly<Record<string, Estimate>>;

/** A metric that looks at each explanation by itself. */
export const each =
  (look: (one: Case) => Promise<Values | undefined> | Values | undefined): Metric["measure"] =>
  async (cases) => {
    const measurements: Measurement[] = [];
    for (const one of cases) {
      const values = await look(one);
      const name = one.objects[0]?.name;
      if (values) measurements.push({ class: one.class, ...(name !== undefined && { name }), values });
    }
    return measurements;
  };
