/** @file What the page and the worker say to each other: one typed table of calls, each with its argument and its answer. */

import type { MethodName } from "gradcam";
import type { Scene } from "gradcam/scenes";
import type { ColormapName, Geometry, Preprocess, Step, TensorSignature } from "gradcam/web";

/** A method by the name that the page has it by; who explains refuses one that it does not know. */
export const asMethod = (name: string): MethodName => name as MethodName;

/** How the network is run. */
export interface Backend {
  readonly provider: "webgpu" | "wasm";
  readonly threads: number;
  /** Why it is not WebGPU, where a person might expect it to be. */
  readonly note?: string;
}

export interface LayerInfo {
  readonly name: string;
  readonly shape: readonly number[];
  readonly grid: readonly number[];
}

/** A model that is open, here or on a server. */
export interface ModelInfo {
  readonly name: string;
  readonly sha256?: string;
  /** The default first, then from the score to the image. */
  readonly layers: readonly LayerInfo[];
  readonly labels: readonly string[];
  /** What is to be said of labels that are too few. */
  readonly fewLabels?: string;
  /** Whether it finds boxes. */
  readonly detects?: true;
  /** What is known of a model that is open here. */
  readonly inside?: ModelInside;
}

export interface ModelInside {
  readonly bytes: number;
  readonly operatorSet: number;
  readonly inputs: readonly TensorSignature[];
  readonly outputs: readonly TensorSignature[];
  readonly score: { readonly name: string; readonly before?: string };
  /** Why it runs on WebAssembly where the engine has WebGPU. */
  readonly onProcessor?: string;
  readonly preprocess: Preprocess;
  /** Who says so: the model, nobody (it is a guess), or the person at the page. */
  readonly preparedBy: "model" | "guess" | "hand";
  /** Of the picture, as the model's input has it; 0 where it is free. */
  readonly inputSize: { readonly width: number; readonly height: number };
  readonly withoutRule: readonly (readonly [operator: string, count: number])[];
}

/** What the network made of a picture. */
export interface Seen {
  readonly geometry: Geometry;
  readonly scores: Float32Array;
  /** NaN where a score is a value and no class's. */
  readonly probabilities: Float32Array;
  /** All classes, the best first. */
  readonly ranking: readonly number[];
  /** Of a detector: what it found, in the place of classes; in pixels of the picture. */
  readonly boxes?: readonly { readonly label: string; readonly box: readonly number[] }[];
  /** What is to be said of the whole, as that nothing was found. */
  readonly remark?: string;
}

/** A picture as a page can show it. */
export interface Developed {
  /** The file that was given, or a PNG of it where browsers do not read its format. */
  readonly file: Blob;
  /** Large enough for the stage. */
  readonly bitmap: ImageBitmap;
  /** Of the picture itself. */
  readonly width: number;
  readonly height: number;
}

/** A question about the picture that is shown. */
export interface Question {
  readonly class: number;
  readonly against?: number;
  readonly counterfactual?: boolean;
  readonly method: string;
  /** The default layer unless told. */
  readonly layer?: string;
}

