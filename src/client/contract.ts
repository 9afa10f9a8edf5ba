/**
 * @file What `gradcam serve` is asked and answers, as TypeScript sees it. The server's schemas are held to these types by the
 * compiler, and its OpenAPI document is made of the schemas.
 */

/** What is asked about a picture; everything may be left out. */
export interface Question {
  /** One of the models that the server lists; its first by default. */
  readonly model?: string;
  /** Classes by index or name, or `topN`, N at most 25; the best by default. */
  readonly classes?: readonly (number | string)[];
  /** Questions as "class:cat", "box:0", "box:top5", "not:cat", beside the classes or in their place; every box of a detector by default, 16 at most. */
  readonly targets?: readonly string[];
  /** Methods by name; "grad-cam" by default, "hires-cam" for boxes. */
  readonly methods?: readonly string[];
  /** Options of the methods by name, each of those that have it; the server takes 10 times a default at most. */
  readonly options?: Readonly<Record<string, number | string>>;
  /** Of a detector: boxes above this score; 0.25 by default. */
  readonly score?: number;
  /** Of a detector: of boxes of a class that overlap by more, the best stays; 0.7 by default. */
  readonly iou?: number;
  /** Of a detector: boxes that are listed at most; 300 by default. */
  readonly maxDetections?: number;
  /** Explain the classes rather than this one. */
  readonly against?: number | string;
  /** Explain what speaks against the classes. */
  readonly counterfactual?: boolean;
  /** One of the layers that the server lists for the model. */
  readonly layer?: string;
  /** Pictures that the JSON answer carries. */
  readonly include?: readonly View[];
  /** What an answer that is a PNG shows. */
  readonly view?: View;
  readonly colormap?: "inferno" | "viridis" | "jet";
}

/** What is asked of a captioner. */
export interface CaptionQuestion {
  /** One of the captioners that the server lists; its first by default. */
  readonly model?: string;
  /** The sentence to explain; the model's own by default. */
  readonly caption?: string;
  /** Explain the caption rather than this sentence, and this one rather than the caption. */
  readonly instead?: string;
  /** Words to explain, or several in a row; every word by default. */
  readonly words?: readonly string[];
  readonly counterfactual?: boolean;
  readonly methods?: readonly string[];
  readonly options?: Question["options"];
  readonly include?: readonly MapView[];
  readonly colormap?: Question["colormap"];
}

/** What is asked of a VQA model. */
export interface AskQuestion {
  /** One of the VQA models that the server lists; its first by default. */
  readonly model?: string;
  /** About the picture, e.g. "what colour is the circle?". */
  readonly question: string;
  /** Answers by index or text, or `topN`, N at most 25; the best by default. */
  readonly answers?: readonly (number | string)[];
  readonly against?: number | string;
  readonly counterfactual?: boolean;
  readonly methods?: readonly string[];
  readonly options?: Question["options"];
  readonly include?: readonly View[];
  readonly view?: View;
  readonly colormap?: Question["colormap"];
}

/** The map over what it explains, its colours alone, or everything at a glance. */
export type View = "overlay" | "heat" | "panel";

/** A picture of one map. */
export type MapView = "overlay" | "heat";

export interface Prediction {
  readonly class: number;
  readonly label: string;
  /** Before any softmax. */
  readonly score: number;
  /** Null for a score that is a value and not a class's. */
  readonly probability: number | null;
}

/** What a detector found. */
export interface Detection {
  readonly index: number;
  readonly class: number;
  readonly label: string;
  /** A probability. */
  readonly score: number;
  /** x0, y0, x1, y1 in pixels of the picture; it may reach beyond. */
  readonly box: readonly number[];
}

/** One map. */
export interface Mapped {
  readonly method: string;
  /** What was asked, in words. */
  readonly question: string;
  /** The target layer; null for methods in pixel space. */
  readonly layer: string | null;
  /** All that the map is joined of, where it is of several layers; `layer` is the one with the finest grid then. */
  readonly layers?: string[];
  /** Raw: neither normalised nor resized. */
  readonly map: {
    readonly shape: number[];
    /** float32, little endian, row-major, in base64. */
    readonly data: string;
  };
  /** The map's maximum, in pixels of the picture (x, y), voxels (x, y, z), or seconds or samples (t). */
  readonly peak?: { readonly x: number; readonly y: number; readonly z?: number } | { readonly t: number };
  /** Around the largest part above 15 % of the maximum: x0, y0, x1, y1, or x0, y0, z0, x1, y1, z1. */
  readonly box?: number[];
  /** Why the map is blank, where it is. */
  readonly blank?: string;
  /** What a reader must know: what was guessed, and what the map does not say. */
  readonly warnings: readonly { readonly code: string; readonly text: string }[];
  /** PNG files in base64, where `include` asks for them. */
  readonly overlay?: string;
  readonly heat?: string;
}

