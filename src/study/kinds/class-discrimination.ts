/**
 * @file Class discrimination (Selvaraju et al., section 5.1): pictures with exactly two categories; a visualisation of one of them is
 * shown, and "which of the two is depicted?" is asked. The better a method tells classes apart, the more answers are right.
 */
import { accuracy, isRight, type Kind } from "./kind.ts";

export const classDiscrimination: Kind = {
  name: "class-discrimination",
  title: "Which of the two?",
  instructions: [
    "A computer program recognises objects in photographs. For each object it finds, it can draw a picture of what it looked at.",
    "Every photograph here shows two kinds of objects. You see the program's drawing for one of them. Say which of the two it is. If you cannot tell, guess.",
  ],
  models: 1,
  question: () => "Which of the two is depicted?",
  shuffles: "choices",
  score: isRight,
  scale: accuracy,
  paper: { deconvolution: 0.5333, "guided-backprop": 0.4444, "deconv-grad-cam": 0.6037, "guided-grad-cam": 0.6123 },
};
