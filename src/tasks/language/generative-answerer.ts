/** @file Visual question answering by a model that writes its answers: the likeliest ones, a person's own, and where their words came from. */

import { UserError } from "../../errors.ts";
import type { Picture } from "../../image/picture.ts";
import type { Method } from "../../methods/method.ts";
import { inSteps } from "../asking.ts";
import { inWords } from "../raw-map.ts";
import { checkPicture } from "../sample.ts";
import {
  type AnswerExplanation,
  type Answered,
  type AnswerPrediction,
  checkQuestion,
  type QuestionOptions,
} from "./answering.ts";
import { total } from "./sentence.ts";
import {
  type Prompt,
  type ScoredSentence,
  SentenceModel,
  type SentenceModelOptions,
  type SpanOptions,
  sentenceMethods,
} from "./sentence-model.ts";

/** A model that takes questions. */
export type AnsweringOptions = SentenceModelOptions & Required<Pick<SentenceModelOptions, "asked">>;

/**
 * An open model that writes answers. An answer's score is the logarithm of its probability, that of all of its words and of the end behind
 * them; its class is its place in the list.
 */
export class GenerativeAnswerer extends SentenceModel<AnsweringOptions> {
  /** It has no list of answers. */
  readonly answers: readonly string[] = [];

  /**
   * Answers a question about a picture and explains answers: each as a whole, and word by word.
   * @param options answers are `topN` for the best that a search with at least N beams finds, or a person's words
   * @throws UserError for a question or an answer that is empty, too long or of unknown words, an unknown method or layer.
   */
  async ask(picture: Picture, question: string, options: QuestionOptions = {}): Promise<Answered> {
    checkQuestion(question, options);
    checkPicture(picture);
    const methods = sentenceMethods(options, options.against !== undefined && "answer");
    const { tokenizer } = this.options;
    const asked = this.options.asked(question);
    const prompt = this.prompt(picture, asked);
    const rival = options.against === undefined ? undefined : await answerOf(prompt, String(options.against));
    const { all, explained } = await answersOf(prompt, options);

    const predictions = all.map(
      ({ sentence: { text, tokens, logProbability } }, index): AnswerPrediction => ({
        ...{ class: index, label: text || "(nothing)", tokens },
        ...{ score: logProbability, probability: Math.exp(logProbability) },
      }),
    );
    const explanations = await inSteps(methods, options.onProgress, (method, part) =>
      inSteps(explained, part, async (index, onProgress): Promise<AnswerExplanation[]> => {
        const { label } = predictions[index];
        if (!rival)
          return this.#explained(prompt, all[index], { class: index, label }, method, { ...options, onProgress });
        const words = inWords(label, { against: rival.sentence.text });
        const own = { class: index, label, asked: `${index}-against`, question: words };
        return [await prompt.contrast(all[index], rival, own)];
      }),
    );
    const { geometry } = prompt;
    const tokens = asked.tokens.map((id) => tokenizer.tokenText(id));
    return { kind: "picture", picture, geometry, predictions, explanations, question: question.trim(), tokens };
  }

  /** The answer as a whole, and its words. */
  #explained(
    prompt: Prompt,
    answer: ScoredSentence,
    { class: index, label }: { readonly class: number; readonly label: string },
    method: Method,
    options: SpanOptions,
  ) {
    const { tokens } = answer.sentence;
    const words = this.options.tokenizer.words(answer.ids);
    const spans = [[0, tokens.length] as const, ...words.map(({ from, to }) => [from, to] as const)];
    const own = spans.map((span, i) => {
      const { text } = words[i - 1] ?? {};
      const said =
        text === undefined ? undefined : { text, tokens: span, logProbability: total(tokens.slice(...span)) };
      return {
        ...{ class: index, label, question: inWords(said ? `"${text}" of ${label}` : label, options) },
        asked: `${options.counterfactual ? "not-" : ""}${index}${said ? `-word${i}` : ""}`,
        ...(said && { word: said }),
      };
    });
    return prompt.explain(answer, spans, own, method, options);
  }
}

/** The best answers, those that are given behind them, and the places of those that are to be explained. */
async function answersOf(prompt: Prompt, { answers = ["top1"], beams, signal }: QuestionOptions) {
  const queries = answers.map((query) => String(query).trim());
  const tops = queries.map((query) => Number(/^top(\d+)$/.exec(query)?.[1] ?? 0));
  const count = Math.max(1, ...tops);
  if (count > mostAnswers)
    throw new UserError("unknown-name", `unknown answer: "top${count}"; allowed are top1 to top${mostAnswers}`);
  const all: ScoredSentence[] = [];
  for (const ids of await prompt.generate({ beams, count, signal })) all.push(await prompt.score(ids));
  const found = all.length;
  const explained = new Set<number>();
  for (const [i, query] of queries.entries()) {
    for (let best = 0; best < Math.min(tops[i], found); best++) explained.add(best);
    if (tops[i]) continue;
    const given = await answerOf(prompt, query);
    const known = all.findIndex(({ ids }) => String(ids) === String(given.ids));
    explained.add(known < 0 ? all.push(given) - 1 : known);
  }
  return { all, explained: [...explained] };
}

/** A person's answer. */
const answerOf = (prompt: Prompt, text: string): Promise<ScoredSentence> => prompt.score(prompt.encode(text, "answer"));

/** A search keeps as many sentences as answers are wanted. */
const mostAnswers = 25;
