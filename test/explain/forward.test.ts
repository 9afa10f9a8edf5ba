/** @file One forward pass and many questions; progress, cancellation, scores that are not finite, and release. */
import * as ort from "onnxruntime-node";
import { expect, test, vi } from "vitest";
import { classMethods, quickly } from "../class-methods.ts";
import { floats, node } from "../models.ts";
import { gap, images, vgg, withInput } from "../nets.ts";
import { ask, cotangent, expectClose, expectUserError, gradCam, numbers, open, rows, session } from "./ask.ts";

test.each(classMethods.map(({ name }) => name))(
  "a forward pass asked many times answers as explain() does: %s",
  async (method) => {
    const feeds = images();
    const explainer = await open(vgg());
    const forward = await explainer.forward(feeds);
    for (const target of [0, 3, [1, 2], { for: 4, against: 0 }, 0]) {
      const [once, anew] = [
        await forward.explain({ target, method, ...quickly(method) }),
        await explainer.explain(feeds, { target, method, ...quickly(method) }),
      ];
      expect(numbers(once.maps)).toEqual(numbers(anew.maps));
      expect(once.layer).toBe(anew.layer);
    }
    await explainer.release();
  },
);

test.each([1, 3])(
  "the run that finds the best classes of %i images explains them; others take the adjoint's",
  async (n) => {
    const explainer = await open(gap({ outputs: ["logits", "features"] }));
    const feeds = images(n);
    await explainer.explain(feeds, { target: 0 });
    const run = vi.spyOn(Object.getPrototypeOf(await ort.InferenceSession.create(gap())), "run");
    const forward = await explainer.forward(feeds);
    const best = rows(forward.outputs.logits).map((scores) => scores.indexOf(Math.max(...scores)));
    const found = await forward.explain();
    expect(run).toHaveBeenCalledTimes(1);
    const seeds = { logits: cotangent(5, ...best.map((c) => [[c, 1] as const])) };
    const other = await forward.explain({ target: best.map((c) => (c + 1) % 5) });
    expect(run).toHaveBeenCalledTimes(2);
    run.mockRestore();
    expectClose(numbers(found.maps), await gradCam(gap({ outputs: ["logits", "features"] }), feeds, seeds, "features"));
    expect(numbers(other.maps)).not.toEqual(numbers(found.maps));
    await explainer.release();
  },
);

test("questions asked at once do not disturb each other", async () => {
  const explainer = await open(vgg());
  const forward = await explainer.forward(images());
  const targets = [0, 1, 2, 3, 4];
  const atOnce = await Promise.all(targets.map((target) => forward.explain({ target })));
  for (const [i, target] of targets.entries())
    expect(numbers(atOnce[i].maps)).toEqual(numbers((await forward.explain({ target })).maps));
  await explainer.release();
});

test("the forward pass has the model's outputs and the scores", async () => {
  const explainer = await open(gap({ after: [node("Softmax", "logits", "p", { axis: 1 })], outputs: ["p", "pooled"] }));
  const forward = await explainer.forward(images());
  expect(Object.keys(forward.outputs)).toEqual(["p", "pooled"]);
  expect(forward.scores.dims).toEqual([2, 5]);
  const plain = await ort.InferenceSession.create(gap(), session);
  expectClose(Array.from(forward.scores.data), numbers((await plain.run(images())).logits));
  await explainer.release();
});

test.each(classMethods.map(({ name }) => name))(
  "progress never goes back, and ends with 1 where it is told: %s",
  async (method) => {
    const told: number[] = [];
    await ask(gap({ input: [1, 3, 80, 80] }), images(2, 80), {
      target: { each: [0, 1] },
      method,
      ...quickly(method),
      onProgress: (done) => told.push(done),
    });
    expect(told).toEqual([...told].sort((a, b) => a - b));
    expect(told.every((done) => done >= 0 && done <= 1)).toBe(true);
    if (method === "occlusion") expect(told).toEqual([0, 0.25, 0.5, 0.75, 1]);
    if (told.length) expect(told.at(-1)).toBe(1);
  },
);

test("a signal ends occlusion between two runs", async () => {
  const controller = new AbortController();
  const told: number[] = [];
  const onProgress = (done: number) => {
    told.push(done);
    if (told.length === 2) controller.abort();
  };
  const asked = ask(gap({ input: [1, 3, 160, 160] }), images(1, 160), {
    target: 0,
    method: "occlusion",
    onProgress,
    signal: controller.signal,
  });
  await expectUserError(asked, "cancelled", "cancelled");
  expect(told.length).toBe(2);
});

test("a signal given too early ends it at once", async () => {
  const asked = ask(gap(), images(), { target: 0, method: "occlusion", signal: AbortSignal.abort() });
  await expectUserError(asked, "cancelled", "cancelled");
});

test.each([Number.NaN, Number.POSITIVE_INFINITY])("scores of %d are not explained", async (value) => {
  const bytes = gap({ after: [node("Add", "logits bad", "scores")], constants: { bad: floats([0, 0, value, 0, 0]) } });
  for (const { name } of classMethods)
    await expectUserError(
      ask(bytes, images(), { target: 0, method: name, ...quickly(name) }),
      "not-finite",
      `the scores "scores" hold ${value}`,
    );
});

test("a NaN in one image of two says which", async () => {
  const { x } = images();
  (x.data as Float32Array)[200] = Number.NaN;
  await expectUserError(ask(gap(), { x }, { target: 0 }), "not-finite", "(image 1)");
});

test("release frees every session, and twice does no harm", async () => {
  let live = 0;
  const counting = {
    Tensor: ort.Tensor,
    InferenceSession: {
      async create(...args: Parameters<typeof ort.InferenceSession.create>) {
        const made = await ort.InferenceSession.create(...args);
        live++;
        const release = made.release.bind(made);
        made.release = async () => {
          live--;
          await release();
        };
        return made;
      },
    },
  };
  const { openExplainer } = await import("../../src/index.ts");
  const runtime = counting as unknown as typeof ort;
  const explainer = await openExplainer(runtime, withInput(gap(), ["N", 3, "H", "W"]), { session });
  for (const side of [8, 10])
    for (const { name } of classMethods)
      await explainer.explain(images(1, side), { target: 0, method: name, ...quickly(name) });
  expect(live).toBeGreaterThan(2);
  await explainer.release();
  await explainer.release();
  expect(live).toBe(0);
});
