/** @file Visual question answering by a model that writes its answers: the likeliest ones, a person's own, and where their words came from. */

import { throwIfAborted, UserError } from "../../errors.ts";
import type { Picture } from "../../image/picture.ts";
import type { Preprocess } from "../../image/preprocess.ts";
import { methodsOf } from "../../methods/define.ts";
import { gradCam } from "../../methods/grad-cam.ts";
import type { Method } from "../../methods/method.ts";
import type { Runtime } from "../../onnx/runtime.ts";
import { readMap } from "../map.ts";
import { checkPicture } from "../sample.ts";
import type { AnswerExplanation, Answered, AnswerPrediction, QuestionOptions } from "./answering.ts";
import { checkQuestion } from "./answering.ts";
import {
  checkContrast,
  contrast,
  mapsOf,
  type Seen,
  total,
  Writer,
  type WriterOptions,
  type Written,
} from "./writer.ts";

/** A model that takes questions. */
export type AskedOptions = WriterOptions & Required<Pick<WriterOptions, "asked">>;

/**
 * An open model that writes answers. An answer's score is the logarithm of its probability, that of all of its words and of the end behind
 * them; its class is its place in the list.
 */
export class GenerativeAnswerer {
  /** It has no list of answers. */
  readonly answers: readonly string[] = [];
  readonly #writer: Writer;
  readonly #asked: AskedOptions["asked"];

  constructor(ort: Runtime, options: AskedOptions) {
    this.#writer = new Writer(ort, options);
    this.#asked = options.asked;
  }

  get name(): string {
    return this.#writer.options.name;
  }

  get preprocess(): Preprocess {
    return this.#writer.options.preprocess;
  }

  /**
   * Answers a question about a picture and explains answers: each as a whole, and word by word.
   * @param options answers are `topN` for the best that a search with at least N beams finds, or a person's words
   * @throws UserError for a question or an answer that is empty, too long or of unknown words, an unknown method or layer.
   */
  async ask(picture: Picture, question: string, options: QuestionOptions = {}): Promise<Answered> {
    checkQuestion(question, options);
    checkPicture(picture);
    const methods = methodsOf(options.method);
    if (options.against !== undefined) checkContrast(methods, "answer");
    const { tokenizer } = this.#writer.options;
    const asked = this.#asked(question);
    const seen = this.#writer.see(picture, asked);
    const rival = options.against === undefined ? undefined : await this.#given(seen, String(options.against));
    const { all, explained } = await this.#answers(seen, options);

    const predictions = all.map(
      ({ sentence: { text, tokens, logProbability } }, index): AnswerPrediction => ({
        ...{ class: index, label: text || "(nothing)", tokens },
        ...{ score: logProbability, probability: Math.exp(logProbability) },
      }),
    );
    const explanations: AnswerExplanation[] = [];
    for (const [done, method] of methods.entries())
      for (const [i, index] of explained.entries()) {
        const part = (share: number) => (done + (i + share) / explained.length) / methods.length;
        const onProgress = (share: number) => options.onProgress?.(part(share));
        const one = predictions[index];
        explanations.push(
          ...(rival
            ? [await this.#rather(seen, all[index], one, rival)]
            : await this.#explained(seen, all[index], one, method, { ...options, onProgress })),
        );
        onProgress(1);
      }
    const { geometry } = seen;
    const tokens = asked.tokens.map((id) => tokenizer.tokenText(id));
    return { kind: "picture", picture, geometry, predictions, explanations, question: question.trim(), tokens };
  }

  release(): Promise<void> {
    return this.#writer.release();
  }

  /** The best answers, those that are given behind them, and the places of those that are to be explained. */
  async #answers(seen: Seen, { answers = ["top1"], beams, signal }: QuestionOptions) {
    const queries = answers.map((query) => String(query).trim());
    const tops = queries.map((query) => Number(/^top(\d+)$/.exec(query)?.[1] ?? 0));
    const count = Math.max(1, ...tops);
    if (count > mostAnswers)
      throw new UserError("unknown-name", `unknown answer: "top${count}"; allowed are top1 to top${mostAnswers}`);
    const all: Written[] = [];
    for (const ids of await this.#writer.find(seen, { beams, count, signal }))
      all.push(await this.#writer.tell(seen, ids));
    const found = all.length;
    const explained = new Set<number>();
    for (const [i, query] of queries.entries()) {
      for (let best = 0; best < Math.min(tops[i], found); best++) explained.add(best);
      if (tops[i]) continue;
      const given = await this.#given(seen, query);
      const known = all.findIndex(({ ids }) => String(ids) === String(given.ids));
      explained.add(known < 0 ? all.push(given) - 1 : known);
    }
    return { all, explained: [...explained] };
  }

  /** A person's answer. */
  #given(seen: Seen, text: string): Promise<Written> {
    return this.#writer.tell(seen, this.#writer.encode(text, "answer", seen));
  }

  /** The answer as a whole, and its words. */
  async #explained(
    { geometry }: Seen,
    written: Written,
    { class: index, label, tokens = [] }: AnswerPrediction,
    method: Method,
    { counterfactual, signal, onProgress }: QuestionOptions,
  ): Promise<AnswerExplanation[]> {
    const words = this.#writer.options.tokenizer.words(written.ids);
    const spans = [[0, tokens.length] as const, ...words.map(({ from, to }) => [from, to] as const)];
    const maps = await mapsOf(written, spans, { method, sign: counterfactual ? -1 : 1, signal, onProgress });
    return maps.map((map, i): AnswerExplanation => {
      throwIfAborted(signal);
      const word = i === 0 ? undefined : words[i - 1];
      const text = word ? `"${word.text}" of ${label}` : label;
      const question = counterfactual ? `against ${text}` : text;
      const asked = `${counterfactual ? "not-" : ""}${index}${word ? `-word${i}` : ""}`;
      const logProbability = total(tokens.slice(...spans[i]));
      return Object.assign(readMap(map, method, question, geometry), {
        ...{ class: index, label, asked, question },
        ...(word && { word: { text: word.text, tokens: spans[i], logProbability } }),
      });
    });
  }

  async #rather(
    { geometry }: Seen,
    written: Written,
    { class: index, label }: AnswerPrediction,
    rival: Written,
  ): Promise<AnswerExplanation> {
    const question = `${label} rather than ${rival.sentence.text}`;
    const own = { class: index, label, asked: `${index}-against`, question };
    return Object.assign(readMap(await contrast(written, rival), gradCam, question, geometry), own);
  }
}

/** A search keeps as many sentences as answers are wanted. */
const mostAnswers = 25;
