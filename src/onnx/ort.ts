/** @file What the package needs of ONNX Runtime: the namespace that `onnxruntime-node`, `-web` and `-react-native` share. */
import type { InferenceSession, InferenceSessionFactory, Tensor, TensorConstructor } from "onnxruntime-common";

/** The host's ONNX Runtime, as imported: `import * as ort from "onnxruntime-node"`. */
export interface Runtime {
  readonly InferenceSession: InferenceSessionFactory;
  readonly Tensor: TensorConstructor;
}

export type Session = InferenceSession;
export type SessionOptions = InferenceSession.SessionOptions;
export type Feeds = Record<string, Tensor>;
export type { Tensor };

/** What a session was made of, or the user's model by itself where it was made of more. Bytes may be made when they are read. */
export interface Origin {
  readonly ort: Runtime;
  readonly model: { readonly bytes: Uint8Array };
  readonly options: SessionOptions;
}
