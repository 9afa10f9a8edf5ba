/** @file Memory that is told: smaller batches give the same maps, and what no batch is small enough for runs nothing. Cancelled: within a batch, with what there is where it is wanted. */
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { type GivenOptions, methods, openExplainer } from "../../src/index.ts";
import type { MethodName } from "../../src/methods/by-name.ts";
import type { Runtime } from "../../src/onnx/runtime.ts";
import { classMethods } from "../class-methods.ts";
import { model, node } from "../models.ts";
import { images, weights } from "../nets.ts";
import { apart, ask, expectUserError, numbers, session } from "./ask.ts";

/** A runtime that says how many rows every run was fed. */
function watched() {
  const rows: number[] = [];
  const create = async (bytes: Uint8Array, options?: ort.InferenceSession.SessionOptions) => {
    const made = await ort.InferenceSession.create(bytes, options);
    const run = made.run.bind(made) as (...given: unknown[]) => Promise<unknown>;
    Object.assign(made, {
      run: (feeds: Record<string, ort.Tensor>, ...given: unknown[]) => {
        rows.push(Math.max(...Object.values(feeds).map(({ dims }) => (dims.length === 4 ? (dims[0] ?? 1) : 1))));
        return run(feeds, ...given);
      },
    });
    return made;
  };
  return { runtime: { ...ort, InferenceSession: { create } } as unknown as Runtime, rows };
}

/** Of more than 1 MB a picture, nearly all of it in front of the layer, which has 64 cells and 6 channels; its head is not linear. */
const net = model({
  opset: 13,
  free: ["x"],
  inputs: {
    ...{ x: [1, 3, 128, 128], w: weights([8, 3, 3, 3], 1), b: weights([8], 2, 0.1) },
    ...{ v: weights([6, 8, 1, 1], 3), c: weights([6], 4, 0.1), hw: weights([7, 6], 5, 1), hb: weights([7], 6) },
    ...{ fw: weights([5, 7], 7, 1), fb: weights([5], 8) },
  },
  nodes: [
    node("Conv", "x w b", "conv", { kernel_shape: [3, 3], pads: [1, 1, 1, 1] }),
    node("Relu", "conv", "rectified"),
    node("AveragePool", "rectified", "small", { kernel_shape: [16, 16], strides: [16, 16] }),
    node("Conv", "small v c", "again"),
    node("Relu", "again", "features"),
    node("GlobalAveragePool", "features", "pooled"),
    node("Flatten", "pooled", "flat"),
    node("Gemm", "flat hw hb", "hidden", { transB: 1 }),
    node("Relu", "hidden", "bent"),
    node("Gemm", "bent fw fb", "logits", { transB: 1 }),
  ],
});
const picture = images(1, 128);

/** Options of little work, of those that a method has. */
const brief: GivenOptions = { samples: 10, steps: 10, patch: 80, stride: 40, batch: 10, masks: 10, cells: 2 };
/** What takes no 10. */
const others: Readonly<Record<string, GivenOptions>> = { "kernel-shap": { samples: 24 }, sobol: { samples: 4 } };
const briefOf = (name: string): GivenOptions => {
  const { options = [] } = methods.find((method) => method.name === name) ?? {};
  const own = Object.entries(brief).filter(([key]) => options.some((one) => one.name === key));
  return { ...Object.fromEntries(own), ...others[name] };
};
const names = classMethods.map(({ name }) => name);

describe.each(names)("%s", (method) => {
  const asked = { method, target: { each: [0, 3] }, options: briefOf(method) } as const;

  test("in little memory runs have few rows, and the maps are the same; in less than one takes nothing runs", async () => {
    const { runtime, rows } = watched();
    await using explainer = await openExplainer(runtime, net, { session });
    const before = rows.length;
    const refused = await explainer.explain(picture, { ...asked, maxMemory: 1000 }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ name: "UserError", code: "invalid-option" });
    const [, least] =
      /^invalid maxMemory: 1 MB; allowed is at least (\d+) MB, [^\n]*$/.exec(String((refused as Error).message)) ?? [];
    expect(Number(least)).toBeGreaterThan(1);
    expect(rows.length).toBe(before);

    const { maps } = await explainer.explain(picture, asked);
    rows.length = 0;
    const small = await explainer.explain(picture, { ...asked, maxMemory: 1e6 * Number(least) });
    expect(Math.max(...rows)).toBeLessThanOrEqual(2);
    expect(apart(numbers(small.maps), numbers(maps))).toBeLessThan(1e-5);
  });
});

