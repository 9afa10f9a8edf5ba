/**
 * @file What a method of explanation is: a short function over the few questions that can be put to a model.
 *
 * n images and k targets for each give m = n k explanations, image-major: the k of the first image come first.
 */

import type { Dense } from "../array/dense.ts";
import type { Overrides } from "../autodiff/differentiate.ts";
import type { RuleChoice } from "../autodiff/rules.ts";
import type { Builder, Value } from "../onnx/build.ts";

/** What a map at a layer is made of, as tensors of the graph. */
export interface LayerParts {
  readonly build: Builder;
  /** Activations A, [n, C, ...grid]. */
  readonly a: Value;
  /** d(score)/dA, [m, C, ...grid]. */
  readonly da: Value;
  /** The Hessian of the score times A, [m, C, ...grid]; where the map is of second order, and only there. */
  readonly curvature?: () => Value;
  /** What becomes of the channels times their weights, [n, k, C, positions]: a map, [n, k, positions]; their sum by default. */
  readonly gather?: (weighted: Value) => Value;
  /** Axes of the grid. */
  readonly grid: readonly number[];
}

/** What a function of the scores is made of, as tensors of the graph. */
export interface ScoreParts {
  readonly build: Builder;
  /** The target's weights on the scores, in their shape. */
  readonly weights: Value;
  readonly scores: Value;
  /** The axis of the classes, where there is one. */
  readonly classes?: number;
  /** What the model's output is behind: "Softmax", "Sigmoid" ... */
  readonly before?: string;
}

/**
 * Builds maps from a layer's activations and gradients, as nodes of the graph: [n, k, positions], raw, of n images, k targets of each, and
 * the positions of the grid in row-major order. A position's value is in units of the score times whatever the activations are multiplied
 * with; a sum over channels is written so that it is never made as [m, C, ...grid] where it need not be (see `weightedSum`).
 * The same function is asked again and again: graphs and sessions are kept by it, so it must build the same nodes every time.
 */
export interface LayerMap {
  (parts: LayerParts): Value;
  /** Whether a place of the map is made of that place's activations and gradients alone, so that where the gradient is 0 the map is too. */
  readonly placewise?: true;
  /** Whether it reads the curvature: pictures are then rows of a run, never questions about one. */
  readonly secondOrder?: true;
  /** Where it explains another function of the scores than the target's weighted sum of them: the gradient of that function. */
  readonly seed?: (scores: ScoreParts) => Value;
  /** Whether it reads no gradient, and so is the same for every target of an image: [n, 1, positions]. */
  readonly classBlind?: true;
}

/** What a map of attentions is made of, as tensors of the graph: of n images whose tokens attend to each other, block after block. */
export interface AttentionParts {
  readonly build: Builder;
  /** Tokens: how many there are. */
  readonly tokens: number;
  /** What the blocks weigh tokens with, from the picture to the score: [n, heads, queries, keys]. */
  readonly weights: readonly Value[];
  /** Whether the last of them pools the tokens: its queries are not the tokens, and nothing goes past it. */
  readonly pools: boolean;
  /** The share that each query of the last block has in what the score is read off: [1, 1, queries]. */
  readonly read: Value;
  /** d(score)/d(weights) of the last so many blocks, by default of all: [m, heads, queries, keys]. */
  gradients(last?: number): readonly Value[];
  /**
   * The same of scores of the blocks' own: what the network's head makes of the tokens behind each of the last so many blocks. Where the head
   * pools them by an attention, of its weights for these tokens.
   * @param mean whether the head is given the mean of the tokens in place of each
   */
  ownGradients(mean: boolean, last?: number): readonly Value[];
}

/**
 * Builds maps from attentions, as nodes of the graph: a value for each token, [m, tokens], raw. It is asked again and again, as a
 * {@link LayerMap}. Rows of several targets of one image broadcast against its weights.
 */
export interface AttentionMap {
  (parts: AttentionParts): Value;
  /** Whether it reads no gradient, and so is the same for every target of an image: [n, tokens]. */
  readonly classBlind?: true;
}

/** What is made of a whole sweep to the pixels. */
export interface Sweep {
  /** The rules that it goes by, which may take note of what they see. */
  readonly rules: (base: Overrides) => Overrides;
  /** A map on the picture's grid, [m, 1, ...grid], of the picture [n, C, ...grid] and its gradient [m, C, ...grid]. */
  readonly map: (parts: { readonly build: Builder; readonly image: Value; readonly gradient: Value }) => Value;
}

