import { float } from "../../src/onnx/proto.ts";
import { type Attributes, int32s, type Sources, withFloats, withStrings } from "../models.ts";
import { checkRule, type Options, type Row } from "./rules.ts";

const [T, N, I, H] = [4, 2, 3, 5];
const gates = { RNN: 1, GRU: 3, LSTM: 4 };
type Name = keyof typeof gates;

const given = (name: Name, directions: number, also: Sources = {}): Sources => ({
  x: [T, N, I],
  w: [directions, gates[name] * H, I],
  r: [directions, gates[name] * H, H],
  ...also,
});
const bias = (name: Name, directions: number): Sources => ({ b: [directions, 2 * gates[name] * H] });
const first = (name: Name, directions: number): Sources => ({
  h0: [directions, N, H],
  ...(name === "LSTM" && { c0: [directions, N, H] }),
});
const none: Sources = { b: undefined, lens: undefined };

for (const name of ["RNN", "GRU", "LSTM"] as const) {
  const outputs = name === "LSTM" ? 3 : 2;
  const options: Options = { opsets: [9, 14, 22], outputs, values: (normal) => normal.map((v) => v * 0.7) };
  const own: Attributes = { hidden_size: H };
  const lengths = { lens: int32s([4, 2]) };
  const rows: Record<string, Row> = { plain: [given(name, 1), own] };
  for (const direction of ["forward", "reverse", "bidirectional"]) {
    const n = direction === "bidirectional" ? 2 : 1;
    const attributes = { ...own, direction };
    const all = { ...bias(name, n), lens: undefined, ...first(name, n) };
    rows[`${direction}, bias and first states`] = [given(name, n, all), attributes];
    rows[`${direction}, first states alone`] = [given(name, n, { ...none, ...first(name, n) }), attributes];
    rows[`${direction}, lengths`] = [
      given(name, n, { ...bias(name, n), ...lengths, ...first(name, n) }),
      attributes,
      { opsets: [10, 14] },
    ];
  }
  // The first dimension of x counts the steps.
  const both = { ...own, direction: "bidirectional" };
  rows["free steps"] = [given(name, 2, bias(name, 2)), both, { opsets: [10, 14], free: ["x"] }];
  rows["all states alone"] = [given(name, 1, bias(name, 1)), own, { outputs: 1, opsets: [14] }];
  rows["the last state alone"] = [given(name, 2, bias(name, 2)), both, { only: 1, opsets: [14] }];
  if (name === "LSTM") rows["the last cell alone"] = [given(name, 1, bias(name, 1)), own, { only: 2, opsets: [14] }];
  if (name === "GRU")
    for (const direction of ["forward", "bidirectional"]) {
      const n = direction === "forward" ? 1 : 2;
      const attributes = { ...own, direction, linear_before_reset: 1 };
      rows[`${direction}, linear before reset`] = [
        given(name, n, { ...bias(name, n), lens: undefined, ...first(name, n) }),
        attributes,
      ];
      rows[`${direction}, linear before reset, no bias`] = [given(name, n), attributes];
    }
  // Far from its border: the sums reach some 2, a quarter of them is cut.
  rows.clip = [given(name, 1, bias(name, 1)), { ...own, clip: float(1) }, { opsets: [9, 14], step: 1e-4, most: 5e-2 }];
  rows["layout 1, which ONNX Runtime does not run"] = [
    given(name, 1),
    { ...own, layout: 1 },
    { refuses: "layout", opsets: [14] },
  ];
  checkRule(name, options, rows);
}

const all: Sources = { b: [1, 2 * 4 * H], lens: undefined, ...first("LSTM", 1) };
const peepholes: Sources = { ...given("LSTM", 1, all), p: [1, 3 * H] };
checkRule(
  "LSTM",
  { opsets: [9, 14], outputs: 3, values: (normal) => normal.map((v) => v * 0.7) },
  {
    peepholes: [peepholes, { hidden_size: H }],
    "peepholes, both directions": [
      {
        ...given("LSTM", 2, { ...bias("LSTM", 2), lens: undefined, ...first("LSTM", 2) }),
        p: [2, 3 * H],
      },
      { hidden_size: H, direction: "bidirectional" },
    ],
    "peepholes, lengths": [{ ...peepholes, lens: int32s([4, 2]) }, { hidden_size: H }, { opsets: [14] }],
    "coupled gates": [given("LSTM", 1, all), { hidden_size: H, input_forget: 1 }],
    "coupled gates, peepholes": [peepholes, { hidden_size: H, input_forget: 1 }],
  },
);

/** The function named at each place of a cell, its parameters given or not. */
const activated = (name: Name, list: string[], alpha: number[] = [], beta: number[] = []): Row => [
  given(name, list.length > 3 ? 2 : 1, bias(name, list.length > 3 ? 2 : 1)),
  { hidden_size: H, direction: list.length > 3 ? "bidirectional" : "forward" },
  {
    change: (node) => {
      const named = withStrings(node, "activations", list);
      const first = alpha.length ? withFloats(named, "activation_alpha", alpha) : named;
      return beta.length ? withFloats(first, "activation_beta", beta) : first;
    },
  },
];
const kinked: Options = { opsets: [14], step: 1e-4, most: 5e-2, values: (v) => v.map((a) => a * 0.7) };
const rnn = "Relu Sigmoid Affine LeakyRelu ThresholdedRelu ScaledTanh HardSigmoid Elu Softsign Softplus".split(" ");
checkRule("RNN", kinked, Object.fromEntries(rnn.map((kind) => [kind, activated("RNN", [kind])])));
checkRule("GRU", kinked, {
  "Relu, Sigmoid": activated("GRU", ["Relu", "Sigmoid"]),
  "HardSigmoid, Elu": activated("GRU", ["HardSigmoid", "Elu"]),
  "Softsign, Softplus": activated("GRU", ["Softsign", "Softplus"]),
});
checkRule("RNN", kinked, {
  "parameters in turn": activated("RNN", ["Elu"], [0.5]),
  "alpha and beta": activated("RNN", ["ScaledTanh"], [1.7], [0.6]),
});
checkRule("LSTM", kinked, {
  "parameters in turn": activated("LSTM", ["HardSigmoid", "Tanh", "Affine"], [0.3, 0.8], [0.4, 0.1]),
  "each direction its own": activated("LSTM", ["Sigmoid", "Elu", "Tanh", "HardSigmoid", "Softsign", "Softplus"], [0.5]),
});
