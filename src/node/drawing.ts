/** @file What every kind of sample's explanation is drawn as: pictures of one map each, and a panel of them all. */

import type { PngCompression } from "../image/sharp.ts";
import type { ColormapName } from "../render/colormap.ts";
import type { ClassExplanation, Prediction, Why } from "../tasks/classify/classification.ts";
import { detail } from "../tasks/classify/figure.ts";
import type { Kind } from "../tasks/sample.ts";

/** What can be drawn: the map with what it explains, the map's colours alone, and a panel of all explanations. */
export const views = ["overlay", "heat", "panel"] as const;
export type View = (typeof views)[number];

export interface DrawOptions {
  readonly colormap: ColormapName;
  /** Below the panel. */
  readonly caption: string;
  /** What is drawn; the rest costs nothing. All by default. */
  readonly views?: readonly View[];
  /** Of overlays; small by default. */
  readonly compression?: PngCompression;
}

/** PNG files of one explanation, of the views that were asked for. */
export interface Drawn {
  readonly overlay?: Uint8Array;
  readonly heat?: Uint8Array;
}

/** Draws the explanations one by one, in their order, and then those that were drawn together. */
export interface Drawing<K extends Kind> {
  draw(explanation: ClassExplanation<K>): Promise<Drawn>;
  panel(): Promise<Uint8Array>;
  /** Of a detector that found something: one picture of all boxes, whether or not they were drawn one by one. */
  together?(): Promise<Uint8Array | undefined>;
}

export type Draw<K extends Kind> = (why: Why<K>, options: DrawOptions) => Drawing<K>;

/** Rows of a panel at most: its PNG stays below the 32,767 pixels that libvips draws. */
export const mostRows = 25;

/** A question and the method that answers it, and what stands below them. */
export function titled(explanation: ClassExplanation<Kind>, predictions: readonly Prediction[]) {
  const { question, methodTitle, class: index } = explanation;
  return { label: question, detail: [methodTitle, ...detail(predictions, index)] };
}
