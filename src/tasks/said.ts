/** @file What is said of a model, by the caller and by the files beside it. */
import type { Notes } from "../explain/compiled.ts";
import type { KnownPreprocess } from "../image/assume.ts";
import type { Preprocess } from "../image/preprocess.ts";
import type { Decision } from "../read/decision.ts";
import type { Probability } from "./classify/probability.ts";
import type { DetectorReading } from "./detect/reading.ts";
import type { FileNotes, UsualPreparation } from "./formats/ultralytics.ts";
import type { SegmenterReading } from "./segment/recognise.ts";
import type { Task } from "./task.ts";
import type { TextReading } from "./text/recognise.ts";

/** What is said of a model by whom, the caller before its files. */
export interface Said extends Omit<KnownPreprocess, "layout"> {
  /** How the model is called in pictures and manifests. */
  readonly name: string;
  /** Class names. */
  readonly labels?: readonly string[];
  /** Where the names are from, in words; "you gave them" by default. */
  readonly labelsFrom?: string;
  /** How pictures are prepared, whatever the files say. */
  readonly preprocess?: Preprocess;
  readonly probability?: Probability;
  /** The content of `config.json`, parsed. */
  readonly config?: unknown;
  /** The content of `preprocessor_config.json`, parsed. */
  readonly stated?: unknown;
  /** What a compiled file says of itself. */
  readonly notes?: Notes;
  /** What it is for, whatever its files say. */
  readonly task?: Task;
  /** What the ONNX file notes of itself. */
  readonly fileNotes?: FileNotes;
  /** How its kind of model is usually fed, where nobody says it. */
  readonly usual?: UsualPreparation;
  /** What was read of a detector, and of its head. */
  readonly detector?: DetectorReading;
  readonly headDecision?: Decision;
  /** What was read of a segmenter. */
  readonly segmenter?: SegmenterReading;
  /** What was read of a text recogniser. */
  readonly recogniser?: TextReading;
  /** The ONNX file, as errors name it. */
  readonly file?: string;
}
