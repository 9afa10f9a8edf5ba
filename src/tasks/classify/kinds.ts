/** @file What a classifier takes, and what it says of each kind: pictures, signals, volumes. */

import type { Detection } from "../detect/detections.ts";
import { type PicturePlace, type PictureSubject, preparePicture } from "../pictures.ts";
import type { Feeding, Kind, PreparedSample, Sample } from "../sample.ts";
import type { Mask } from "../segment/masks.ts";
import { prepareSignal, type SignalPlace, type SignalSubject } from "../signals.ts";
import type { Character } from "../text/read-text.ts";
import { prepareVolume, type VolumePlace, type VolumeSubject } from "../volumes.ts";
import type { ExplainedClass, Prediction } from "./explanations.ts";

interface Subjects {
  readonly picture: PictureSubject;
  readonly signal: SignalSubject;
  readonly volume: VolumeSubject;
}

interface Places {
  readonly picture: PicturePlace;
  readonly signal: SignalPlace;
  readonly volume: VolumePlace;
}

/** A map, and where it lies on the sample. */
export type ClassExplanation<K extends Kind = "picture"> = ExplainedClass & Places[K];

/** What a model made of a sample, and why. */
export type Why<K extends Kind = "picture"> = Subjects[K] & {
  readonly kind: K;
  /** The five best classes, and those asked for, best first. */
  readonly predictions: readonly Prediction[];
  readonly explanations: readonly ClassExplanation<K>[];
  /** Of a detector: what it found, best first; there are no predictions then. */
  readonly detections?: readonly Detection[];
  /** Of a segmenter: the masks that it predicts, the largest first; there are no predictions then. */
  readonly masks?: readonly Mask[];
  /** Of a text recogniser: what it reads; there are no predictions then. */
  readonly text?: string;
  /** That the picture shows this text and no other, 0 to 1. */
  readonly probability?: number;
  /** The characters of the text, along the line. */
  readonly characters?: readonly Character[];
  /** What is to be said of the whole, as that nothing was found. */
  readonly remark?: string;
};

export type Prepared<K extends Kind> = PreparedSample<Subjects[K], Places[K]>;

/** How a sample becomes an input; @throws UserError `invalid-input` for a sample of another kind or shape. */
export const prepare: { readonly [K in Kind]: (sample: Sample, feeding: Feeding) => Prepared<K> } = {
  picture: preparePicture,
  signal: prepareSignal,
  volume: prepareVolume,
};
