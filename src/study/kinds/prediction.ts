/**
 * @file Prediction, also called forward simulation (Doshi-Velez and Kim 2017): people say what the model answers, with its explanation
 * and, as a control, without. An explanation that informs makes more of them right. The paper has no such study.
 */
import { accuracy, isRight, type Kind } from "./kind.ts";

/** The condition without an explanation. */
export const control = "none";

export const prediction: Kind = {
  name: "prediction",
  title: "What does the program say?",
  instructions: [
    "A computer program says what is in photographs. It is often right, and often wrong. Sometimes you are also shown which parts of the photograph it looked at.",
    "Say what the program answered: not what is in the photograph, but what you think the program took it for.",
  ],
  models: 1,
  question: ({ condition }) =>
    condition === control
      ? "What does the program say this is?"
      : "The program looked at the parts on the right. What does it say this is?",
  shuffles: "choices",
  score: isRight,
  scale: accuracy,
  paper: {},
};
