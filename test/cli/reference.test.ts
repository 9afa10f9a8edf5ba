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

test("the reference is asked the same, also what speaks against a class and for one rather than another", async () => {
  const targets = ["class:1", "not:1", "class:1 ~ class:0"].flatMap((target) => ["--target", target]);
  const { code, stdout } = await asked("int8_qdq", ...targets, "--json");
  expect(code).toBe(0);
  const { explanations } = JSON.parse(stdout);
  expect(explanations.map(({ target }: { target: string }) => target)).toEqual([
    "class:1",
    "not:1",
    "class:1 ~ class:0",
  ]);
  for (const { blank, reference } of explanations) if (!blank) expect(reference.correlation).toBeGreaterThan(0.9);
});

test("boxes are not compared", async () => {
  const net = path.join(repository, "test/detect/references/yolov8/model.onnx");
  const said =
    /^gradcam: invalid --reference: the maps of classes are compared, and model is read as a detection model\n$/;
  expect(await asked("int8_qdq", "--reference", net)).toMatchObject({
    code: 2,
    stdout: "",
    stderr: expect.stringMatching(said),
  });
  expect(await asked("int8_qdq", "--model", net)).toMatchObject({
    code: 2,
    stdout: "",
    stderr: expect.stringMatching(said),
  });
});
