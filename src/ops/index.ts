/** @file The table of operators: ONNX name to what is known of it. An operator that is not here has no gradient. */
import * as activation from "./activation.ts";
import * as convolution from "./convolution.ts";
import * as elementwise from "./elementwise.ts";
import * as indexing from "./indexing.ts";
import * as linear from "./linear.ts";
import * as normalization from "./normalization.ts";
import { type Op, zero } from "./op.ts";
import * as pooling from "./pooling.ts";
import * as quantization from "./quantization.ts";
import * as reduction from "./reduction.ts";
import * as resize from "./resize.ts";
import * as shape from "./shape.ts";

const comparisons = "Equal Greater GreaterOrEqual Less LessOrEqual And Or Not Xor IsNaN IsInf Hardmax".split(" ");

export const operators: ReadonlyMap<string, Op> = new Map<string, Op>([
  ...Object.entries<Op>({
    ...activation,
    ...convolution,
    ...elementwise,
    ...indexing,
    ...linear,
    ...normalization,
    ...pooling,
    ...quantization,
    ...reduction,
    ...resize,
    ...shape,
  }),
  ...comparisons.map((name) => [name, zero] as const),
]);