test("without a limit many rows are one run", async () => {
  const { runtime, rows } = watched();
  await using explainer = await openExplainer(runtime, net, { session });
  await explainer.explain(picture, { method: "rise", target: 0, options: briefOf("rise") });
  expect(Math.max(...rows)).toBe(10);
});

test("maps of too many targets are a line; a limit is a number of bytes", async () => {
  const target = { each: Array.from({ length: 500 }, () => 1) };
  await expectUserError(
    ask(net, picture, { method: "gradient", target, maxMemory: 50e6 }),
    "invalid-option",
    "500 maps take",
  );
  await expectUserError(ask(net, picture, { maxMemory: 0 }), "invalid-option", "a number of bytes above 0");
  await expectUserError(ask(net, picture, { maxMemory: Number.NaN }), "invalid-option", "a number of bytes above 0");
});

test("what must be one run says so where it has no room", async () => {
  const refused = await ask(net, picture, { method: "gradient", maxMemory: 1 }).catch(String);
  // What one image takes, and not two.
  const told = { target: 0, maxMemory: 1e6 * Number(/at least (\d+) MB/.exec(String(refused))?.[1]) };
  await expectUserError(ask(net, picture, { ...told, method: "deeplift" }), "invalid-option", "a run over 2 images");
  const noisy = { ...told, method: "smooth-grad-cam++" as const, options: { samples: 9 } };
  await expectUserError(ask(net, picture, noisy), "invalid-option", "a run over 10 images");
});

const many = methods.filter(({ name, graph }) => !graph && names.includes(name as MethodName));

describe.each(many.map(({ name }) => name))("%s is cancelled", (method) => {
  test("within a batch, and tells how far it is", async () => {
    const { runtime, rows } = watched();
    await using explainer = await openExplainer(runtime, net, { session });
    const stop = new AbortController();
    const told: number[] = [];
    let since = 0;
    const options = { ...briefOf(method), ...(briefOf(method).batch && { batch: 2 }) };
    const onProgress = (done: number) => {
      told.push(done);
      if (done > 0) stop.abort();
      since = rows.length;
    };
    const { signal } = stop;
    const answer = await explainer
      .explain(picture, { method, target: 0, options, onProgress, signal })
      .catch((error) => error);
    // What is one batch in all has ended when it is told.
    if (told.every((done) => done === 0 || done === 1)) return;
    expect(answer).toMatchObject({ name: "UserError", code: "cancelled" });
    expect(rows.length - since).toBeLessThanOrEqual(2);
  });
});

describe.each(["smoothgrad", "vargrad", "squaregrad", "gradient-shap", "rise"] as const)("%s, cancelled", (method) => {
  const ended = async (partial: boolean | undefined) => {
    const stop = new AbortController();
    const onProgress = (done: number) => done >= 0.4 && stop.abort();
    const options = { samples: 10, batch: 2, seed: 3 };
    return ask(net, picture, { method, target: 1, options, partial, onProgress, signal: stop.signal });
  };

  test("is the mean of the samples until then, where that is wanted", async () => {
    const found = await ended(true);
    expect(found.partial).toBe(true);
    const whole = await ask(net, picture, { method, target: 1, options: { samples: 6, batch: 2, seed: 3 } });
    expect(whole.partial).toBeUndefined();
    expect(apart(numbers(found.maps), numbers(whole.maps))).toBeLessThan(1e-5);
  });

  test("else an error", () => expectUserError(ended(undefined), "cancelled", "cancelled"));
});

test("what is no mean of samples has no estimate", () => {
  const stop = new AbortController();
  const onProgress = (done: number) => done > 0.3 && stop.abort();
  const asked = { method: "integrated-gradients", options: { steps: 10, batch: 2 }, partial: true } as const;
  return expectUserError(ask(net, picture, { ...asked, onProgress, signal: stop.signal }), "cancelled", "cancelled");
});
