/** @file `gradcam/web`: the library with ONNX Runtime Web, fetched or picked models, and pictures as browsers have them. */

export { rankCorrelation } from "./array/correlation.ts";
export { encodeNpy } from "./array/npy.ts";
export { EveryLayer } from "./explain/every-layer.ts";
export type { Forward } from "./explain/forward.ts";
export { operatorsWithoutRule, pathOf, type Step } from "./explain/path.ts";
export { shuffled, weightsOf } from "./explain/shuffle.ts";
export { assumePreprocess, type KnownPreprocess } from "./image/assume.ts";
export { type Geometry, upsample } from "./image/geometry.ts";
export { fromHuggingFace } from "./image/hugging-face.ts";
export { type Box, box, type Point, peak } from "./image/locate.ts";
export type { Picture, PixelMap } from "./image/picture.ts";
export { type Preprocess, type Preprocessed, preprocess } from "./image/preprocess.ts";
export type { MethodChoice } from "./methods/by-name.ts";
export { defineMethod, type MethodDefinition } from "./methods/define.ts";
export { byImage, flatGrid, layerMethod } from "./methods/layer-map.ts";
export { signatureOf, type TensorSignature } from "./onnx/signature.ts";
export { type BoxMark, drawBoxes } from "./render/boxes.ts";
export { type ColormapName, colormap, colormaps } from "./render/colormap.ts";
export { guidedImage, normalise } from "./render/normalise.ts";
export { heat, opacityAt, overlay } from "./render/overlay.ts";
export {
  type ClassExplanation,
  Classifier,
  type ClassifyOptions,
  type Prediction,
  type Why,
} from "./tasks/classify/classification.ts";
export type {
  ClassifiedSample,
  ClassifiedSample as Look,
  SampleOptions,
  SampleOptions as LookOptions,
} from "./tasks/classify/classified-sample.ts";
export { type FigureRow, figureOf, panelCell, view } from "./tasks/classify/figure.ts";
export type {
  AnswerExplanation,
  Answered,
  Answerer,
  AnswerPrediction,
  QuestionOptions,
} from "./tasks/language/answering.ts";
export type { Captioned, Captioner, CaptionOptions, Sentence, WordExplanation } from "./tasks/language/captioning.ts";
export type { GenerativeAnswerer } from "./tasks/language/generative-answerer.ts";
export { percent } from "./tasks/percent.ts";
export { type PlainWords, plainWords } from "./tasks/plain-words.ts";
export type { ModelReading } from "./tasks/reading.ts";
export { type DecodeOptions, decode, encodePng, fromImageData, type PictureSource, toImageData } from "./web/decode.ts";
export { type DownloadOptions, digest, download } from "./web/download.ts";
export { bundledModel, LoadedClassifier, type LoadOptions, load } from "./web/load.ts";
export {
  bundledAnswerer,
  bundledCaptioner,
  LoadedAnswerer,
  LoadedCaptioner,
  type LoadLanguageOptions,
  loadAnswerer,
  loadCaptioner,
} from "./web/load-language.ts";
export type { ModelSource } from "./web/place.ts";
export {
  type PlacedNode,
  type ProviderNodes,
  type ProviderReport,
  providerReport,
  type ReportOptions,
} from "./web/provider-report.ts";
export { rasterise } from "./web/rasterise.ts";
export type { WebRuntime } from "./web/runtime.ts";
