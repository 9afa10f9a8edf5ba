/** @file A small vision transformer with random weights, its attention written in the ways in which files have it. */
import { changed, type NodeProto } from "../src/onnx/proto.ts";
import { floats, ints, model, node, type Sources } from "./models.ts";
import { weights } from "./nets.ts";

const microsoft = (made: NodeProto): NodeProto => changed(made, { domain: "com.microsoft" });

/** [n, 17, 6] in two heads, [n, 2, 17, 3]; and back. The names of a block begin with `b`. */
const heads = (from: string, to: string) => [
  node("Reshape", `${from} split`, `${to}s`),
  node("Transpose", `${to}s`, to, { perm: [0, 2, 1, 3] }),
];
const joined = (b: string) => [
  node("Transpose", `${b}w`, `${b}wt`, { perm: [0, 2, 1, 3] }),
  node("Reshape", `${b}wt join`, `${b}y`),
];
const scores = (b: string) => [
  ...heads(`${b}q`, `${b}qh`),
  ...heads(`${b}k`, `${b}kh`),
  ...heads(`${b}v`, `${b}vh`),
  node("Transpose", `${b}kh`, `${b}kt`, { perm: [0, 1, 3, 2] }),
  node("MatMul", `${b}qh ${b}kt`, `${b}qk`),
  node("Mul", `${b}qk scale`, `${b}scores`),
];

export const forms: Readonly<Record<string, { readonly opset: number; readonly nodes: (b: string) => NodeProto[] }>> = {
  "softmax and products": {
    opset: 13,
    nodes: (b) => [
      ...scores(b),
      node("Softmax", `${b}scores`, `${b}a`),
      node("MatMul", `${b}a ${b}vh`, `${b}w`),
      ...joined(b),
    ],
  },
  "before operator set 13": {
    opset: 11,
    nodes: (b) => [
      ...scores(b),
      node("Softmax", `${b}scores`, `${b}a`, { axis: 3 }),
      node("MatMul", `${b}a ${b}vh`, `${b}w`),
      ...joined(b),
    ],
  },
  "products by Einsum": {
    opset: 13,
    nodes: (b) => [
      ...scores(b),
      node("Softmax", `${b}scores`, `${b}a`),
      node("Einsum", `${b}a ${b}vh`, `${b}w`, { equation: "bhij,bhjd->bhid" }),
      ...joined(b),
    ],
  },
  "values first, weights turned": {
    opset: 13,
    nodes: (b) => [
      ...scores(b),
      node("Softmax", `${b}scores`, `${b}a`),
      node("Transpose", `${b}a`, `${b}at`, { perm: [0, 1, 3, 2] }),
      node("Transpose", `${b}vh`, `${b}vt`, { perm: [0, 1, 3, 2] }),
      node("MatMul", `${b}vt ${b}at`, `${b}wx`),
      node("Transpose", `${b}wx`, `${b}w`, { perm: [0, 1, 3, 2] }),
      ...joined(b),
    ],
  },
  "values first, in one operator": {
    opset: 13,
    nodes: (b) => [
      ...scores(b),
      node("Softmax", `${b}scores`, `${b}a`),
      node("Transpose", `${b}vh`, `${b}vt`, { perm: [0, 1, 3, 2] }),
      microsoft(node("FusedMatMul", `${b}vt ${b}a`, `${b}wx`, { transB: 1 })),
      node("Transpose", `${b}wx`, `${b}w`, { perm: [0, 1, 3, 2] }),
      ...joined(b),
    ],
  },
  "a softmax that may be NaN": {
    opset: 13,
    nodes: (b) => [
      ...scores(b),
      node("Softmax", `${b}scores`, `${b}soft`),
      node("IsNaN", `${b}soft`, `${b}nan`),
      node("Where", `${b}nan no ${b}soft`, `${b}a`),
      node("MatMul", `${b}a ${b}vh`, `${b}w`),
      ...joined(b),
    ],
  },
  "images and heads as one axis": {
    opset: 13,
    nodes: (b) => [
      ...scores(b),
      node("Reshape", `${b}scores rows`, `${b}three`),
      node("Softmax", `${b}three`, `${b}a`),
      node("Reshape", `${b}vh vrows`, `${b}v3`),
      node("MatMul", `${b}a ${b}v3`, `${b}w3`),
      node("Reshape", `${b}w3 apart`, `${b}w`),
      ...joined(b),
    ],
  },
  "Attention, the standard's": {
    opset: 23,
    nodes: (b) => [node("Attention", `${b}q ${b}k ${b}v`, `${b}y`, { q_num_heads: 2, kv_num_heads: 2 })],
  },
  "Attention of four axes": {
    opset: 23,
    nodes: (b) => [
      ...heads(`${b}q`, `${b}qh`),
      ...heads(`${b}k`, `${b}kh`),
      ...heads(`${b}v`, `${b}vh`),
      node("Attention", `${b}qh ${b}kh ${b}vh`, `${b}w`),
      ...joined(b),
    ],
  },
  MultiHeadAttention: {
    opset: 13,
    nodes: (b) => [microsoft(node("MultiHeadAttention", `${b}q ${b}k ${b}v`, `${b}y`, { num_heads: 2 }))],
  },
  "com.microsoft.Attention": {
    opset: 13,
    nodes: (b) => [microsoft(node("Attention", `${b}n ${b}qkv ${b}bias`, `${b}y`, { num_heads: 2 }))],
  },
};

