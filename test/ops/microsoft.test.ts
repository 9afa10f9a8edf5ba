import { float } from "../../src/onnx/proto.ts";
import { fed, floats, int32s, ints, type Values, withFloats } from "../models.ts";
import { checkRule, type Options } from "./rules.ts";

const at = (name: string) => `com.microsoft.${name}`;
const opsets = [11, 17, 20];

checkRule(at("Gelu"), { opsets, free: ["x"] }, { exact: [{ x: [2, 5] }] });
checkRule(at("BiasGelu"), { opsets, free: ["x"] }, { bias: [{ x: [2, 3, 5], b: [5] }] });
checkRule(at("FastGelu"), { opsets, free: ["x"] }, { plain: [{ x: [2, 5] }], bias: [{ x: [2, 3, 5], b: [5] }] });
checkRule(
  at("QuickGelu"),
  { opsets, free: ["x"] },
  { plain: [{ x: [2, 5] }], "alpha 1": [{ x: [2, 5] }, { alpha: float(1) }] },
);

const product: Options = { opsets: [13], linear: true };
checkRule(at("FusedMatMul"), product, {
  plain: [{ a: [2, 3], b: [3, 4] }, {}, { free: ["a"] }],
  alpha: [{ a: [2, 3, 4], b: [4, 5] }, { alpha: float(0.3) }, { free: ["a"] }],
  transposed: [
    { a: [2, 4, 3], b: [2, 5, 4] },
    { transA: 1, transB: 1 },
  ],
  "transposed, a repeated matrix": [{ a: [2, 3, 4], b: [5, 4] }, { transB: 1 }],
  "batch axes": [{ a: [2, 2, 2], b: [2, 2, 2] }, { transBatchA: 1 }, { refuses: "batch" }],
});

// Of four channels two lie well within the bounds or above 0, and two beyond or below: a step crosses no kink.
const image = { x: [2, 3, 5, 4], w: [4, 3, 3, 3], b: floats([3, -3, 9, -9]) };
const small: Values = (normal) => normal.map((v) => v * 0.2);
const attributes = { pads: [1, 1, 1, 1] };
for (const [activation, params] of [
  ["Relu", []],
  ["Sigmoid", []],
  ["Tanh", []],
  ["LeakyRelu", [0.2]],
  ["Clip", [-6, 6]],
  ["HardSigmoid", [0.05, 0.5]],
] as const)
  checkRule(
    at("FusedConv"),
    {
      opsets: [13],
      values: small,
      free: ["x"],
      change: (node) => (params.length ? withFloats(node, "activation_params", [...params]) : node),
    },
    { [activation]: [image, { ...attributes, activation }] },
  );
checkRule(
  at("FusedConv"),
  { opsets: [13], values: small },
  {
    "sum with z": [
      { ...image, z: [2, 4, 5, 4] },
      { ...attributes, activation: "Relu" },
    ],
    "sum with z alone": [{ ...image, z: [2, 4, 5, 4] }, attributes],
  },
);

const norm = { x: [2, 3, 6], skip: [2, 3, 6], gamma: [6] };
checkRule(
  at("SkipLayerNormalization"),
  { opsets, free: ["x", "skip"] },
  {
    plain: [norm],
    "beta and bias": [{ ...norm, beta: [6], bias: [6] }, { epsilon: float(1e-3) }],
  },
);
checkRule(
  at("SkipSimplifiedLayerNormalization"),
  { opsets, free: ["x", "skip"] },
  {
    plain: [norm],
    bias: [{ ...norm, bias: [6] }, { epsilon: float(1e-3) }],
  },
);
checkRule(
  "SimplifiedLayerNormalization",
  { opsets: [13, 17], free: ["x"] },
  {
    plain: [{ x: [2, 3, 6], gamma: [6] }, { epsilon: float(1e-5) }],
  },
);

const self = { x: [2, 4, 6], w: [6, 24], b: [24] };
checkRule(
  at("Attention"),
  { opsets: [13, 17], free: ["x"] },
  {
    plain: [self, { num_heads: 2 }],
    unidirectional: [self, { num_heads: 2, unidirectional: 1 }],
    mask: [{ ...self, mask: fed(int32s([1, 1, 1, 0, 1, 1, 0, 0], [2, 4])) }, { num_heads: 2 }, { free: ["x", "mask"] }],
    "added bias": [
      { ...self, mask: undefined, past: undefined, more: [2, 2, 4, 4] },
      { num_heads: 2 },
      { free: [], most: 2e-2 },
    ],
    sizes: [
      { x: [2, 4, 6], w: [6, 20], b: [20] },
      { num_heads: 2, qkv_hidden_sizes: [8, 8, 4] },
    ],
    scale: [self, { num_heads: 2, scale: float(0.2) }],
  },
);
const parts = { q: [2, 3, 8], k: [2, 5, 8], v: [2, 5, 8] };
checkRule(
  at("MultiHeadAttention"),
  { opsets: [13, 17], free: ["q", "k", "v"] },
  {
    plain: [parts, { num_heads: 2 }],
    bias: [{ ...parts, b: [24] }, { num_heads: 2 }],
    scale: [parts, { num_heads: 2, scale: float(0.2) }],
    "keys in heads": [{ q: [2, 3, 8], k: [2, 2, 5, 4], v: [2, 2, 5, 4] }, { num_heads: 2 }],
    mask: [
      { ...parts, b: undefined, mask: fed(int32s([1, 1, 1, 0, 1, 1, 1, 0, 0, 0], [2, 5])) },
      { num_heads: 2 },
      { free: [], most: 2e-2 },
    ],
    "added bias": [{ ...parts, b: undefined, mask: undefined, more: [2, 2, 3, 5] }, { num_heads: 2 }, { free: [] }],
  },
);
const caches = { cos: [5, 2], sin: [5, 2] };
const ids = ints([0, 1, 2, 3, 1, 0], [2, 3]);
checkRule(
  at("RotaryEmbedding"),
  { opsets: [13, 17], linear: true, wrt: ["x"] },
  {
    "three axes": [{ x: [2, 3, 12], ids, ...caches }],
    interleaved: [{ x: [2, 3, 12], ids, ...caches }, { interleaved: 1 }],
    "four axes": [{ x: [2, 3, 3, 4], ids, ...caches }],
    "the first position": [{ x: [2, 3, 12], ids: ints([1]), ...caches }],
  },
);
