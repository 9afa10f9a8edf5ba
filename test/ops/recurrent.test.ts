import { float } from "../../src/onnx/proto.ts";
import { type Attributes, int32s, type Sources, withStrings } from "../models.ts";
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
  rows.clip = [given(name, 1), { ...own, clip: float(2) }, { refuses: "clip", opsets: [14] }];
  if (name === "LSTM")
    rows.peepholes = [
      given(name, 1, { ...bias(name, 1), lens: undefined, ...first(name, 1), p: [1, 3 * H] }),
      own,
      { refuses: "peepholes", opsets: [14] },
    ];
  checkRule(name, options, rows);
}

checkRule(
  "RNN",
  { opsets: [14], outputs: 2, step: 1e-3, most: 2e-2, change: (node) => withStrings(node, "activations", ["Relu"]) },
  { "Relu as activation": [given("RNN", 1, bias("RNN", 1)), { hidden_size: H }] },
);
checkRule(
  "GRU",
  { opsets: [14], refuses: "activations", change: (node) => withStrings(node, "activations", ["Softsign", "Tanh"]) },
  { "other activations": [given("GRU", 1), { hidden_size: H }] },
);
