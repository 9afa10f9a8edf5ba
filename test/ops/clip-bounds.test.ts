/** @file Clip at its bounds, where it has no derivative: 0, as PyTorch 2.15 gives relu6, hardtanh and clamp with numbers, and as docs/operators.md says. */
import * as ort from "onnxruntime-node";
import { expect, test } from "vitest";
import { vjp } from "../../src/index.ts";
import { float } from "../../src/onnx/proto.ts";
import { read } from "../docs/markdown.ts";
import { floats, model, node } from "../models.ts";

const x = [-1, 0, 3, 6, 7];
/** By torch.nn.functional.hardtanh(x, 0, 6), torch.clamp(x, min=0) and torch.clamp(x, max=6). */
const torch = { both: [0, 0, 1, 0, 0], low: [0, 0, 1, 1, 1], high: [1, 1, 1, 0, 0] };

const rows = Object.entries(torch).flatMap(([bounds, gradient]) =>
  [10, 13].map((opset) => ({ bounds, opset, gradient })),
);

test.each(rows)("$bounds, operator set $opset", async ({ bounds, opset, gradient }) => {
  const [low, high] = [bounds !== "high", bounds !== "low"];
  const attributes = { ...(low && { min: float(0) }), ...(high && { max: float(6) }) };
  const clip =
    opset < 11 ? node("Clip", "x", "y", attributes) : node("Clip", `x ${low ? "low" : ""}${high ? " high" : ""}`, "y");
  const bound = { ...(low && { low: floats([0], []) }), ...(high && { high: floats([6], []) }) };
  const bytes = model({ opset, inputs: { x: [5], ...(opset < 11 ? {} : bound) }, nodes: [clip] });
  const tensor = (values: readonly number[]) => new ort.Tensor("float32", Float32Array.from(values), [5]);
  const { gradients } = await vjp(ort, bytes, {
    feeds: { x: tensor(x) },
    seeds: { y: tensor([1, 1, 1, 1, 1]) },
    wrt: ["x"],
  });
  expect([...(gradients.x.data as Float32Array)]).toEqual(gradient);
});

test("the page says how torch.clamp differs, and why", () => {
  const page = read("docs/operators.md");
  expect(page).toMatch(/\| Clip \| rule \| 0 at a bound itself, \[unlike torch\.clamp\]\(#clip-at-its-bounds\)/);
  expect(page).toMatch(/## Clip at its bounds[\s\S]*torch\.clamp[\s\S]*whole gradient[\s\S]*computed from the output/);
});
