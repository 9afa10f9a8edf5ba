/** @file Relevance: what is conserved, what is one operator whatever it is written as, and what is refused by name. */
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import type { Overrides } from "../../src/autodiff/differentiate.ts";
import { tableOf } from "../../src/autodiff/relevance/composites.ts";
import { relevance } from "../../src/autodiff/relevance/table.ts";
import {
  alphaBetaRule,
  boxRule,
  epsilonRule,
  flatRule,
  gammaRule,
  type WeightRule,
  wSquareRule,
  zPlusRule,
} from "../../src/autodiff/relevance/weight-rules.ts";
import { excitation } from "../../src/autodiff/rules.ts";
import { vjp } from "../../src/autodiff/vjp.ts";
import { float, type NodeProto } from "../../src/onnx/proto.ts";
import { apart, expectUserError, numbers } from "../explain/ask.ts";
import { floats, ints, model, node, randomFeeds, type Sources } from "../models.ts";
import { weights } from "../nets.ts";
import { session } from "../ops/rules.ts";

const tiny = 1e-9;
const by = (rule: WeightRule, products: "signal" | "uniform" = "signal"): Overrides =>
  relevance({ convolution: rule, dense: rule, products, epsilon: tiny, scored: true });
const epsilon = by(epsilonRule(tiny));
const uniform = by(epsilonRule(tiny), "uniform");
const rules: Record<string, WeightRule> = {
  epsilon: epsilonRule(tiny),
  gamma: gammaRule(0.25),
  "alpha 2, beta 1": alphaBetaRule(2),
  "z+": zPlusRule,
  flat: flatRule,
  "w-square": wSquareRule,
  box: boxRule(-4, 4),
};

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

/** A network of a tensor x, whose last output is the score. */
interface Net {
  readonly x: readonly number[];
  readonly nodes: readonly NodeProto[];
  readonly constants?: Sources;
  readonly opset?: number;
}

async function handed({ x, nodes, constants = {}, opset = 17 }: Net, rulesOf: Overrides | "excitation", wrt = "x") {
  const output = nodes.at(-1)?.output[0] ?? "";
  const bytes = model({ opset, inputs: { x, ...constants }, nodes, outputs: [output] });
  const feeds = randomFeeds({ x });
  const asked = await ort.InferenceSession.create(bytes, session);
  const y = (await asked.run(feeds))[output];
  const one = new ort.Tensor(
    "float32",
    Float32Array.from(y?.data as Float32Array, (_, i) => (i === 1 ? 1 : 0)),
    y?.dims,
  );
  const { gradients, outputs } = await vjp(ort, bytes, {
    feeds,
    seeds: { [output]: one },
    wrt: [wrt],
    rules: rulesOf,
    session,
  });
  return { relevance: numbers(gradients[wrt]), score: numbers(outputs[output])[1] ?? 0 };
}

const same = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] };
const convolutions: Net = {
  x: [1, 3, 8, 8],
  constants: {
    w1: weights([6, 3, 3, 3], 1),
    w2: weights([6, 3, 3, 3], 2),
    w3: weights([6, 4, 1, 1], 3),
    w4: weights([8, 5], 4),
    w5: weights([10, 3, 3, 3], 5),
    sizes: ints([4, 6]),
    scales: floats([1, 1, 2, 2]),
  },
  nodes: [
    node("Conv", "x w1", "a", same),
    node("Relu", "a", "b"),
    node("MaxPool", "b", "c", { kernel_shape: [2, 2], strides: [2, 2] }),
    node("Conv", "c w2", "d", { ...same, group: 2 }),
    node("Add", "c d", "e"),
    node("LeakyRelu", "e", "f", { alpha: float(0.1) }),
    node("ConvTranspose", "f w3", "g", { kernel_shape: [1, 1] }),
    node("Resize", "g  scales", "h", { mode: "linear" }),
    node("AveragePool", "h", "i", { kernel_shape: [2, 2], strides: [2, 2] }),
    node("Concat", "f i", "j", { axis: 1 }),
    node("Split", "j sizes", "k l", { axis: 1 }),
    node("Relu", "l", "m"),
    node("Conv", "x w5", "n", { ...same, strides: [2, 2] }),
    node("ReduceMean", "n", "o", { axes: [2, 3], keepdims: 0 }),
    node("GlobalAveragePool", "m", "p"),
    node("Flatten", "p", "q"),
    node("ReduceMean", "k", "r", { axes: [2, 3], keepdims: 0 }),
    node("Concat", "q o r", "s", { axis: 1 }),
    node("Gemm", "s w6", "y", { transB: 1 }),
  ],
};
const network: Net = { ...convolutions, constants: { ...convolutions.constants, w6: weights([5, 20], 6) } };

