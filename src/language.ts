/** @file `gradcam/language`: captions and answers explained, on whatever ONNX Runtime the host has. Apart from the core, for it brings a tokenizer. */

export { insideOutside } from "./image/inside-outside.ts";
export { compose } from "./onnx/compose.ts";
export { readModel } from "./onnx/model.ts";
export { unroll } from "./onnx/unroll.ts";
export { TextTokenizer, type Word } from "./tasks/formats/tokenizer.ts";
export {
  type AnswerExplanation,
  type Answered,
  Answerer,
  type AnswererOptions,
  type AnswerPrediction,
  type QuestionOptions,
} from "./tasks/language/answering.ts";
export {
  type Captioned,
  Captioner,
  type CaptionerOptions,
  type CaptionOptions,
  type Sentence,
  type Token,
  type WordExplanation,
  type WordKind,
} from "./tasks/language/captioning.ts";
export { GenerativeAnswerer } from "./tasks/language/generative-answerer.ts";
export type { Narrator } from "./tasks/language/narrator.ts";
export { type QuestionReader, sequenceNarrator } from "./tasks/language/sequence-narrator.ts";
export { type StepNames, stepNarrator } from "./tasks/language/step-narrator.ts";
export type { ReadMap } from "./tasks/map.ts";
