#!/usr/bin/env node
/**
 * @file Writes docs/operators.md from the table of operators: npm run build && node scripts/make-operator-docs.mjs [--print]
 * `onnx-operators.json` lists the operators of the standard, and how the list was made.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { loadOperators } from "../dist/index.js";

const operators = await loadOperators();
const file = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const standard = JSON.parse(readFileSync(file("scripts/onnx-operators.json"), "utf8"));
const tests = readdirSync(file("test/ops"))
  .filter((name) => name.endsWith(".test.ts"))
  .map((name) => ({ name, text: readFileSync(file(`test/ops/${name}`), "utf8") }));

/** Forms in which a rule refuses, or what it decides. */
const notes = {
  AffineGrid: "the size must be known",
  Attention: "past keys and values included; a mask shorter than the keys is refused",
  AveragePool: "auto_pad SAME with dilations is refused",
  BatchNormalization: "training mode is refused",
  Clip: "0 at a bound itself, [unlike torch.clamp](#clip-at-its-bounds); where min is above max everything is max, and x gets nothing",
  Conv: "auto_pad SAME with dilations is refused",
  DequantizeLinear: "blocks of scales are refused",
  Det: "up to 12 rows",
  Dropout: "training mode is refused",
  DynamicQuantizeLinear: "straight through; the scale is taken as it is",
  GRU: "every activation, clip; layout 1, which ONNX Runtime does not run, is refused",
  GridSample: "both the image and the places",
  LSTM: "every activation, clip, input_forget, peepholes; layout 1, which ONNX Runtime does not run, is refused",
  If: "zeros for what only the other branch reads; random numbers inside are refused",
  Loop: "any number of steps; a state that changes its shape and random numbers inside are refused",
  LpNormalization: "0 at 0",
  LpPool: "auto_pad SAME with dilations is refused",
  MaxPool: "at ties the first maximum in row-major order",
  MaxRoiPool: "in equal parts at ties",
  MaxUnpool: "places that repeat all get the gradient of the last",
  QLinearConv: "straight through; zero where the output saturates",
  QLinearMatMul: "straight through; zero where the output saturates",
  QuantizeLinear: "straight through; zero where it saturates; int8, uint8, int16, uint16",
  RNN: "every activation, clip; layout 1, which ONNX Runtime does not run, is refused",
  ReduceMax: "in equal parts at ties",
  ReduceMin: "in equal parts at ties",
  Relu: "0 at 0",
  Resize: "every mode; dynamic sizes are refused",
  RoiAlign: "mode max and sampling_ratio 0 are refused",
  Scan: "operator set 9 and newer; random numbers inside are refused",
  ScatterElements: "every reduction; max and min in equal parts at ties",
  ScatterND: "every reduction; max and min in equal parts at ties",
  Pow: "0 at 0, also where the slope is infinite",
  ReduceL2: "0 at 0",
  Softmax: "0 for a row that is minus infinity throughout",
  Sqrt: "0 at 0",
  STFT: "steps and lengths must be constant",
  "com.microsoft.Attention": "past keys and values, do_rotary and masks other than [batch, keys] are refused",
  "com.microsoft.FusedMatMul": "transposed batch axes are refused",
  "com.microsoft.MultiHeadAttention":
    "packed inputs, past keys and values and masks other than [batch, keys] are refused",
  "com.microsoft.RotaryEmbedding": "packed batches are refused",
};
const unknown = Object.keys(notes).filter((name) => !operators.has(name));
if (unknown.length) throw new Error(`notes on operators that the table does not have: ${unknown.join(", ")}`);

/** Test files in which operators stand beside what is tested. */
const beside = ["control.test.ts", "zero.test.ts"];

/** The test files in which an operator is checked; one of another domain by its full name, or in that domain's files. */
function checkedIn(name) {
  const [own, domain] = name.split(".").reverse();
  const quoted = new RegExp(`["']${own}["']|\\b${own}:`);
  const inFull = (text) => new RegExp(`checkRule\\(\\s*"${name}"`).test(text);
  const named = tests.filter(({ name: file, text }) =>
    domain ? inFull(text) || (quoted.test(text) && /microsoft|integer|activation|quant/.test(file)) : quoted.test(text),
  );
  const found = named.filter(({ name }) => !beside.includes(name));
  return (found.length ? found : named).map(({ name }) => name);
}