/** The operators of a block of attention over tokens [1, 4, 6]. */
const attention = (normalise: readonly NodeProto[], more: Sources = {}): Net => ({
  x: [1, 4, 6],
  constants: {
    scale: weights([6], 8, 1),
    wq: weights([6, 6], 9),
    wk: weights([6, 6], 10),
    wv: weights([6, 6], 11),
    wo: weights([6, 6], 12),
    wu: weights([6, 12], 13),
    wd: weights([12, 6], 14),
    root: floats(0.4),
    ...more,
  },
  nodes: [
    ...normalise,
    node("MatMul", "z wq", "q"),
    node("MatMul", "z wk", "k"),
    node("MatMul", "z wv", "v"),
    node("Transpose", "k", "kt", { perm: [0, 2, 1] }),
    node("MatMul", "q kt", "qk"),
    node("Mul", "qk root", "scaled"),
    node("Softmax", "scaled", "weights", { axis: -1 }),
    node("MatMul", "weights v", "mixed"),
    node("MatMul", "mixed wo", "attended"),
    node("Add", "x attended", "u"),
    node("MatMul", "u wu", "up"),
    node("Sigmoid", "up", "gate"),
    node("Mul", "up gate", "active"),
    node("MatMul", "active wd", "down"),
    node("Add", "u down", "tokens"),
    node("ReduceMean", "tokens", "y", { axes: [1], keepdims: 0 }),
  ],
});
const layerNorm = [node("LayerNormalization", "x scale", "z", { axis: -1 })];
const writtenOut = [
  node("ReduceMean", "x", "mean", { axes: [-1] }),
  node("Sub", "x mean", "centred"),
  node("Pow", "centred two", "squares"),
  node("ReduceMean", "squares", "variance", { axes: [-1] }),
  node("Add", "variance small", "kept"),
  node("Sqrt", "kept", "deviation"),
  node("Div", "centred deviation", "standard"),
  node("Mul", "standard scale", "z"),
];
const writtenWith = { two: floats(2), small: floats(1e-5) };

describe("without biases relevance sums to the score", () => {
  const conserving = ["epsilon", "gamma", "z+"].map((name) => [name, by(rules[name] as WeightRule)] as const);
  const first = ["flat", "w-square", "box"].map((name) => {
    const table = { convolution: zPlusRule, dense: epsilonRule(tiny), first: rules[name] as WeightRule };
    return [
      `epsilon and z+, then ${name}`,
      relevance({ ...table, products: "signal", epsilon: tiny, scored: true }),
    ] as const;
  });
  test.each([...conserving, ...first])("of convolutions, pools and branches: %s", async (_, table) => {
    const found = await handed(network, table);
    expect(Math.abs(found.score)).toBeGreaterThan(0.01);
    expect(sum(found.relevance) / found.score).toBeCloseTo(1, 3);
  });
  test.each([
    ["layer normalisation", layerNorm, {}],
    ["the same written out", writtenOut, writtenWith],
  ] as const)("of attention, held, with %s", async (_, normalise, more) => {
    const found = await handed(attention(normalise, more), epsilon);
    expect(sum(found.relevance) / found.score).toBeCloseTo(1, 3);
  });
  test("of a gate, whichever takes it", async () => {
    const net: Net = {
      x: [1, 6, 4, 4],
      constants: { w1: weights([6, 6, 3, 3], 1), w2: weights([6, 6, 1, 1], 2), w3: weights([6, 5], 3) },
      nodes: [
        node("Conv", "x w1", "a", same),
        node("GlobalAveragePool", "a", "b"),
        node("Conv", "b w2", "c"),
        node("Sigmoid", "c", "d"),
        node("Mul", "a d", "e"),
        node("ReduceMean", "e", "f", { axes: [2, 3], keepdims: 0 }),
        node("MatMul", "f w3", "y"),
      ],
    };
    for (const table of [epsilon, uniform]) {
      const found = await handed(net, table);
      expect(sum(found.relevance) / found.score).toBeCloseTo(1, 3);
    }
    const [held, halves] = [(await handed(net, epsilon)).relevance, (await handed(net, uniform)).relevance];
    expect(apart(held, halves)).toBeGreaterThan(0.01);
  });
  test("excitation is a probability", async () => {
    const { relevance: found } = await handed(network, "excitation");
    expect(sum(found)).toBeCloseTo(1, 3);
    expect(Math.min(...found)).toBeGreaterThanOrEqual(0);
  });
  test("excitation in the middle of the network is one as well", async () => {
    const { relevance: found } = await handed(network, "excitation", "j");
    expect(sum(found)).toBeGreaterThan(0.5);
    expect(Math.min(...found)).toBeGreaterThanOrEqual(0);
  });
});

