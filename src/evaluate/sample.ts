/** @file A picture of a dataset, and what is known of it. */
import type { Picture, PixelMap } from "../image/picture.ts";
import type { Annotation } from "./metrics/metric.ts";

export interface Sample {
  /** Unique in its dataset, and the same wherever the dataset lies: usually the path within it. */
  readonly id: string;
  /** @throws UserError `invalid-image` for what is no picture. */
  picture(): Promise<Picture>;
  /** The class of the whole picture, where it has one: the model's index. */
  readonly label?: number;
  /** Things in it; masks are drawn for the size that the picture turns out to have. */
  annotations(size: { readonly width: number; readonly height: number }): Promise<readonly Annotation[]>;
  /** Where people looked. */
  attention?(): Promise<PixelMap>;
}