function row(name) {
  const op = operators.get(name);
  if (!op) return `| ${name} | **missing** | | |`;
  if (op.refuses) return `| ${name} | refused | ${op.refuses} | |`;
  if (op.vjp === "zero") return `| ${name} | zero | ${notes[name] ?? ""} | |`;
  const [first] = checkedIn(name);
  const check = first ? `[${first.replace(".test.ts", "")}](../test/ops/${first})` : "**unchecked**";
  return `| ${name} | rule | ${notes[name] ?? ""} | ${check} |`;
}

const count = (names, is) => names.filter((name) => is(operators.get(name) ?? {})).length;
const summary = (names) => {
  const [zeros, refused] = [count(names, (op) => op.vjp === "zero"), count(names, (op) => op.refuses)];
  return `${names.length} operators: ${names.length - zeros - refused} rules, ${zeros} declared zeros, ${refused} refused.`;
};
const table = (names) => [
  "| operator | gradient | notes | checked in |",
  "| --- | --- | --- | --- |",
  ...names.map(row),
];
const others = [...operators.keys()].filter((name) => !standard.operators.includes(name)).sort();

const text = [
  "# Operators",
  "",
  "The gradient of each operator. This page is generated from the table in the code by",
  "`npm run build && node scripts/make-operator-docs.mjs`.",
  "",
  "- rule: a gradient, checked against finite differences along random directions, or for linear operators by the exact",
  "  adjoint identity, at every operator set in which its form changes.",
  "- zero: the output is locally constant; if the only path goes through it, an error says so.",
  "- refused: an error names the node and says why.",
  "",
  "An operator in neither table is refused by name. How to [add one](add-an-operator.md).",
  "",
  "## The ONNX project's own tests",
  "",
  "`python scripts/backend-node-tests.py FOLDER && node scripts/backend-node-tests.mjs FOLDER` uses the backend node tests of",
  "the `onnx` package (1.23) as models, and checks the gradient of each float32 input that ONNX Runtime can run: 1,901 are",
  "within 2e-2 of finite differences, 19 are not, 29 have no path, 27 are refused. The 19 are points without a derivative or outside",
  "a function's domain (Acos, Asin, Atanh, Tan near its pole, MaxPool and empty sets), gradients whose differences",
  "vanish in float32 rounding (two recurrent ones of 1e-6, a loss in its weights), and the scale that",
  "DynamicQuantizeLinear finds. Refused are training modes (22), Scan before operator set 9 (2), updates of Scatter before operator set 11 (2),",
  "and a MaxUnpool whose shape is only known at run time. One more, a reshape of an empty tensor, ends in an error.",
  "",
  `## Clip at its bounds

If x equals a bound, a Clip has no derivative, and its gradient here is 0, with one bound or with both. PyTorch's relu6
and hardtanh, which are exported as this operator, have 0 there too. \`torch.clamp\` differs: it passes the whole gradient at
its bounds ([pytorch #7049](https://github.com/pytorch/pytorch/pull/7049)), in releases from
[#191142](https://github.com/pytorch/pytorch/pull/191142) on none if the bounds are numbers and half of it if they are
tensors. An ONNX file does not say which of them it came from. We use 0 because the mask is computed from the output, in which values at a
bound and values beyond it look alike; this lets the runtime fuse the Clip with the node before it. It matters if many
values equal a bound exactly: pixels of 0 or 1, quantised steps.

## The ONNX standard, operator set ${standard.opset}`,
  "",
  summary(standard.operators),
  "",
  ...table(standard.operators),
  "",
  "## ONNX Runtime's own",
  "",
  "Operators that ONNX Runtime's optimiser and some exporters write, differentiated as the standard operators that they stand for.",
  "",
  ...table(others),
  "",
].join("\n");

if (process.argv.includes("--print")) process.stdout.write(text);
else writeFileSync(file("docs/operators.md"), text);
