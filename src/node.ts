/** @file `gradcam/node`: the library with Node's ONNX Runtime, files and pictures. */
export { assumePreprocess, type KnownPreprocess } from "./image/assume.ts";
export { fromHuggingFace } from "./image/hugging-face.ts";
export type { Picture, PixelMap } from "./image/picture.ts";
export { type Preprocess, type Preprocessed, preprocess } from "./image/preprocess.ts";
export { decode, encodePng } from "./image/sharp.ts";
export type { MethodChoice } from "./methods/by-name.ts";
export { defineMethod, type MethodDefinition } from "./methods/define.ts";
export { byImage, flatGrid, layerMethod } from "./methods/layer-map.ts";
export { type CompiledFile, type CompileFileOptions, compileFile } from "./node/compile.ts";
export {
  type CompileCaptionerOptions,
  type CompiledCaptioner,
  compileCaptioner,
} from "./node/compile-captioner.ts";
export type { LoadLanguageOptions } from "./node/language.ts";
export {
  type AskOptions,
  bundledModel,
  type LoadedClassifier,
  type LoadOptions,
  load,
  type OpenedModel,
  openFile,
} from "./node/load.ts";
export { bundledAnswerer, type LoadedAnswerer, loadAnswerer } from "./node/load-answerer.ts";
export { bundledCaptioner, type LoadedCaptioner, loadCaptioner } from "./node/load-captioner.ts";
export {
  type PlacedNode,
  type ProviderNodes,
  type ProviderReport,
  providerReport,
  type ReportOptions,
} from "./node/provider-report.ts";
export type { Source } from "./node/samples.ts";
export { type WriteOptions, type WrittenExplanation, writeWhy } from "./node/write.ts";
export {
  type WriteWordsOptions,
  type WrittenMap,
  type WrittenWords,
  writeAnswered,
  writeCaptioned,
} from "./node/write-words.ts";
export { type BoxMark, drawBoxes } from "./render/boxes.ts";
export { guidedImage } from "./render/normalise.ts";
export { heat, overlay } from "./render/overlay.ts";
export type { Signal } from "./signal/signal.ts";
export type {
  ClassExplanation,
  Classifier,
  ClassifyOptions,
  Prediction,
  Why,
} from "./tasks/classify/classification.ts";
export { compareMaps, type MapDifference } from "./tasks/classify/comparison.ts";
export type {
  AnswerExplanation,
  Answered,
  Answerer,
  AnswerPrediction,
  QuestionOptions,
} from "./tasks/language/answering.ts";
export type { Captioned, Captioner, CaptionOptions, Sentence, WordExplanation } from "./tasks/language/captioning.ts";
export type { GenerativeAnswerer } from "./tasks/language/generative-answerer.ts";
export type { ModelReading } from "./tasks/reading.ts";
export type { Kind, Sample } from "./tasks/sample.ts";