/** Two ways to write the same, in front of a linear score. */
const pairs: Record<string, readonly [Net, Net]> = {
  "a batch normalisation, and the convolution that it is folded into": [
    {
      x: [1, 2, 4, 4],
      constants: {
        w: floats([1, -2, 0.5, 1], [2, 2, 1, 1]),
        b: floats([0.3, -0.2]),
        gain: floats([2, -1]),
        shift: floats([0.5, 0.25]),
        mean: floats([0.1, -0.4]),
        variance: floats([4 - 1e-5, 0.25 - 1e-5]),
        v: weights([2, 3], 4),
      },
      nodes: [
        node("Conv", "x w b", "a"),
        node("BatchNormalization", "a gain shift mean variance", "c"),
        node("Relu", "c", "d"),
        node("ReduceMean", "d", "e", { axes: [2, 3], keepdims: 0 }),
        node("MatMul", "e v", "y"),
      ],
    },
    {
      x: [1, 2, 4, 4],
      // scale = gain / sqrt(variance) = 1, -2; bias = (b - mean) scale + shift = 0.7, -0.15
      constants: { w: floats([1, -2, -1, -2], [2, 2, 1, 1]), b: floats([0.7, -0.15]), v: weights([2, 3], 4) },
      nodes: [
        node("Conv", "x w b", "a"),
        node("Relu", "a", "d"),
        node("ReduceMean", "d", "e", { axes: [2, 3], keepdims: 0 }),
        node("MatMul", "e v", "y"),
      ],
    },
  ],
  "a scale and a shift written out, and the convolution that they are folded into": [
    {
      x: [1, 2, 4, 4],
      constants: {
        w: floats([1, -2, 0.5, 1], [2, 2, 1, 1]),
        gain: floats([2, -1], [2, 1, 1]),
        shift: floats([0.5, 0.25], [1, 2, 1, 1]),
        by: floats(4),
        v: weights([2, 3], 4),
      },
      nodes: [
        node("Conv", "x w", "a"),
        node("Mul", "gain a", "b"),
        node("Sub", "shift b", "c"),
        node("Div", "c by", "d"),
        node("ReduceMean", "d", "e", { axes: [2, 3], keepdims: 0 }),
        node("MatMul", "e v", "y"),
      ],
    },
    {
      x: [1, 2, 4, 4],
      constants: {
        w: floats([-0.5, 1, 0.125, 0.25], [2, 2, 1, 1]),
        b: floats([0.125, 0.0625]),
        v: weights([2, 3], 4),
      },
      nodes: [
        node("Conv", "x w b", "d"),
        node("ReduceMean", "d", "e", { axes: [2, 3], keepdims: 0 }),
        node("MatMul", "e v", "y"),
      ],
    },
  ],
  "a product and an added bias, and Gemm": [
    {
      x: [2, 3],
      constants: { w: weights([3, 4], 1), b: weights([4], 2, 1), v: weights([4, 3], 3) },
      nodes: [node("MatMul", "x w", "a"), node("Add", "b a", "c"), node("Relu", "c", "d"), node("MatMul", "d v", "y")],
    },
    {
      x: [2, 3],
      constants: { w: weights([3, 4], 1), b: weights([4], 2, 1), v: weights([4, 3], 3) },
      nodes: [node("Gemm", "x w b", "c"), node("Relu", "c", "d"), node("Gemm", "d v", "y")],
    },
  ],
};

