/** @file The table of operators: ONNX name to what is known of it. An operator that is not here has no gradient. */
import * as activation from "./activation.ts";
import * as attention from "./attention.ts";
import { others } from "./control.ts";
import * as convolution from "./convolution.ts";
import * as einsum from "./einsum.ts";
import * as elementwise from "./elementwise.ts";
import * as indexing from "./indexing.ts";
import * as integer from "./integer.ts";
import * as linear from "./linear.ts";
import * as microsoft from "./microsoft.ts";
import * as normalization from "./normalization.ts";
import type { Op } from "./op.ts";
import * as pooling from "./pooling.ts";
import * as quantization from "./quantization.ts";
import * as recurrent from "./recurrent.ts";
import * as reduction from "./reduction.ts";
import * as resize from "./resize.ts";
import * as sampling from "./sampling.ts";
import * as scatter from "./scatter.ts";
import * as shape from "./shape.ts";

/** Families export their operators under the operators' names; what they share starts with a small letter, or is no operator. */
const families: readonly object[] = [
  activation,
  attention,
  convolution,
  einsum,
  elementwise,
  indexing,
  integer,
  linear,
  normalization,
  pooling,
  quantization,
  recurrent,
  reduction,
  resize,
  sampling,
  scatter,
  shape,
];
const isOp = (entry: [string, unknown]): entry is [string, Op] => /^[A-Z]/.test(entry[0]);
const exported = (family: object): [string, Op][] => Object.entries(family).filter(isOp);

export const operators: ReadonlyMap<string, Op> = new Map<string, Op>([
  ...families.flatMap(exported),
  ...others,
  ...exported(microsoft).map(([name, op]) => [`com.microsoft.${name}`, op] as const),
]);
