/** @file Visual question answering over a list of answers: a picture and a question in, the best answers and where they came from out. */
import { checkOptions, expects, listing, type OptionNames, UserError } from "../../errors.ts";
import { Lru } from "../../explain/lru.ts";
import { withSizes } from "../../explain/rewritten.ts";
import { type SessionBound, Sessions } from "../../explain/sessions.ts";
import type { Picture } from "../../image/picture.ts";
import type { Preprocess } from "../../image/preprocess.ts";
import { product } from "../../onnx/dims.ts";
import type { Model } from "../../onnx/model.ts";
import { DataType, declaredDims, declaredType, type ValueInfoProto } from "../../onnx/proto.ts";
import type { Feeds, Runtime, SessionOptions, Tensor } from "../../onnx/runtime.ts";
import type { TokenGrid } from "../../read/layout.ts";
import { askingNames, checkAsking, checkList, isQuery, isText } from "../asking.ts";
import {
  type ClassExplanation,
  Classifier,
  type ClassifyOptions,
  type Prediction,
  type Why,
} from "../classify/classification.ts";
import { type Familiarity, unfamiliar, withMore } from "../familiarity.ts";
import type { TextTokenizer } from "../formats/tokenizer.ts";
import type { PlacingOptions } from "../placing.ts";
import { checkPicture } from "../sample.ts";
import { imageOf } from "./narrator.ts";
import type { Span, Token } from "./writer.ts";

export interface AnswererOptions extends PlacingOptions {
  readonly name: string;
  /** In the order of the scores. */
  readonly answers: readonly string[];
  readonly tokenizer: TextTokenizer;
  readonly preprocess: Preprocess;
  /** Tokens of a question at most, those around it among them. */
  readonly most: number;
  /** The token that fills a question up where the model takes questions of one length. */
  readonly padding?: number;
  /** Whether answers do not exclude each other, so that probabilities are sigmoids. */
  readonly independent?: boolean;
  /** What the model's pictures look like. */
  readonly familiar?: Familiarity;
  readonly layer?: string;
  readonly tokens?: TokenGrid;
  readonly session?: SessionOptions;
  /** How many sessions stay open. */
  readonly keep?: SessionBound;
}

export interface QuestionOptions extends Omit<ClassifyOptions, "classes" | "inputs"> {
  /** Answers to explain: indices, names, `topN`; the best by default. A model that writes its answers takes any words that it knows. */
  readonly answers?: ClassifyOptions["classes"];
  /** How many sentences the search of a model that writes its answers keeps; 1 takes the likeliest word each time. */
  readonly beams?: number;
}

const questionOptions: OptionNames<QuestionOptions> = {
  ...askingNames,
  ...{ answers: true, against: true, beams: true, layer: true },
};

/** @throws UserError `invalid-option` */
export function checkQuestion(question: unknown, options: QuestionOptions): void {
  checkOptions(options, questionOptions, "ask");
  checkAsking(options);
  expects(isText(question), "question", question, "a text");
  checkList(options.answers, "answers", '["red", "top3"]', isQuery);
}

/** An answer: one of a list, or written by the model, and then with its tokens. */
export interface AnswerPrediction extends Prediction {
  readonly tokens?: readonly Token[];
}

/** An answer's map, or that of one of the words of an answer that the model writes. */
export type AnswerExplanation = ClassExplanation & {
  readonly word?: { readonly text: string; readonly tokens: Span; readonly logProbability: number };
};

/** What a model answers, and why: the classes are answers. */
export interface Answered extends Why {
  readonly question: string;
  /** The question's tokens as the model read them. */
  readonly tokens: readonly string[];
  readonly predictions: readonly AnswerPrediction[];
  readonly explanations: readonly AnswerExplanation[];
}

/** Graphs for questions of so many lengths are kept. */
const mostLengths = 4;

/** An open model that chooses among answers. */
export class Answerer {
  readonly #image: string;
  readonly #words: ValueInfoProto;
  /** By the length of the question. */
  readonly #classifiers = new Lru<number, Classifier>(mostLengths);
  /** Of all lengths together. */
  readonly #sessions: Sessions;