describe("what is affine behind weights belongs to them", () => {
  const all = Object.entries(pairs).flatMap(([title, pair]) =>
    Object.entries(rules).map(([name, rule]) => [title, name, pair, rule] as const),
  );
  test.each(all)("%s: %s", async (_, __, [apartFrom, folded], rule) => {
    const [found, wanted] = [await handed(apartFrom, by(rule)), await handed(folded, by(rule))];
    expect(found.score).toBeCloseTo(wanted.score, 5);
    expect(apart(found.relevance, wanted.relevance)).toBeLessThan(1e-5);
  });
});

/** A function of x [1, 4, 6], between two layers of weights. */
const between = (nodes: readonly NodeProto[], constants: Sources = {}, opset = 17): Net => ({
  ...{
    x: [1, 4, 6],
    opset,
    constants: { w: weights([6, 6], 1), bias: weights([6], 5, 1), v: weights([6, 3], 2), ...constants },
  },
  nodes: [
    node("MatMul", "x w", "p0"),
    node("Add", "p0 bias", "p"),
    ...nodes,
    node("MatMul", "r v", "s"),
    node("ReduceSum", "s axes", "y", { keepdims: 0 }),
  ],
});
const written = (nodes: readonly NodeProto[], constants: Sources = {}, opset = 17) =>
  between(nodes, { axes: ints([1]), ...constants }, opset);
const [one, half, three, root, six, zero] = [1, 0.5, 3, Math.SQRT2, 6, 0].map((value) => floats(value));
const numbersOf = { one, half, three, root, six, zero } as Sources;

const forms: Record<string, readonly [Net, Net]> = {
  "GELU, x (1 + erf) / 2": [
    written([node("Gelu", "p", "r")], {}, 20),
    written(
      [
        ...[node("Div", "p root", "a"), node("Erf", "a", "b"), node("Add", "b one", "c"), node("Mul", "p c", "d")],
        node("Mul", "d half", "r"),
      ],
      numbersOf,
    ),
  ],
  "GELU, half of x first": [
    written([node("Gelu", "p", "r")], {}, 20),
    written(
      [
        ...[node("Mul", "p half", "a"), node("Div", "p root", "b"), node("Erf", "b", "c"), node("Add", "one c", "d")],
        node("Mul", "a d", "r"),
      ],
      numbersOf,
    ),
  ],
  "hard swish": [
    written([node("HardSwish", "p", "r")]),
    written(
      [
        ...[node("Add", "p three", "a"), node("Clip", "a zero six", "b"), node("Div", "b six", "c")],
        node("Mul", "p c", "r"),
      ],
      numbersOf,
    ),
  ],
  "SiLU, as a product and as a quotient": [
    written([node("Sigmoid", "p", "a"), node("Mul", "p a", "r")]),
    written(
      [node("Neg", "p", "a"), node("Exp", "a", "b"), node("Add", "b one", "c"), node("Div", "p c", "r")],
      numbersOf,
    ),
  ],
  Mish: [
    written([node("Mish", "p", "r")], {}, 18),
    written([node("Softplus", "p", "a"), node("Tanh", "a", "b"), node("Mul", "b p", "r")]),
  ],
};

describe("an activation is one, however it is written", () => {
  test.each(Object.entries(forms))("%s", async (_, [first, second]) => {
    for (const table of [epsilon, uniform]) {
      const [found, wanted] = [await handed(first, table), await handed(second, table)];
      expect(found.score).toBeCloseTo(wanted.score, 4);
      expect(apart(found.relevance, wanted.relevance)).toBeLessThan(1e-5);
    }
  });
});

