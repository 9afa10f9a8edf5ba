import { float } from "../../src/onnx/proto.ts";
import { bools, fed, ints } from "../models.ts";
import { checkRule, type Options } from "./rules.ts";

const qkv = { q: [2, 4, 3, 5], k: [2, 4, 6, 5], v: [2, 4, 6, 7] };
const flat = { q: [2, 3, 8], k: [2, 6, 8], v: [2, 6, 8] };
const heads = { q_num_heads: 4, kv_num_heads: 4 };
const free: Options = { free: ["q", "k", "v"] };
checkRule(
  "Attention",
  { opsets: [23, 24] },
  {
    "four axes": [qkv, {}, free],
    "three axes": [flat, heads, free],
    scale: [qkv, { scale: float(0.3) }],
    causal: [{ q: [2, 4, 5, 3], k: [2, 4, 5, 3], v: [2, 4, 5, 3] }, { is_causal: 1 }, free],
    "causal, fewer queries": [qkv, { is_causal: 1 }],
    "added mask": [{ ...qkv, mask: [3, 6] }],
    "mask of each head": [{ ...qkv, mask: [2, 4, 3, 6] }],
    "truth mask": [{ ...qkv, mask: bools([1, 1, 0, 1, 1, 0, 1, 0, 0, 1, 1, 1, 0, 1, 1, 0, 1, 1], [3, 6]) }],
    softcap: [qkv, { softcap: float(1.5) }],
    "softcap and mask": [{ ...qkv, mask: [3, 6] }, { softcap: float(1.5) }],
    "grouped queries": [{ q: [2, 4, 3, 5], k: [2, 2, 6, 5], v: [2, 2, 6, 5] }, {}, free],
    "grouped queries, three axes": [
      { q: [2, 3, 8], k: [2, 6, 4], v: [2, 6, 4] },
      { q_num_heads: 4, kv_num_heads: 2 },
    ],
    past: [{ ...qkv, mask: undefined, pk: [2, 4, 2, 5], pv: [2, 4, 2, 7] }, {}, { outputs: 3 }],
    "past, causal": [{ ...qkv, mask: undefined, pk: [2, 4, 2, 5], pv: [2, 4, 2, 7] }, { is_causal: 1 }, { outputs: 3 }],
    "scores, before the mask": [
      { ...qkv, mask: [3, 8], pk: [2, 4, 2, 5], pv: [2, 4, 2, 7] },
      { qk_matmul_output_mode: 0 },
      { outputs: 4 },
    ],
    "scores, masked": [
      { ...qkv, mask: [3, 8], pk: [2, 4, 2, 5], pv: [2, 4, 2, 7] },
      { qk_matmul_output_mode: 1 },
      { outputs: 4 },
    ],
    "scores, capped": [
      { ...qkv, mask: [3, 8], pk: [2, 4, 2, 5], pv: [2, 4, 2, 7] },
      { qk_matmul_output_mode: 2, softcap: float(1.5) },
      { outputs: 4 },
    ],
    "scores, masked, softcap": [
      { ...qkv, mask: [3, 8], pk: [2, 4, 2, 5], pv: [2, 4, 2, 7] },
      { qk_matmul_output_mode: 1, softcap: float(1.5) },
      { outputs: 4 },
    ],
    "scores, softmax": [
      { ...qkv, mask: [3, 8], pk: [2, 4, 2, 5], pv: [2, 4, 2, 7] },
      { qk_matmul_output_mode: 3 },
      { outputs: 4 },
    ],
    lengths: [
      { ...qkv, mask: undefined, pk: undefined, pv: undefined, lengths: fed(ints([4, 6])) },
      {},
      { opsets: [24] },
    ],
  },
);

const ids = ints([0, 1, 2, 3, 1, 0], [2, 3]);
const caches = { cos: [5, 2], sin: [5, 2] };
checkRule(
  "RotaryEmbedding",
  { opsets: [23], linear: true },
  {
    "four axes": [{ x: [2, 3, 3, 4], ...caches, ids }],
    interleaved: [{ x: [2, 3, 3, 4], ...caches, ids }, { interleaved: 1 }],
    "three axes": [{ x: [2, 3, 12], ...caches, ids }, { num_heads: 3 }],
    "part of each head": [{ x: [2, 3, 3, 6], ...caches, ids }, { rotary_embedding_dim: 4 }],
    "without positions": [{ x: [2, 3, 3, 4], cos: [2, 3, 2], sin: [2, 3, 2] }],
  },
);
