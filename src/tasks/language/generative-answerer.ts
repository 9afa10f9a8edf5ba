/** @file Visual question answering by a model that writes its answers: the likeliest ones, a person's own, and where their words came from. */

import { UserError } from "../../errors.ts";
import type { Picture } from "../../image/picture.ts";
import { inSteps } from "../asking.ts";
import { parseQuestion, refuseQuestion } from "../questions.ts";
import { inWords } from "../raw-map.ts";
import { checkPicture } from "../sample.ts";
import {
  type AnswerExplanation,
  type Answered,
  type AnswerPrediction,
  checkQuestion,
  type QuestionOptions,
} from "./answering.ts";
import type { ScoredSentence, SentencePart } from "./sentence.ts";
import { type Prompt, SentenceModel, type SentenceModelOptions, sentenceMethods } from "./sentence-model.ts";

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
    const methods = await sentenceMethods(options, options.against !== undefined && "answer");
    const { tokenizer } = this.options;
    const asked = this.options.asked(question);
    const prompt = this.prompt(picture, asked);
    const rival = options.against === undefined ? undefined : await answerOf(prompt, String(options.against));
    const { all, explained } = await answersOf(prompt, options);

    const predictions = all.map(
      ({ whole: { text: label, logProbability: score }, sentence: { tokens } }, index): AnswerPrediction => ({
        ...{ class: index, label, tokens, score, probability: Math.exp(score) },
      }),
    );
    const explanations = await inSteps(methods, options.onProgress, (method, part) =>
      inSteps(explained, part, async ([index, answer], onProgress): Promise<AnswerExplanation[]> => {
        const { whole, words } = answer;
        const { counterfactual } = options;
        const target = counterfactual ? `not:class:${whole.text}` : `class:${whole.text}`;
        const own = { class: index, label: whole.text, target };
        if (rival) {
          const question = inWords(whole.text, { against: rival.sentence.text });
          const target = `class:${whole.text} ~ class:${rival.sentence.text}`;
          return [await prompt.contrast(answer, rival, { ...own, target, asked: `${index}-against`, question })];
        }
        const asked = `${counterfactual ? "not-" : ""}${index}`;
        const ofPart = (word: SentencePart, i: number) => {
          if (word === whole) return { ...own, asked, question: inWords(whole.text, { counterfactual }) };
          const question = inWords(`"${word.text}" of ${whole.text}`, { counterfactual });
          return { ...own, target: `word:${word.text}`, asked: `${asked}-word${i}`, question, word };
        };
        return prompt.explain(answer, [whole, ...words], ofPart, method, { ...options, onProgress });
      }),
    );
    const { geometry } = prompt;
    const tokens = asked.tokens.map((id) => tokenizer.tokenText(id));
    return { kind: "picture", picture, geometry, predictions, explanations, question: question.trim(), tokens };
  }
}

/** The best answers, those that are given behind them, and the places of those that are to be explained. */
async function answersOf(prompt: Prompt, { answers, targets = [], beams, signal }: QuestionOptions) {
  const asked = [...(answers ?? (targets.length ? [] : ["top1"])), ...targets.map(answerAsked)];
  const queries = asked.map((query) => String(query).trim());
  const tops = queries.map((query) => Number(/^top(\d+)$/.exec(query)?.[1] ?? 0));
  const count = Math.max(1, ...tops);
  if (count > mostAnswers)
    throw new UserError("unknown-name", `unknown answer: "top${count}"; allowed are top1 to top${mostAnswers}`);
  const all: ScoredSentence[] = [];
  for (const ids of await prompt.generate({ beams, count, signal })) all.push(await prompt.score(ids));
  const best = [...all];
  const explained = new Set<ScoredSentence>();
  for (const [i, query] of queries.entries()) {
    for (const answer of best.slice(0, tops[i])) explained.add(answer);
    if (tops[i]) continue;
    const given = await answerOf(prompt, query);
    const known = all.find(({ ids }) => String(ids) === String(given.ids));
    if (!known) all.push(given);
    explained.add(known ?? given);
  }
  return { all, explained: [...explained].map((answer) => [all.indexOf(answer), answer] as const) };
}

/** The answer that a question is about. */
function answerAsked(target: string): string {
  const question = parseQuestion(target);
  const { kind, of, rather, opposite } = question;
  if (kind !== "class" || rather || opposite)
    refuseQuestion(question, ["class:…, words of an answer", "class:topN", "and --against or --counterfactual"]);
  return of;
}

const answerOf = (prompt: Prompt, text: string): Promise<ScoredSentence> => prompt.score(prompt.encode(text, "answer"));

/** A search keeps as many sentences as answers are wanted. */
const mostAnswers = 25;