  /** @throws UserError `invalid-model` for inputs that no picture and no question give. */
  constructor(
    private readonly ort: Runtime,
    private readonly model: Model,
    private readonly options: AnswererOptions,
  ) {
    this.#image = imageOf(model);
    this.#sessions = new Sessions(options.keep);
    const words = model.inputs.find((info) => declaredDims(info)?.length === 2 && fillOf(info.name) === "words");
    const names = model.inputs.map(({ name }) => name);
    if (!words)
      throw new UserError("invalid-model", `invalid model: it takes ${listing(names)}; none is a question (input_ids)`);
    this.#words = words;
    const others = model.inputs.filter((info) => info.name !== this.#image && info !== words && !fills(info));
    if (others.length)
      throw new UserError(
        "invalid-model",
        `invalid model: it takes ${listing(others.map(({ name }) => name))} beside a picture and a question`,
      );
  }

  get name(): string {
    return this.options.name;
  }

  get preprocess(): Preprocess {
    return this.options.preprocess;
  }

  get answers(): readonly string[] {
    return this.options.answers;
  }

  /**
   * Answers a question about a picture and explains answers.
   * @throws UserError for a question that is empty, too long or of unknown words, an unknown answer, method or layer.
   */
  async ask(picture: Picture, question: string, asking: QuestionOptions = {}): Promise<Answered> {
    checkQuestion(question, asking);
    checkPicture(picture);
    const { answers, beams, ...options } = asking;
    if (beams !== undefined)
      throw new UserError(
        "invalid-option",
        `invalid beams: ${beams}; the model writes no answers, it has a list of them`,
      );
    const classifier = await this.asked(question);
    const why = await classifier.explain(picture, { ...options, classes: answers });
    const { tokenizer, familiar } = this.options;
    const tokens = this.#read(question).map((id) => tokenizer.tokenText(id));
    const explanations = withMore(why.explanations, unfamiliar(picture, familiar));
    return { ...why, explanations, question: question.trim(), tokens };
  }

  /**
   * The classifier of pictures by the answer to a question, open until the answerer is released.
   * @throws UserError for a question that is empty, too long or of unknown words.
   */
  async asked(question: string): Promise<Classifier> {
    const ids = this.#read(question);
    const places = this.#places(ids.length);
    return (await this.#classifier(places)).withInputs(this.#feeds(ids, places));
  }

  release(): Promise<void> {
    return this.#sessions.release();
  }

  #read(question: string): readonly number[] {
    return this.options.tokenizer.encode(question, "question", { special: true });
  }

  /** @throws UserError `invalid-input` for a question that is too long. */
  #places(count: number): number {
    const declared = declaredDims(this.#words)?.[1];
    const fixed = typeof declared === "number" && declared > 0 ? declared : undefined;
    const most = fixed ?? this.options.most;
    if (count <= most) return fixed ?? count;
    throw new UserError("invalid-input", `invalid question: ${count} tokens; the model allows ${most}`);
  }

  /** The model for questions of one length: among tokens of picture and question the grid is known only where the length is. */
  #classifier(places: number): Promise<Classifier> {
    return this.#classifiers.get(places, () => this.#open(places));
  }

  #open(places: number): Promise<Classifier> {
    const sized = this.model.inputs
      .filter(
        (info) => info.name !== this.#image && declaredDims(info)?.length === 2 && declaredDims(info)?.[1] !== places,
      )
      .reduce((model, { name }) => withSizes(model, name, [places]), this.model);
    const { name, answers: labels, preprocess, layer, tokens, session, independent, peak, align } = this.options;
    const probability = independent ? "sigmoid" : "softmax";
    return Classifier.open(this.ort, sized.bytes, {
      ...{ name, labels, preprocess, layer, tokens, session, probability, peak, align, sessions: this.#sessions },
    });
  }

  #feeds(ids: readonly number[], places: number): Feeds {
    const { padding = 0 } = this.options;
    const row = (filled: (place: number) => number) => Array.from({ length: places }, (_, i) => filled(i));
    const given: Record<Fill, (info: ValueInfoProto) => Tensor> = {
      words: (info) =>
        this.#whole(
          info,
          row((i) => ids[i] ?? padding),
        ),
      mask: (info) =>
        this.#whole(
          info,
          row((i) => (i < ids.length ? 1 : 0)),
        ),
      types: (info) =>
        this.#whole(
          info,
          row(() => 0),
        ),
      positions: (info) =>
        this.#whole(
          info,
          row((i) => i),
        ),
      frame: (info) => this.#frame(info),
    };
    const others = this.model.inputs.filter(({ name }) => name !== this.#image);
    return Object.fromEntries(others.map((info) => [info.name, given[fillOf(info.name)](info)]));
  }

  /** Numbers of one question, [1, n]. */
  #whole(info: ValueInfoProto, values: readonly number[], dims = [1, values.length]): Tensor {
    if (declaredType(info) === DataType.INT32) return new this.ort.Tensor("int32", Int32Array.from(values), dims);
    return new this.ort.Tensor("int64", BigInt64Array.from(values, BigInt), dims);
  }

  /** Ones: every pixel is the picture's. */
  #frame(info: ValueInfoProto): Tensor {
    const { crop, resize } = this.options.preprocess;
    const size = crop ?? (resize && "width" in resize ? resize : undefined);
    const dims = [1, size?.height ?? 1, size?.width ?? 1];
    return this.#whole(info, Array<number>(product(dims)).fill(1), dims);
  }
}

/** What an input beside the picture holds, as exporters name it. */
type Fill = "words" | "mask" | "types" | "positions" | "frame";

function fillOf(name: string): Fill {
  if (/pixel_mask/.test(name)) return "frame";
  if (/mask/.test(name)) return "mask";
  if (/type/.test(name)) return "types";
  return /position/.test(name) ? "positions" : "words";
}

const fills = (info: ValueInfoProto): boolean => fillOf(info.name) !== "words";