/** The map of a class, or of an answer. */
export interface Explanation extends Mapped {
  /** The question: as it was asked; one of its own where it stands for several, or none was asked. */
  readonly target: string;
  /** The box that is explained, by its place among the detections. */
  readonly detection?: number;
  /** The character that is explained, by its place in the text. */
  readonly character?: number;
  readonly class: number;
  readonly label: string;
  /** Of a signal, in place of a box: from, to. */
  readonly span?: number[];
}

/** The map of words. */
export interface WordExplanation extends Mapped {
  readonly kind: "caption" | "word" | "words" | "contrast";
  readonly text: string;
  /** The tokens of the sentence: from, up to. */
  readonly tokens: number[];
  /** Their sum; of a contrast, the difference. */
  readonly logProbability: number;
}

export interface Sentence {
  readonly text: string;
  readonly tokens: { readonly id: number; readonly text: string; readonly logProbability: number }[];
  readonly logProbability: number;
}

/** Where the network's input, and with it a map, lies on the picture: pixel (x, y) of the input is at (left + x scaleX, top + y scaleY). */
export interface Geometry {
  readonly input: { readonly width: number; readonly height: number };
  readonly original: { readonly width: number; readonly height: number };
  readonly scaleX: number;
  readonly scaleY: number;
  readonly left: number;
  readonly top: number;
}

export interface CaptionAnswer {
  readonly model: { readonly name: string; readonly sha256: string };
  readonly geometry: Geometry;
  readonly caption: Sentence;
  /** Whether the model made the sentence, or was given it. */
  readonly generated: boolean;
  readonly instead?: Sentence;
  readonly explanations: WordExplanation[];
}

export interface AskAnswer extends Answer {
  readonly question: string;
  /** The question's tokens as the model read them. */
  readonly tokens: string[];
}

export interface Answer {
  readonly model: { readonly name: string; readonly sha256: string };
  /** Of pictures. */
  readonly geometry?: Geometry;
  /** The five best classes and those asked for, best first; of a detector none. */
  readonly predictions: Prediction[];
  /** Of a detector: what it found, best first. */
  readonly detections?: Detection[];
  /** Of a text recogniser: what it reads, how probable it is that the picture shows this text, and its characters along the line. */
  readonly text?: string;
  readonly probability?: number;
  readonly characters?: { readonly index: number; readonly character: string; readonly probability: number }[];
  /** What is to be said of the whole, as that nothing was found. */
  readonly remark?: string;
  readonly explanations: Explanation[];
  /** A PNG file in base64, where `include` asks for it. */
  readonly panel?: string;
}

/** A model that the server answers for. */
export interface ModelCard {
  readonly name: string;
  /** Which requests reach it. */
  readonly task: "explain" | "caption" | "ask";
  readonly sha256: string;
  /** What it takes. */
  readonly kind: "picture" | "signal" | "volume";
  /** Whether it finds boxes: its answers have `detections`. */
  readonly detects?: true;
  /** Names of the classes, or the answers, in order; empty where there are none. */
  readonly labels: string[];
  /** Layers that may be asked for, the default first. */
  readonly layers: { readonly name: string; readonly shape: number[]; readonly grid: number[] }[];
}

export interface Models {
  /** The default first. */
  readonly models: ModelCard[];
  readonly methods: { readonly name: string; readonly title: string; readonly summary: string }[];
}

/** Whether the server takes questions, by how many worker threads. */
export interface Readiness {
  readonly status: "ok" | "starting" | "stopping";
  readonly threads: { readonly live: number; readonly wanted: number };
}

/** Why there is no answer (RFC 9457). */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** What was seen and what is allowed. */
  readonly detail: string;
  /** For programs to branch on. */
  readonly code: string;
  /** The request's name in the server's log. */
  readonly request: string;
}
