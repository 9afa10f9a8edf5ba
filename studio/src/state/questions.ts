/** @file Questions about the picture: asked whenever they, or what they are about, change. */
import { batch, effect } from "@preact/signals";
import type { Seen } from "../engine/contract.ts";
import { call } from "./engine.ts";
import { latest } from "./latest.ts";
import { isAlive } from "./lifecycle.ts";
import { complain } from "./notices.ts";
import type { Answered } from "./studio.ts";
import * as studio from "./studio.ts";

/** Answers come from here on whenever the question, or what it is about, changes. */
export function followQuestions(): void {
  const ask = latest(async ({ question, seen }: Omit<Answered, "answer">) => {
    try {
      const slow = (done: number) => {
        studio.asking.value = done;
      };
      const answer = await call("explain", question, { onProgress: ({ done }) => slow(done) });
      isAlive();
      batch(() => {
        const known = answer.prediction ? withScore(seen, question.class, answer.prediction) : seen;
        studio.answer.value = { question, seen: known, answer };
        if (studio.seen.value === seen) studio.seen.value = known;
      });
    } catch (error) {
      complain(error, { again: () => void ask({ question, seen }) });
    }
    studio.asking.value = undefined;
  });
  effect(() => {
    const [question, seen] = [studio.question.value, studio.seen.value];
    if (seen && question) ask({ question, seen });
  });
}

function withScore(seen: Seen, index: number, { score, probability }: { score: number; probability: number }): Seen {
  const [scores, probabilities] = [seen.scores.slice(), seen.probabilities.slice()];
  [scores[index], probabilities[index]] = [score, probability];
  return { ...seen, scores, probabilities };
}