const shape = { g: weights([6], 6, 1), h: weights([6], 7, 1) };
const size = { two: floats(2), e: floats(1e-5), minus: floats(-0.5) };
const moments = [
  node("ReduceMean", "p", "m", { axes: [-1] }),
  node("Sub", "p m", "c"),
  node("Mul", "c c", "q"),
  node("ReduceMean", "q", "n", { axes: [-1] }),
  node("Add", "n e", "k"),
];
const affine = [node("Mul", "g t", "l"), node("Add", "l h", "r")];
const squares = [node("Mul", "p p", "q"), node("ReduceMean", "q", "n", { axes: [-1] }), node("Add", "n e", "k")];
const layerNormed = written([node("LayerNormalization", "p g h", "r", { axis: -1 })], shape);
const rmsNormed = written([node("RMSNormalization", "p g", "r", { axis: -1, epsilon: float(1e-5) })], shape, 23);
const norms: Record<string, readonly [Net, Net]> = {
  "layer normalisation, divided by a root": [
    layerNormed,
    written([...moments, node("Sqrt", "k", "d"), node("Div", "c d", "t"), ...affine], { ...shape, ...size }),
  ],
  "layer normalisation, times the root's reciprocal": [
    layerNormed,
    written([...moments, node("Sqrt", "k", "d"), node("Reciprocal", "d", "i"), node("Mul", "c i", "t"), ...affine], {
      ...{ ...shape, ...size },
    }),
  ],
  "layer normalisation, times a power": [
    layerNormed,
    written([...moments, node("Pow", "k minus", "i"), node("Mul", "i c", "t"), ...affine], { ...shape, ...size }),
  ],
  "normalisation by the root mean square": [
    rmsNormed,
    written([...squares, node("Sqrt", "k", "d"), node("Div", "p d", "t"), node("Mul", "t g", "r")], {
      ...shape,
      ...size,
    }),
  ],
  "the same, as one over it": [
    rmsNormed,
    written(
      [...squares, node("Sqrt", "k", "d"), node("Div", "one d", "i"), node("Mul", "p i", "t"), node("Mul", "t g", "r")],
      { ...shape, ...size, one: floats(1) },
    ),
  ],
};

describe("a normalisation is one, however it is written", () => {
  test.each(Object.entries(norms))("%s", async (_, [first, second]) => {
    for (const table of [epsilon, uniform]) {
      const [found, wanted] = [await handed(first, table), await handed(second, table)];
      expect(found.score).toBeCloseTo(wanted.score, 4);
      expect(apart(found.relevance, wanted.relevance)).toBeLessThan(2e-5);
    }
  });
  test("of groups of channels, and of one", async () => {
    const net = (norm: NodeProto): Net => ({
      x: [1, 4, 3, 3],
      constants: { w: weights([4, 4, 1, 1], 1), g: weights([4], 2, 1), h: weights([4], 3, 1), v: weights([4, 3], 4) },
      opset: 21,
      nodes: [
        node("Conv", "x w", "p"),
        norm,
        node("Relu", "r", "rectified"),
        node("GlobalAveragePool", "rectified", "s"),
        node("Flatten", "s", "t"),
        node("MatMul", "t v", "y"),
      ],
    });
    const found = await handed(net(node("GroupNormalization", "p g h", "r", { num_groups: 4 })), epsilon);
    const wanted = await handed(net(node("InstanceNormalization", "p g h", "r")), epsilon);
    expect(apart(found.relevance, wanted.relevance)).toBeLessThan(1e-5);
  });
});

test("attention as one operator is what it is written out", async () => {
  const heads = { axes: ints([1]) };
  const net = (nodes: readonly NodeProto[]): Net => ({
    ...{
      x: [1, 2, 4, 6],
      opset: 23,
      constants: { w: weights([6, 6], 1), v: weights([6, 6], 2), root: floats(6 ** -0.5), ...heads },
    },
    nodes: [
      node("MatMul", "x w", "q"),
      node("MatMul", "x v", "k"),
      ...nodes,
      node("ReduceSum", "r axes", "y", { keepdims: 0 }),
    ],
  });
  const one = net([node("Attention", "q k k", "r")]);
  const many = net([
    node("Transpose", "k", "kt", { perm: [0, 1, 3, 2] }),
    node("MatMul", "q kt", "a"),
    node("Mul", "a root", "b"),
    node("Softmax", "b", "c", { axis: -1 }),
    node("MatMul", "c k", "r"),
  ]);
  for (const table of [epsilon, uniform]) {
    const [found, wanted] = [await handed(one, table), await handed(many, table)];
    expect(apart(found.relevance, wanted.relevance)).toBeLessThan(1e-5);
  }
});

