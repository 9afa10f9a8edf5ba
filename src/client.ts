/** @file `gradcam/client`: asks a `gradcam serve` somewhere. No environment is assumed but `fetch`. */
export {
  type CallOptions,
  type Client,
  type ConnectOptions,
  connect,
  mapValues,
  ServerError,
  type Upload,
} from "./client/connect.ts";
export type {
  Answer,
  AskAnswer,
  AskQuestion,
  CaptionAnswer,
  CaptionQuestion,
  Explanation,
  Geometry,
  Mapped,
  MapView,
  ModelCard,
  Models,
  Prediction,
  Problem,
  Question,
  Sentence,
  View,
  WordExplanation,
} from "./client/contract.ts";
