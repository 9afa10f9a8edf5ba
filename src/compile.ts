/** @file `gradcam/compile`: one ONNX file that predicts and explains. Apart from the core, for whoever explains does not compile. */
export { type CompileOptions, compile } from "./explain/compile.ts";
