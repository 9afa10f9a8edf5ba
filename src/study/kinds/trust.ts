/**
 * @file Trust (Selvaraju et al., section 5.2): two models that are both right; their visualisations stand side by side, in random order.
 * A faithful method lets people see which of the models is the better one: the mean score for it is above 0.
 */
import type { Kind } from "./kind.ts";

/** From the first picture to the second. */
export const preferences = [
  "Robot A, clearly",
  "Robot A, slightly",
  "Both equally",
  "Robot B, slightly",
  "Robot B, clearly",
] as const;

export const trust: Kind = {
  name: "trust",
  title: "Which robot do you trust?",
  instructions: [
    "Two robots, A and B, were shown the same photograph, and both recognised correctly what is in it. Each drew what it looked at to decide.",
    "Say whose reasons seem better to you, clearly or slightly. The robots swap places at random from one photograph to the next.",
  ],
  models: 2,
  question: ({ subject }) =>
    `Both robots said “${subject}”, and this is what they looked at. Whose reasons are better?`,
  shuffles: "shown",
  // The better model's visualisation is kept first.
  score: (_, answer) => 2 - answer,
  scale: { title: "score for the better model", low: -2, high: 2, fraction: false, chance: () => 0 },
  paper: { "guided-backprop": 1.0, "guided-grad-cam": 1.27 },
};
