/** @file Visual question answering over a list of answers: a picture and a question in, the best answers and where they came from out. */
import { checkOptions, expects, listing, type OptionNames, UserError } from "../../errors.ts";
import { Lru } from "../../explain/lru.ts";
import { withSizes } from "../../explain/rewritten.ts";
import { Sessions } from "../../explain/sessions.ts";
import { sizeOf } from "../../image/framing.ts";
import type { Picture } from "../../image/picture.ts";
import type { Model } from "../../onnx/model.ts";
import { declaredDims, type ValueInfoProto } from "../../onnx/proto.ts";
import type { Runtime, Tensor } from "../../onnx/runtime.ts";
import { askingOptions, boundOptions, isQuery, isText, listOf } from "../asking.ts";
import {
  type ClassExplanation,
  Classifier,
  type ClassifyOptions,
  type Prediction,
  type Why,
} from "../classify/classification.ts";
import type { DetectOptions } from "../detect/detections.ts";
import type { PlacingOptions } from "../placing.ts";
import { checkPicture } from "../sample.ts";
import { imageOf } from "./decoder.ts";
import { LanguageModel, type LanguageParts } from "./language-model.ts";
import type { SentencePart, Token } from "./sentence.ts";
import { contentOf, fixedLength, placesFor, tokenInput } from "./token-inputs.ts";

export interface AnswererOptions extends LanguageParts, PlacingOptions {
  /** In the order of the scores. */
  readonly answers: readonly string[];
  /** Tokens of a question at most, those around it among them. */
  readonly most: number;
  /** The token that fills a question up where the model takes questions of one length. */
  readonly padding?: number;
  /** Whether answers do not exclude each other, so that probabilities are sigmoids. */
  readonly independent?: boolean;
}

export interface QuestionOptions extends Omit<ClassifyOptions, "classes" | "inputs" | "regions" | keyof DetectOptions> {
  /** Answers to explain: indices, names, `topN`; the best by default. A model that writes its answers takes any words that it knows. */
  readonly answers?: ClassifyOptions["classes"];
  /** How many sentences the search of a model that writes its answers keeps; 1 takes the likeliest word each time. */
  readonly beams?: number;
}

const questionOptions: OptionNames<QuestionOptions> = {
  ...askingOptions,
  ...boundOptions,
  answers: listOf(isQuery, '["red", "top3"]'),
  targets: listOf(isText, '["class:red", "not:blue"]'),
  ...{ against: true, beams: true, layer: true },
};

/** @throws UserError `invalid-option` */
export function checkQuestion(question: unknown, options: QuestionOptions): void {
  checkOptions(options, questionOptions, "ask");
  expects(isText(question), "question", question, "a text");
}

/** An answer: one of a list, or written by the model, and then with its tokens. */
export interface AnswerPrediction extends Prediction {
  readonly tokens?: readonly Token[];
}

/** An answer's map, or that of one of the words of an answer that the model writes. */
export type AnswerExplanation = ClassExplanation & { readonly word?: SentencePart };

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
export class Answerer extends LanguageModel<AnswererOptions> {
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
    options: AnswererOptions,
  ) {
    super(options);
    this.#image = imageOf(model);
    this.#sessions = new Sessions(options.keep);
    const texts = model.inputs.filter(({ name }) => name !== this.#image && contentOf(name) === "words");
    const words = texts.find((info) => declaredDims(info)?.length === 2);
    const more = texts.filter((info) => info !== words);
    const named = (infos: readonly ValueInfoProto[]) => listing(infos.map(({ name }) => name));
    const wrong = words ? " beside a picture and a question" : "; none is a question (input_ids)";
    if (!words || more.length)
      throw new UserError("invalid-model", `invalid model: it takes ${named(words ? more : model.inputs)}${wrong}`);
    this.#words = words;
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
    const unasked = `invalid beams: ${beams}; the model writes no answers, it has a list of them`;
    if (beams !== undefined) throw new UserError("invalid-option", unasked);
    const classifier = await this.asked(question);
    const why = await classifier.explain(picture, { ...options, classes: answers });
    const tokens = this.#read(question).map((id) => this.options.tokenizer.tokenText(id));
    return { ...why, question: question.trim(), tokens };
  }

  /**
   * The classifier of pictures by the answer to a question, open until the VQA model is released.
   * @throws UserError for a question that is empty, too long or of unknown words.
   */
  async asked(question: string): Promise<Classifier> {
    const ids = this.#read(question);
    const places = placesFor(ids.length, fixedLength(this.#words), this.options.most);
    const classifier = await this.#classifiers.get(places, () => this.#open(places));
    const others = this.model.inputs.filter(({ name }) => name !== this.#image);
    return classifier.withInputs(Object.fromEntries(others.map((info) => [info.name, this.#fed(info, ids, places)])));
  }

  release(): Promise<void> {
    return this.#sessions.release();
  }

  #read(question: string): readonly number[] {
    return this.options.tokenizer.encode(question, "question", { special: true });
  }

  /** The model for questions of one length: among tokens of picture and question the grid is known only where the length is. */
  #open(places: number): Promise<Classifier> {
    const { answers: labels, independent, ...options } = this.options;
    const sized = this.model.inputs
      .filter((info) => info.name !== this.#image && declaredDims(info)?.length === 2)
      .filter((info) => declaredDims(info)?.[1] !== places)
      .reduce((model, { name }) => withSizes(model, name, [places]), this.model);
    const probability = independent ? "sigmoid" : "softmax";
    return Classifier.open(this.ort, sized.bytes, { ...options, labels, probability, sessions: this.#sessions });
  }

  #fed(info: ValueInfoProto, ids: readonly number[], places: number): Tensor {
    if (contentOf(info.name) !== "frame") return tokenInput(this.ort, info, [ids], places, this.options.padding);
    const { height = 1, width = 1 } = sizeOf(this.preprocess) ?? {};
    return tokenInput(this.ort, info, [[]], height * width).reshape([1, height, width]);
  }
}
