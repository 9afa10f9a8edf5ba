/** @file What `--reference` says on a processor whose products of uint8 and int8 saturate, which this one is taken for here. */
import path from "node:path";
import { expect, test, vi } from "vitest";
import { folder, repository, within } from "./run.ts";

vi.mock(import("../../src/node/saturation.ts"), async (original) => ({
  ...(await original()),
  productsSaturate: async () => true,
}));

const asked = (name: string, ...more: string[]) =>
  within(
    ["explain", "input.png", "--model", "model.onnx", "--reference", "../float/model.onnx", "--out", folder(), ...more],
    path.join(repository, "test/inputs", name),
  );
const cause = /^ {4}a likely cause: products of uint8 and int8 saturate on this CPU .*reduce_range/m;

test("a model of all eight bits: the cause is named", async () => {
  expect((await asked("int8_qdq_all_bits")).stdout).toMatch(cause);
  const { reference } = JSON.parse((await asked("int8_qdq_all_bits", "--json")).stdout);
  expect(reference.warnings).toMatchObject([{ code: "saturating-products", text: expect.stringMatching(/saturate/) }]);
});

test.each([
  ["a model of seven bits", "int8_qdq"],
  ["a model in half precision", "half"],
])("%s: nothing is said", async (_, name) => {
  expect((await asked(name)).stdout).not.toMatch(/likely cause/);
});
