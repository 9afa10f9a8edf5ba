/** @file Which nodes ran where, as the profile of Node's runtime has it. */
import { mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "vitest";
import { type ProviderReport, providerReport } from "../../src/node.ts";
import { repository, within } from "../cli/run.ts";
import { expectUserError } from "../explain/ask.ts";
import { gap } from "../nets.ts";

const folder = mkdtempSync(path.join(tmpdir(), "gradcam-report-test-"));
const file = path.join(folder, "gap.onnx");
writeFileSync(file, gap());

const named = ({ providers }: ProviderReport) => providers.flatMap(({ nodes = [] }) => nodes);

test("the model's nodes and the gradient's, of the method that is asked for", async () => {
  const [cam, guided] = [await providerReport(file), await providerReport(file, { method: "guided-backprop" })];
  for (const report of [cam, guided]) {
    expect(report.providers.map(({ name }) => name)).toEqual(["CPUExecutionProvider"]);
    expect(report.providers[0].nodes).toHaveLength(report.providers[0].count);
    // Fused with what comes before it: its name is what is left.
    expect(
      named(report)
        .filter(({ gradient }) => !gradient)
        .map(({ operator }) => operator),
    ).toContain("Gemm");
    expect(
      named(report)
        .filter(({ gradient }) => gradient)
        .every(({ node }) => node.startsWith("grad/")),
    ).toBe(true);
  }
  expect(cam.method).toBe("grad-cam");
  // The way back through the convolution is a convolution.
  const convolutions = (report: ProviderReport) =>
    named(report).filter(({ operator, gradient }) => gradient && /^Conv/.test(operator)).length;
  expect([convolutions(cam), convolutions(guided)]).toEqual([0, 1]);
});

test("a mistake is told, and nothing is left behind", async () => {
  const before = readdirSync(tmpdir()).filter((name) => name.startsWith("gradcam-providers-"));
  await expectUserError(providerReport(file, { method: "nothing" as "gradient" }), "unknown-name", "unknown method");
  await expectUserError(
    providerReport(file, { session: { executionProviders: ["abacus"] } }),
    "invalid-option",
    "unknown provider",
  );
  expect(readdirSync(tmpdir()).filter((name) => name.startsWith("gradcam-providers-"))).toEqual(before);
});

test.each(["models/ctc_head.onnx", "pictures/detector/det.onnx"])("what has no classes too: %s", async (name) => {
  const report = await providerReport(path.join(repository, "test/cases", name));
  expect(named(report).some(({ gradient }) => gradient)).toBe(true);
});

test("gradcam inspect --provider says it", async () => {
  const { code, stdout } = await within(["inspect", file, "--provider", "cpu", "--method", "gradient"], tmpdir());
  expect(code).toBe(0);
  expect(stdout).toMatch(/\nWhere gradient ran\n {2}CPUExecutionProvider: (\d+) nodes, \d+ of them in the gradient\n/);
  const { stdout: json } = await within(["inspect", file, "--provider", "cpu", "--json"], tmpdir());
  expect(JSON.parse(json).providers).toEqual([await providerReport(file)]);
  const { stdout: without } = await within(["inspect", file, "--json"], tmpdir());
  expect(JSON.parse(without).providers).toBeUndefined();
});
