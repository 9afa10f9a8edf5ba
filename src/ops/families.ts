/**
 * @file The index of the families on demand: which file holds which operator. They are what few vision models have; what most
 * have is in the table from the start (index.ts).
 */

export interface Family {
  /** The operators that the file exports. */
  readonly names: string;
  /** Of a domain that is not the standard's. */
  readonly domain?: string;
  /** Operators of other families that its own are put together of: their rules are loaded with it. */
  readonly uses?: string;
  readonly load: () => Promise<object>;
}

export const onDemand: readonly Family[] = [
  { names: "Attention RotaryEmbedding", load: () => import("./attention.ts") },
  { names: "If", load: () => import("./branches.ts") },
  { names: "Col2Im DepthToSpace SpaceToDepth", load: () => import("./blocks.ts") },
  { names: "Det", load: () => import("./determinant.ts") },
  { names: "Einsum", load: () => import("./einsum.ts") },
  {
    names: "QLinearConv QLinearMatMul ConvInteger MatMulInteger DynamicQuantizeLinear",
    load: () => import("./integer.ts"),
  },
  { names: "NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss", load: () => import("./loss.ts") },
  { names: "Loop Scan", load: () => import("./loops.ts") },
  { names: "LpNormalization LpPool GlobalLpPool", load: () => import("./lp.ts") },
  { names: "LRN", load: () => import("./lrn.ts") },
  { names: "MaxRoiPool", load: () => import("./max-roi-pool.ts") },
  {
    names:
      "Gelu BiasGelu FastGelu QuickGelu FusedConv FusedGemm FusedMatMul SkipLayerNormalization SkipSimplifiedLayerNormalization Attention MultiHeadAttention RotaryEmbedding",
    domain: "com.microsoft",
    load: () => import("./microsoft.ts"),
  },
  {
    names:
      "QuantizeLinear DequantizeLinear QLinearAdd QLinearMul QLinearSigmoid QLinearLeakyRelu QLinearSoftmax QLinearConv NhwcMaxPool QLinearAveragePool QLinearGlobalAveragePool QLinearConcat QGemm MatMulIntegerToFloat DynamicQuantizeMatMul",
    domain: "com.microsoft",
    load: () => import("./microsoft-quantized.ts"),
  },
  { names: "MatMulNBits MatMulBnb4", domain: "com.microsoft", load: () => import("./microsoft-blocks.ts") },
  { names: "QuantizeLinear DequantizeLinear", load: () => import("./quantization.ts") },
  { names: "RNN GRU LSTM", load: () => import("./recurrent.ts") },
  { names: "Resize Upsample", load: () => import("./resize.ts") },
  { names: "GridSample", uses: "ScatterElements", load: () => import("./grid-sample.ts") },
  { names: "AffineGrid RoiAlign DeformConv", load: () => import("./sampling.ts") },
  {
    names:
      "Scatter ScatterElements ScatterND TopK Compress Unique ReverseSequence MaxUnpool CenterCropPad TensorScatter",
    load: () => import("./scatter.ts"),
  },
  { names: "DFT STFT", load: () => import("./signal.ts") },
  { names: "ConvTranspose", load: () => import("./transposed-convolution.ts") },
  { names: "Sin Cos Tan Asin Acos Atan Sinh Cosh Asinh Acosh Atanh", load: () => import("./trigonometry.ts") },
  { names: "Celu Selu Softsign ThresholdedRelu Shrink Mish Swish", load: () => import("./uncommon-activation.ts") },
  { names: "Inverse", domain: "com.microsoft", load: () => import("./inverse.ts") },
];

/** The names of a family's operators in the table. */
export const namesOf = ({ names, domain }: Family): string[] =>
  names.split(" ").map((name) => (domain ? `${domain}.${name}` : name));