/**
 * Begins a sweep; the same function is asked again and again, as a {@link LayerMap} is.
 * @param arranged a tensor of the network, or one in its shape, as [m, C, ...grid]; undefined where it has no grid of the picture
 */
export type SweepMap = (arranged: (build: Builder, name: string, value: Value) => Value | undefined) => Sweep;

/** Which part of a signed map is shown: what is above 0, what is below it (as positive values), both as magnitudes, or all as it is. */
export const signs = ["positive", "negative", "absolute", "signed"] as const;
export type Sign = (typeof signs)[number];

export type OptionValue = number | string;

/** The options that methods share, which mean the same wherever there is one. */
export interface KnownOptions {
  readonly steps: number;
  readonly baseline: number | "blur" | "mean";
  readonly samples: number;
  readonly sigma: number;
  readonly patch: number;
  readonly stride: number;
  readonly rule: string;
  readonly epsilon: number;
  readonly gamma: number;
  readonly composite: string;
  readonly layers: number | string;
  readonly sign: Sign;
  readonly batch: number;
  readonly seed: number;
}

/** Values of options by name, as they are given: those that are left out have their defaults. */
export type GivenOptions = Partial<KnownOptions> & { readonly [name: string]: OptionValue | undefined };

/** The options of a method, each of them: given and checked, or its default. Only those are there that the method declares. */
export type MethodOptions = KnownOptions & { readonly [name: string]: OptionValue };

/** An option of a method. */
export interface MethodOption {
  readonly name: string;
  readonly default: OptionValue;
  /** What is allowed, in words: "an integer of at least 1". */
  readonly range: string;
  readonly fits: (value: unknown) => boolean;
  /** Whether it is a constant of the graph, which a compiled model can have. */
  readonly compiles?: true;
  /** Whether it is one around the method, which the method itself knows nothing of: it is only told where it is given. */
  readonly around?: true;
}

/** Kinds of methods. */
export const families = ["cam", "gradient", "propagation", "attention", "black-box", "concepts", "control"] as const;
export type Family = (typeof families)[number];

/** Weights on the scores of an image, and those scores: other weights. */
export type Reweigh = (
  weights: readonly (readonly [c: number, weight: number])[],
  scores: Float32Array,
) => readonly (readonly [c: number, weight: number])[];

/** The questions that a method can ask about n images and their m targets. */
export interface Question {
  /** The method's options, filled and checked. */
  readonly options: MethodOptions;
  /** The model's input, [n, C, ...]. */
  readonly image: Dense;
  /** Targets of each image. */
  readonly k: number;
  /** The layer's grid; undefined where there is no layer, or where only the run knows its sizes. */
  readonly grid?: readonly number[];
  /**
   * A map at the layer, [m, ...grid], computed by the runtime.
   * @param weigh what each target's weights on the scores of its image become; the weights themselves by default
   */
  atLayer(map: LayerMap, weigh?: Reweigh): Promise<Dense>;
  /** A map at the layer where variants, [any, C, ...], stand in place of one image: [any k, ...grid], those of a variant side by side. All of them are one batch. */
  atVariants(image: number, variants: Dense, map: LayerMap): Promise<Dense>;
  /** Whether what lies between the layer and the score is linear: its gradient is then the same for all images. */
  isLinear(): boolean;
  /** The gradient of the score with respect to the input, by a set of rules, [m, ...input]; or a map that is made of the whole sweep, [m, 1, ...]. */
  atInput(rules: RuleChoice | SweepMap): Promise<Dense>;
  /**
   * The gradient at variants of one image, [any, C, ...], for each of its k targets: [any k, C, ...], those at a variant side by side.
   * @param rules a set of rules, or a table of one's own
   * @param only the target of each variant, where not every one is asked: then [any, C, ...]
   * @param paired whether every two variants are one run, for rules that compare them
   */
  atInputs(
    image: number,
    variants: Dense,
    rules: RuleChoice,
    only?: readonly number[],
    paired?: boolean,
  ): Promise<Dense>;
  /** A map of the network's attentions, [m, ...grid] on the grid of its patches, computed by the runtime. */
  atAttentions(map: AttentionMap): Promise<Dense>;
  /** The scores of variants of one image for each of its k targets: k rows, a score a variant. `variants` is [any, C, ...]. */
  respond(image: number, variants: Dense): Promise<Float32Array[]>;
  /** The layer's activations of one image, [1, C, ...grid]. */
  activations(image: number): Promise<Dense>;
  /**
   * The scores of one image for each of its k targets where the layer's activations are multiplied with factors, [any, C or 1, ...grid or
   * ones]: k rows, a score a variant. Only what lies behind the layer runs; `before` is told the share that is done.
   */
  respondAtLayer(image: number, factors: Dense, before?: (done: number) => void): Promise<Float32Array[]>;
  /** The same questions at other layers, and about other images in the place of these; absent where what is asked is a part of one image. */
  readonly elsewhere?: {
    /** Layers, the default first, then from the scores towards the image. */
    readonly layers: readonly { readonly name: string; readonly grid: readonly number[] }[];
    /** The layer that this question is about. */
    readonly layer?: string;
    at(layer: string): Question;
    /** @param images [n, C, ...] */
    of(images: Dense): Question;
  };
  /** How alike the most alike of the boxes of variants is to each target, 0 to 1, as `respond`; where the targets are boxes, and only there. */
  resemble?(image: number, variants: Dense): Promise<Float32Array[]>;
  /** Tells how much of the work is done (0 to 1), and ends it with an error when the caller has cancelled. */
  progress(done: number): void;
  /**
   * The same between samples whose mean is the map: true where the caller has cancelled and takes the mean of those that there are. Then the
   * method answers with it, `partial`.
   */
  enough(done: number): boolean;
}

