/** @file `gradcam/language`: captions and answers explained, on whatever ONNX Runtime the host has. Apart from the core, for it brings a tokenizer. */
export { compose } from "./onnx/compose.ts";
export { readModel } from "./onnx/model.ts";
export { unroll } from "./onnx/unroll.ts";
export {
  type AnswerExplanation,
  type Answered,
  Answerer,
  type AnswererOptions,
  type AnswerPrediction,
  type QuestionOptions,
} from "./tasks/answering.ts";
export {
  type Captioned,
  Captioner,
  type CaptionerOptions,
  type CaptionOptions,
  type Sentence,
  type Token,
  type WordExplanation,
  type WordKind,
} from "./tasks/captioning.ts";
export { GenerativeAnswerer } from "./tasks/generative-answerer.ts";
export { insideOutside, type ReadMap } from "./tasks/map.ts";
export type { Narrator } from "./tasks/narrator.ts";
export { type QuestionReader, sequenceNarrator } from "./tasks/sequence-narrator.ts";
export { type StepNames, stepNarrator } from "./tasks/step-narrator.ts";
export { TextTokenizer, type Word } from "./tasks/tokenizer.ts";
