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
export type { SentenceDecoder, SentenceDecoder as Narrator } from "./tasks/language/decoder.ts";
export { GenerativeAnswerer } from "./tasks/language/generative-answerer.ts";
export {
  type QuestionReader,
  sequenceDecoder,
  sequenceDecoder as sequenceNarrator,
} from "./tasks/language/sequence-decoder.ts";
export { type StepNames, stepDecoder, stepDecoder as stepNarrator } from "./tasks/language/step-decoder.ts";
export type { ReadMap } from "./tasks/raw-map.ts";
