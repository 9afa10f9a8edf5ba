/** @file `gradcam`: explanations of ONNX models on whatever ONNX Runtime the host has. No environment is assumed. */

export type { Dense } from "./array/dense.ts";
export { type CheckOptions, checkVjp, type GradientCheck } from "./autodiff/check.ts";
export type { Overrides } from "./autodiff/differentiate.ts";
export { type HvpOptions, type HvpResult, hvp } from "./autodiff/hvp.ts";
export type { Rules } from "./autodiff/rules.ts";
export { type VjpOptions, type VjpResult, vjp } from "./autodiff/vjp.ts";
export { InternalError, UserError, type UserErrorCode } from "./errors.ts";
export type { Explained, ExplainOptions } from "./explain/explain-options.ts";
export type { Explainer, OpenOptions } from "./explain/explainer.ts";
export type { Forward } from "./explain/forward.ts";
export { openExplainer } from "./explain/open.ts";
export type { Target } from "./explain/target.ts";
export type { MethodChoice, MethodName } from "./methods/by-name.ts";
export { defineMethod, type MethodDefinition } from "./methods/define.ts";
export { methods } from "./methods/index.ts";
export { byImage, flatGrid, layerMethod } from "./methods/layer-map.ts";
export type { GivenOptions, LayerMap, LayerParts, Method, MethodOption, Question } from "./methods/method.ts";
export { loadOperators, operators } from "./ops/index.ts";
export type { Call, Op, Rule, Values } from "./ops/op.ts";
export type { Decision, Warning, WarningCode } from "./read/decision.ts";
export type { GraphReading, LayerReading } from "./read/graph.ts";
export type { InputReading } from "./read/inputs.ts";
export type { Layer } from "./read/layers.ts";
export type { Score } from "./read/score.ts";