/** Raw numbers with their shape: [h, w] for maps, [3, h, w] for signed images. */
export interface Numbers {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

export interface Answer {
  /** Of the class, where a server had not told it with the picture. */
  readonly prediction?: { readonly score: number; readonly probability: number };
  readonly map: Numbers;
  readonly pixels?: Numbers;
  readonly layer?: string;
  readonly blank?: string;
  /** What a reader must know of the map, in sentences. */
  readonly warnings?: readonly string[];
}

/** A touch of the brush, in pixels of the network's input. */
export interface Dab {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
}
export type Brush = "erase" | "blur" | "restore";

/** Touches of the brush of one kind, in their order. */
export interface Stroke {
  readonly dabs: readonly Dab[];
  readonly brush: Brush;
}

/** What the brush has made: the scores, and the changed part of the input as RGBA, as the network sees it. */
export interface Edited extends Seen {
  readonly patch: ImageData;
}

/** How far a map is like the one that is asked about. */
export interface Likeness {
  /** Spearman's rank correlation. */
  readonly correlation: number;
  /** Between the peaks, in cells of the coarser map, along the longer way; NaN where a map is blank. */
  readonly apart: number;
}

export interface Occluded extends Likeness {
  readonly map: Numbers;
}

export interface SanityStage extends Likeness {
  /** Layers whose weights are shuffled. */
  readonly shuffled: number;
  readonly map: Numbers;
}

/** A figure, or as SVG its drawing, is of what is shown; a panel of the best classes too. */
export type ExportKind = "png" | "figure" | "svg" | "panel" | "json" | "npy" | "onnx";

export interface Exported {
  readonly name: string;
  readonly type: string;
  readonly bytes: Uint8Array;
  /** What a person must know of it, in a sentence. */
  readonly note?: string;
}

/** Words that a model has said, how sure it was, and where they came from. */
export interface Said {
  readonly text: string;
  /** Of a sentence the product over its words. */
  readonly probability: number;
  readonly map: Numbers;
  readonly blank?: string;
}

/** A caption: the whole of it first, then its words. */
export interface Told {
  /** The model's name. */
  readonly model: string;
  readonly geometry: Geometry;
  readonly text: string;
  readonly words: readonly (Said & { readonly whole: boolean })[];
}

/** The best answers to a question, the best first. */
export interface Replied {
  readonly model: string;
  readonly geometry: Geometry;
  readonly answers: readonly Said[];
}

/** A picture to look at; what has one number is one picture. */
export interface Photograph {
  readonly file: Blob;
  readonly id: number;
}

/** What a captioner or a VQA model is asked about. */
export type Subject = Scene | Photograph;

export const languageTasks = ["caption", "ask"] as const;
export type LanguageTask = (typeof languageTasks)[number];

/** A captioner or a VQA model of a person's own. */
export interface NarratorInfo {
  readonly name: string;
  /** Whether the preprocessing is a guess. */
  readonly assumed: boolean;
}

/** A file that a person picked, with its path, which a message to a worker does not keep. */
export interface PickedFile {
  readonly file: File;
  readonly path: string;
}

export interface OpenRequest {
  /** An address, or files that a person picked. */
  readonly source: string | readonly PickedFile[];
  readonly labels?: File;
  readonly known?: { readonly size?: number; readonly mean?: readonly number[]; readonly std?: readonly number[] };
}

export interface ExportRequest {
  readonly kind: ExportKind;
  readonly question: Question;
  readonly picture: string;
  readonly colormap: ColormapName;
  readonly opacity: number;
  /** Of the box, as a share of the map's maximum. */
  readonly threshold: number;
  /** Whether the box is shown. */
  readonly boxed: boolean;
}

/** A server to send pictures to. */
export interface ServerAddress {
  readonly url: string;
  readonly token?: string;
}

/** The calls: argument, answer. A server's worker knows `connect`, `useModel`, `show`, `explain`, `occlude` and `export`. */
export interface Calls {
  /** The names of a server's models of pictures. */
  connect: [ServerAddress, readonly string[]];
  useModel: [string, ModelInfo];
  start: [{ readonly base: string; readonly prefer?: Backend["provider"] }, Backend];
  open: [OpenRequest, ModelInfo];
  /** How pictures are prepared from now on; undefined: as the model says. The picture is to be shown again. */
  prepare: [Preprocess | undefined, ModelInfo];
  /** Needs no model. */
  develop: [Photograph, Developed];
  show: [Photograph, Seen];
  explain: [Question, Answer];
  everyLayer: [Question, readonly { readonly layer: string; readonly map: Numbers }[]];
  /** Strokes over what was painted before. */
  brush: [readonly Stroke[], Edited];
  clean: [undefined, Seen];
  occlude: [Question, Occluded];
  sanity: [Question, readonly SanityStage[]];
  input: [undefined, ImageData];
  path: [string, readonly Step[]];
  export: [ExportRequest, Exported];
  /** Without files the bundled model is back. */
  narrator: [{ readonly task: LanguageTask; readonly files: readonly PickedFile[] | undefined }, NarratorInfo];
  /** A scene, so many pixels across and down; in a worker of its own. */
  paint: [{ readonly scene: Scene; readonly pixels: number }, ImageData];
  caption: [Subject, Told];
  reply: [{ readonly subject: Subject; readonly question: string }, Replied];
}
export type CallName = keyof Calls;

export type Request = {
  [K in CallName]: { readonly id: number; readonly call: K; readonly argument: Calls[K][0] };
}[CallName];

/** To the worker: a call, or the end of one. */
export type ToWorker = Request | { readonly id: number; readonly cancel: true };

export interface Failure {
  readonly code: string;
  readonly message: string;
}

/** From the worker: the answer to a call, how far it is, or what a person should know. */
export type FromWorker =
  | { readonly id: number; readonly answer: unknown }
  | { readonly id: number; readonly failure: Failure }
  | { readonly id: number; readonly progress: Progress }
  | { readonly notice: "not-kept" };

export interface Progress {
  /** 0 to 1; NaN where nobody knows. */
  readonly done: number;
  readonly what?: string;
  /** A part of the answer that is ready. */
  readonly part?: unknown;
}

/** Of a download; its size may be nobody's knowledge. */
export const shareOf = (done: number, of: number): number => (Number.isFinite(of) ? done / of : Number.NaN);

/** The lock that a worker holds as long as it lives. */
export const lifeLock = (id: string): string => `gradcam-worker-${id}`;