test("the last weights are those in front of what is seeded, whatever lies behind it", async () => {
  // y1 = 2 x0 - x1: its opposite is excited by x1.
  const nodes = [node("MatMul", "x w", "y"), node("MatMul", "y w", "z")];
  const bytes = model({
    opset: 17,
    inputs: { x: [1, 2], w: floats([1, 2, 1, -1], [2, 2]) },
    nodes,
    outputs: ["y", "z"],
  });
  const feeds = { x: new ort.Tensor("float32", Float32Array.of(1, 1), [1, 2]) };
  const seeds = { y: new ort.Tensor("float32", Float32Array.of(0, 1), [1, 2]) };
  const { gradients } = await vjp(ort, bytes, { feeds, seeds, wrt: ["x"], rules: tableOf(excitation(true)), session });
  expect(numbers(gradients.x)).toEqual([1, -1]);
});

test("numbers that the picture is written in take no part", async () => {
  const constants = { mean: floats([0.5, 0.2], [1, 2, 1, 1]), deviation: floats(0.25), w: weights([3, 2, 1, 1], 1) };
  const nodes = [
    node("Sub", "x mean", "a"),
    node("Div", "a deviation", "b"),
    node("Conv", "b w", "c"),
    node("ReduceMean", "c", "y", { axes: [2, 3], keepdims: 0 }),
  ];
  const found = await handed({ x: [1, 2, 3, 3], constants, nodes }, epsilon);
  expect(sum(found.relevance) / found.score).toBeCloseTo(1, 4);
});

describe("an operator without a relevance rule is refused by name", () => {
  const refused = (nodes: readonly NodeProto[], constants: Sources = {}, opset = 17) =>
    handed({ x: [1, 4, 6], nodes, constants: { w: weights([6, 6], 1), ...constants }, opset }, epsilon);
  test.each([
    ["Sin", [node("Sin", "x", "y")], {}],
    ["Softmax", [node("MatMul", "x w", "a"), node("Softmax", "a", "y")], {}],
    ["LogSoftmax", [node("LogSoftmax", "x", "y")], {}],
    ["ReduceL2", [node("ReduceL2", "x", "y", { axes: [-1] })], {}],
    ["ReduceProd", [node("ReduceProd", "x", "y", { axes: [-1] })], {}],
    [
      "LSTM",
      [node("LSTM", "x wl rl", "y", { hidden_size: 2 })],
      { wl: weights([1, 8, 6], 2), rl: weights([1, 8, 2], 3) },
    ],
    [
      "DequantizeLinear",
      [node("QuantizeLinear", "x s z", "a"), node("DequantizeLinear", "a s z", "y")],
      { s: floats(0.1), z: { type: 2, dims: [], values: [128] } },
    ],
  ] as const)("%s", async (name, nodes, constants) =>
    expectUserError(
      refused(nodes, constants as Sources),
      "unsupported-operator",
      new RegExp(`unsupported operator: ${name} node [^\n]*: it has no relevance rule; allowed are [^\n]*$`),
    ),
  );
  test("but not where no relevance comes by", async () => {
    const net: Net = {
      x: [1, 4, 6],
      constants: { w: weights([6, 6], 1), v: weights([6, 6], 2) },
      nodes: [node("MatMul", "x w", "a"), node("Sin", "x", "s"), node("Sigmoid", "s", "g"), node("Mul", "a g", "y")],
    };
    expect(sum((await handed(net, epsilon)).relevance)).not.toBe(0);
    await expectUserError(handed(net, uniform), "unsupported-operator", "Sin");
  });
});
