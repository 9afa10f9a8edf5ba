/**
 * @file Rules for sessions on WebGPU, by operator: those whose adjoint has a node that ONNX Runtime's WebGPU provider takes and then
 * refuses to run. (What it has no kernel for at all, the runtime places on the processor by itself.)
 */
import { maxPoolByComparison } from "../../ops/first-maximum.ts";
import type { Overrides } from "../differentiate.ts";

/** MaxPool: its second output, the places of the maxima, is refused. */
export const webgpu: Overrides = new Map([["MaxPool", maxPoolByComparison]]);