/** A share, 0 to 1, as it is told on; of nothing at all (0 samples, 0 steps: NaN) everything is done. */
export const shareDone = (done: number): number => (done < 1 ? Math.max(0, done) : 1);

/** An explanation: a map for every target and, where the method has it, the signed image that the map sums up. */
export interface Explanation {
  /** [m, ...grid], raw: neither normalised nor resized. */
  readonly maps: Dense;
  /** [m, C, ...] in the input's own layout. */
  readonly pixels?: Dense;
  /** The layer whose grid the maps have, where it is not the one that was asked about. */
  readonly layer?: string;
  /** Whether it is the mean of a part of the samples, for the caller has cancelled. */
  readonly partial?: true;
}

/** The questions that a method can ask where it is a graph itself: about one target of each image, in tensors of the graph. */
export interface GraphQuestion {
  readonly build: Builder;
  /** The model's input, channels first: [n, C, ...]. */
  image(): Value;
  /** The method's options, filled and checked. */
  readonly options: MethodOptions;
  /** A map at the layer, [n, ...grid]. */
  atLayer(map: LayerMap): Value;
  /** The gradient of the score with respect to the input, by a set of rules, channels first: [n, C, ...]; or what is made of its sweep. */
  atInput(rules: RuleChoice | SweepMap): Value;
  /** A map of the network's attentions, [n, ...grid]. */
  atAttentions(map: AttentionMap): Value;
}

/** An explanation as a graph: a map on the layer's grid, or the signed image. */
export type GraphExplanation = { readonly map: Value } | { readonly pixels: Value };

export interface Method<Name extends string = string> {
  readonly name: Name;
  /** How people write it. */
  readonly title: string;
  /** What the map shows, in one line. */
  readonly summary: string;
  /** Authors and year, and the paper's address: at arxiv.org, or its DOI at doi.org where it is not there. */
  readonly paper: string;
  /** What it is made of: gradients at a layer, at the pixels, or answers to changed inputs. */
  readonly family?: Family;
  /** The price of one question, in words, where a forward pass of the network is 1. */
  readonly cost?: string;
  /** The tasks whose questions it answers, where it does not answer all. */
  readonly tasks?: readonly string[];
  /** What may be told it; nothing by default. */
  readonly options?: readonly MethodOption[];
  /** Whether the map lies on the layer's grid or on the input's pixels. */
  readonly space: "layer" | "pixels";
  /** What a map without a value above 0 says of a question: `negative`, that there are values below 0. */
  readonly nothing?: (question: string, negative: boolean) => string;
  /** Whether it only runs the model, and asks for no gradient: then targets of different layers are explained by the same runs. */
  readonly blackBox?: true;
  /** Whether the map hardly depends on what is asked, by what the method is. */
  readonly classIndependent?: true;
  /** Whether it reads attentions: what is no transformer is refused before it runs. */
  readonly readsAttentions?: true;
  /** Why it cannot be compiled, where that is not for its many runs. */
  readonly uncompiled?: string;
  explain(question: Question): Promise<Explanation>;
  /** The same as a graph, which a model can carry; absent where it takes many runs. */
  graph?(question: GraphQuestion): GraphExplanation;
}