export interface VitPlan {
  readonly form?: keyof typeof forms;
  readonly free?: readonly string[];
  readonly blocks?: number;
  /** What is between the last block's tokens "z" and the scores "logits". */
  readonly head?: readonly NodeProto[];
  readonly outputs?: readonly string[];
}

/** The head that takes the class token. */
const classHead = [node("Gather", "z zero", "picked", { axis: 1 }), node("MatMul", "picked head", "logits")];

/** Pictures [n, 3, 8, 8] in patches of 2: 16 tokens behind a class token, of 6 channels; blocks of attention and a perceptron; 5 classes. */
export function vit({
  form = "softmax and products",
  free = ["x"],
  blocks = 2,
  head = classHead,
  outputs,
}: VitPlan = {}): Uint8Array {
  const { opset, nodes } = forms[form] as (typeof forms)[string];
  const named = Array.from({ length: blocks }, (_, i) => `b${i}`);
  const streams = ["tokens", ...named.slice(1).map((b) => `${b}in`), "z"];
  const block = (b: string, i: number) => [
    node("Mul", `${streams[i]} ${b}gain`, `${b}n`),
    ...(form === "com.microsoft.Attention"
      ? []
      : ["q", "k", "v"].flatMap((p) => [
          node("MatMul", `${b}n ${b}${p}w`, `${b}${p}m`),
          node("Add", `${b}${p}m ${b}${p}b`, `${b}${p}`),
        ])),
    ...nodes(b),
    node("MatMul", `${b}y ${b}ow`, `${b}o`),
    node("Add", `${streams[i]} ${b}o`, `${b}mid`),
    node("MatMul", `${b}mid ${b}up`, `${b}wide`),
    node("Tanh", `${b}wide`, `${b}active`),
    node("MatMul", `${b}active ${b}down`, `${b}narrow`),
    node("Add", `${b}mid ${b}narrow`, streams[i + 1] as string),
  ];
  const of = (b: string, i: number): Sources => {
    const seed = 20 * (i + 1);
    const parts = ["q", "k", "v"].map((_, j) => weights([6, 6], seed + j, 0.6));
    const biases = ["q", "k", "v"].map((_, j) => weights([6], seed + 3 + j, 0.3));
    const columns = Array.from({ length: 6 }, (_, row) =>
      parts.flatMap(({ values }) => values.slice(6 * row, 6 * row + 6)),
    ).flat();
    const own = Object.fromEntries(
      ["q", "k", "v"].flatMap((p, j) => [
        [`${b}${p}w`, parts[j]],
        [`${b}${p}b`, biases[j]],
      ]),
    );
    return {
      ...own,
      ...{ [`${b}qkv`]: floats(columns, [6, 18]), [`${b}bias`]: floats(biases.flatMap(({ values }) => values)) },
      ...{ [`${b}gain`]: weights([6], seed + 7, 1), [`${b}ow`]: weights([6, 6], seed + 8, 0.7) },
      ...{ [`${b}up`]: weights([6, 9], seed + 9, 0.5), [`${b}down`]: weights([9, 6], seed + 10, 0.5) },
    };
  };
  return model({
    opset,
    ir: opset > 20 ? 10 : 8,
    free,
    inputs: {
      x: [2, 3, 8, 8],
      ...{ patch: weights([6, 3, 2, 2], 1), class: weights([1, 1, 6], 2, 1), head: weights([6, 5], 3, 0.8) },
      ...{
        flat: ints([0, 6, 16]),
        split: ints([0, 17, 2, 3]),
        join: ints([0, 17, 6]),
        zero: ints(0),
        one: ints([1]),
        no: floats(0),
        many: ints([17]),
      },
      ...{ rows: ints([-1, 17, 17]), vrows: ints([-1, 17, 3]), apart: ints([-1, 2, 17, 3]) },
      ...{ scale: floats(1 / Math.sqrt(3)), nothing: floats([0]), axes: ints([1]) },
      ...Object.assign({}, ...named.map(of)),
    },
    nodes: [
      node("Conv", "x patch", "map", { kernel_shape: [2, 2], strides: [2, 2] }),
      node("Reshape", "map flat", "turned"),
      node("Transpose", "turned", "patches", { perm: [0, 2, 1] }),
      // As many class tokens as pictures.
      node("ReduceSum", opset >= 13 ? "patches axes" : "patches", "sums", opset >= 13 ? {} : { axes: [1] }),
      node("Mul", "sums nothing", "zeros"),
      node("Add", "zeros class", "first"),
      node("Concat", "first patches", "tokens", { axis: 1 }),
      ...named.flatMap(block),
      ...head,
    ],
    outputs: outputs ?? ["logits"],
  });
}
