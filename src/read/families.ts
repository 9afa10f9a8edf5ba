/** @file Families of operators, by what they do to places: the reading of layers, tokens and receptive fields goes by them. */

/** They only put values elsewhere: the same numbers in another order, or under other axes. */
export const rearranging: readonly string[] = ["Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose"];

/** They go element by element. */
export const pointwise: readonly string[] = (
  "Add Sub Mul Div Pow Neg Relu Clip LeakyRelu PRelu Elu Celu Selu Sigmoid HardSigmoid HardSwish Softplus Softsign Tanh Gelu Mish Swish " +
  "Erf Dropout Cast Identity"
).split(" ");

/** They treat the tokens of an axis one by one, where the other operand is a constant or tokens too. */
export const eachAlone: readonly string[] = [
  ...pointwise,
  ..."Sqrt LayerNormalization RMSNormalization BiasGelu FastGelu QuickGelu SimplifiedLayerNormalization".split(" "),
  ..."SkipLayerNormalization QuantizeLinear DequantizeLinear DynamicQuantizeLinear".split(" "),
];

/** Products of matrices, one of which may be weights. */
export const products: ReadonlySet<string> = new Set(
  "MatMul MatMulInteger FusedMatMul MatMulNBits MatMulIntegerToFloat DynamicQuantizeMatMul".split(" "),
);
