/** @file Which attentions of a graph can be followed from token to token, and what is said of those that cannot. */
import { describe, expect, onTestFinished, test } from "vitest";
import { attentionsOf } from "../../src/explain/attentions.ts";
import type { NodeProto } from "../../src/onnx/proto.ts";
import { ask, expectUserError, open } from "../explain/ask.ts";
import { floats, ints, model, node } from "../models.ts";
import { images, weights } from "../nets.ts";
import { forms, vit } from "../vit.ts";

async function read(bytes: Uint8Array) {
  const explainer = await open(bytes);
  onTestFinished(() => explainer.release());
  return attentionsOf(explainer);
}

test.each(Object.keys(forms))("attention as %s: two blocks over a class token and a grid", async (form) =>
  expect(await read(vit({ form }))).toMatchObject({ blocks: [{}, {}], count: 17, prefix: 1, grid: [4, 4], read: [0] }),
);

const patches = Array.from({ length: 16 }, (_, i) => i + 1);
const heads: readonly (readonly [string, readonly number[], readonly NodeProto[]])[] = [
  [
    "all tokens, averaged: the class token is among them",
    [0],
    [node("ReduceMean", "z", "mean", { axes: [1], keepdims: 0 })],
  ],
  [
    "the patches, averaged",
    patches,
    [node("Slice", "z one many one", "some"), node("ReduceMean", "some", "mean", { axes: [1], keepdims: 0 })],
  ],
  ["a patch", patches, [node("Gather", "z one", "several", { axis: 1 }), node("Squeeze", "several one", "mean")]],
];
test.each(heads)("a head that reads %s", async (_, tokens, nodes) => {
  const bytes = vit({ head: [...nodes, node("MatMul", "mean head", "logits")] });
  expect((await read(bytes)).read).toEqual(tokens);
});

/** A map [n, 6, 4, 4] and what is done with it, in the scores' shape. */
const net = (nodes: readonly NodeProto[]) =>
  model({
    opset: 13,
    free: ["x"],
    inputs: {
      x: [2, 3, 8, 8],
      ...{
        patch: weights([6, 3, 2, 2], 1),
        qw: weights([6, 6], 2),
        mix: weights([2, 2], 3, 1),
        head: weights([6, 5], 4),
      },
      ...{
        flat: ints([0, 6, 16]),
        windows: ints([-1, 6, 2, 2, 2, 2]),
        each: ints([-1, 4, 6]),
        back: ints([-1, 16, 6]),
      },
      ...{ split: ints([0, 16, 2, 3]), join: ints([0, 16, 6]), probe: floats([1, 0, 0, 0, 1, 0], [1, 1, 6]) },
      ...{ starts: ints([0]), ends: ints([1000]), second: ints([1]), steps: ints([2]) },
    },
    nodes: [node("Conv", "x patch", "map", { kernel_shape: [2, 2], strides: [2, 2] }), ...nodes],
    outputs: ["logits"],
  });
const tokens = [node("Reshape", "map flat", "turned"), node("Transpose", "turned", "t", { perm: [0, 2, 1] })];
const mean = [node("ReduceMean", "y", "mean", { axes: [1], keepdims: 0 }), node("MatMul", "mean head", "logits")];
const attend = (t: string, y: string) => [
  node("MatMul", `${t} qw`, `${y}q`),
  node("Transpose", t, `${y}k`, { perm: [0, 2, 1] }),
  node("MatMul", `${y}q ${y}k`, `${y}s`),
  node("Softmax", `${y}s`, `${y}a`),
  node("MatMul", `${y}a ${t}`, y),
];
const inHeads = (from: string, to: string) => [
  node("Reshape", `${from} split`, `${to}s`),
  node("Transpose", `${to}s`, to, { perm: [0, 2, 1, 3] }),
];

describe("refused in one line:", () => {
  test.each<[string, NodeProto[], RegExp]>([
    [
      "windows",
      [
        node("Reshape", "map windows", "apart"),
        node("Transpose", "apart", "beside", { perm: [0, 2, 4, 3, 5, 1] }),
        node("Reshape", "beside each", "w"),
        ...attend("w", "v"),
        node("Reshape", "v back", "y"),
        ...mean,
      ],
      /"va" attends within windows, or to other tokens than the picture's/,
    ],
    [
      "fewer keys than tokens",
      [
        ...tokens,
        node("Slice", "t starts ends second steps", "half"),
        node("Transpose", "half", "k", { perm: [0, 2, 1] }),
        node("MatMul", "t k", "s"),
        node("Softmax", "s", "a"),
        node("MatMul", "a half", "y"),
        ...mean,
      ],
      /"a" attends within windows, or to other tokens than the picture's/,
    ],
    [
      "heads that are mixed behind the softmax",
      [
        ...tokens,
        ...inHeads("t", "h"),
        node("Transpose", "h", "k", { perm: [0, 1, 3, 2] }),
        node("MatMul", "h k", "s"),
        node("Softmax", "s", "a"),
        node("Transpose", "a", "last", { perm: [0, 2, 3, 1] }),
        node("MatMul", "last mix", "mixed"),
        node("Transpose", "mixed", "first", { perm: [0, 3, 1, 2] }),
        node("MatMul", "first h", "w"),
        node("Transpose", "w", "wt", { perm: [0, 2, 1, 3] }),
        node("Reshape", "wt join", "y"),
        ...mean,
      ],
      /and what "a" weighs cannot be told/,
    ],
    [
      "a pooling attention in front of others",
      [
        ...tokens,
        node("Transpose", "t", "k", { perm: [0, 2, 1] }),
        node("MatMul", "probe k", "ps"),
        node("Softmax", "ps", "pa"),
        node("MatMul", "pa t", "pooled"),
        node("Add", "t pooled", "u"),
        ...attend("u", "y"),
        ...mean,
      ],
      /"pa" has other queries than tokens/,
    ],
  ])("%s", (_, nodes, words) =>
    expectUserError(ask(net(nodes), images(), { method: "attention-rollout", target: 0 }), "invalid-option", words),
  );

  test("blocks that are not alike, of legrad alone", async () => {
    const bytes = net([
      ...tokens,
      ...attend("t", "a1"),
      node("Add", "t a1", "in"),
      node("Tanh", "in", "more"),
      node("Add", "more in", "z1"),
      ...attend("z1", "a2"),
      node("Add", "z1 a2", "y"),
      ...mean,
    ]);
    await ask(bytes, images(), { method: "chefer", target: 0 });
    await expectUserError(
      ask(bytes, images(), { method: "legrad", target: 0 }),
      "invalid-option",
      /blocks of the model are not alike, or fused with what follows; take chefer/,
    );
  });
});

test("an attention that pools the tokens is the last of them", async () => {
  const bytes = net([
    ...tokens,
    ...attend("t", "a1"),
    node("Add", "t a1", "z"),
    node("Transpose", "z", "k", { perm: [0, 2, 1] }),
    node("MatMul", "probe k", "ps"),
    node("Softmax", "ps", "pa"),
    node("MatMul", "pa z", "y"),
    ...mean,
  ]);
  expect(await read(bytes)).toMatchObject({
    blocks: [{ weights: "a1a" }],
    pool: { weights: "pa" },
    count: 16,
    read: [],
  });
});
