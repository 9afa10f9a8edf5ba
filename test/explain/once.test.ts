/** @file Many questions about one picture of a fixed batch: what is the same for all of them is made once. */
import * as ort from "onnxruntime-node";
import { expect, onTestFinished, test, vi } from "vitest";
import { compileAdjoint } from "../../src/autodiff/adjoint.ts";
import { tensorSeeds } from "../../src/explain/seeds.ts";
import { Sessions } from "../../src/explain/sessions.ts";
import type { Session } from "../../src/onnx/runtime.ts";
import { images, vgg } from "../nets.ts";
import { apart, numbers, open, rows } from "./ask.ts";

const fixed = () => open(vgg({ opset: 16, free: [], input: [1, 3, 8, 8] }));

test("the slopes of activations are made apart, and nothing else of the adjoint makes them", async () => {
  await using explainer = await fixed();
  const { model, tensors } = explainer;
  const query = { model, tensors, seeds: tensorSeeds({ model, tensors }, ["logits"]), ends: [{ tensor: "features" }] };
  const whole = compileAdjoint(query);
  const { once, extension, residuals, seeds } = compileAdjoint({ ...query, often: true });
  const types = (nodes: readonly { readonly opType: string }[] = []) => nodes.map(({ opType }) => opType);
  expect(whole.once).toBeUndefined();
  expect(types(whole.extension.nodes)).toContain("HardSigmoid");
  expect(types(once?.extension.nodes)).toContain("HardSigmoid");
  expect(types(extension.nodes)).not.toContain("HardSigmoid");
  // What it hands over is read, and only that; what is asked is no part of it.
  for (const name of once?.made.keys() ?? []) expect(residuals).toContain(name);
  expect(once?.extension.nodes.some(({ input }) => input.some((name) => seeds.includes(name)))).toBe(false);
  expect(once?.extension.nodes.length).toBeLessThan(whole.extension.nodes.length);
});

test("questions together are each alone, in one run for each and one for all", async () => {
  await using explainer = await fixed();
  const forward = await explainer.forward(images(1));
  for (const method of ["grad-cam", "hires-cam"] as const) {
    const asked = { target: { each: [0, 1, 2, 3] }, method };
    const together = await forward.explain(asked);
    for (const target of [0, 1, 2, 3]) {
      const alone = await forward.explain({ target, method });
      expect(apart(rows(together.maps)[target] ?? [], numbers(alone.maps))).toBeLessThan(1e-6);
    }
    const run = vi.spyOn((ort.InferenceSession as unknown as { prototype: Session }).prototype, "run");
    onTestFinished(() => run.mockRestore());
    await forward.explain(asked);
    expect(run).toHaveBeenCalledTimes(5);
    run.mockRestore();
  }
});

test("a session that goes before another is closed with it", async () => {
  const closed: string[] = [];
  const owned = (name: string) => ({ session: { release: async () => void closed.push(name) } });
  const sessions = new Sessions();
  await sessions.use(
    { key: ["a"], bytes: 1, open: async () => ({ ...owned("it"), before: owned("before") }) },
    async () => 0,
  );
  await sessions.release();
  expect(closed.sort()).toEqual(["before", "it"]);
});
