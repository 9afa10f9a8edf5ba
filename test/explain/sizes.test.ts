/** @file The same network declared with a free or fixed batch, free height and width, channels last, and in half precision. */
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { openExplainer } from "../../src/index.ts";
import { DataType } from "../../src/onnx/proto.ts";
import type { Feeds, Tensor } from "../../src/onnx/runtime.ts";
import { toDense } from "../../src/onnx/tensors.ts";
import { classMethods, quickly } from "../class-methods.ts";
import { channelsLast, gap, halfPrecision, images, squeezeExcite, vgg, withInput } from "../nets.ts";
import { apart, ask, expectClose, expectUserError, numbers, open, session } from "./ask.ts";

const names = classMethods.map(({ name }) => name);
const target = { each: [1, 4] };

describe.each(names)("%s", (method) => {
  // 40 pixels a side: occlusion hides four patches.
  const one = images(1, 40);
  const plan = { input: [1, 3, 40, 40] };
  const reference = async (bytes = gap(plan), feeds = one) =>
    numbers((await ask(bytes, feeds, { method, ...quickly(method), target })).maps);

  test("batch fixed at 1", async () => {
    const { maps } = await ask(gap({ ...plan, free: [] }), one, { method, ...quickly(method), target });
    expect(maps.dims).toEqual([2, 40, 40]);
    expectClose(numbers(maps), await reference());
  });

  test("batch fixed at 2", async () => {
    const [two, small] = [images(2), gap({ free: [] })];
    expectClose(
      numbers((await ask(small, two, { method, ...quickly(method), target })).maps),
      await reference(gap(), two),
    );
  });

  test("free batch: two images are each as alone", async () => {
    const [two, first] = [images(2), images(1)];
    expectClose(
      numbers((await ask(gap(), two, { method, ...quickly(method), target })).maps).slice(0, 128),
      await reference(gap(), first),
    );
  });

  test.each([[["N", 3, "H", "W"]], [["", "", "", ""]], [[1, 3, "H", "W"]]])("declared as %j", async (dims) => {
    expectClose(
      numbers((await ask(withInput(gap(plan), dims), one, { method, ...quickly(method), target })).maps),
      await reference(),
    );
  });

  test("channels last", async () => {
    const first = images();
    const image = last(first.x);
    const { maps, pixels } = await ask(channelsLast(), { image }, { method, ...quickly(method), target });
    const expected = await ask(gap(), first, { method, ...quickly(method), target });
    expectClose(numbers(maps), numbers(expected.maps));
    expect(pixels?.dims).toEqual(expected.pixels?.dims);
    expectClose(numbers(pixels), numbers(expected.pixels));
  });

  test.each([DataType.FLOAT, DataType.FLOAT16] as const)("half precision, from a picture of type %d", async (type) => {
    const { x } = images();
    const feeds = { x: type === DataType.FLOAT ? x : half(x) };
    const { maps } = await ask(halfPrecision(type), feeds, { method, ...quickly(method), target });
    expect(maps.type).toBe("float32");
    // Occlusion takes differences of scores that are rounded to 11 bits; VarGrad, of gradients; extremal perturbation goes by them step after step.
    expect(
      apart(numbers(maps), await reference(gap(), type === DataType.FLOAT ? { x } : rounded(feeds.x))),
    ).toBeLessThan(["occlusion", "vargrad", "extremal-perturbation"].includes(method) ? 0.05 : 0.01);
  });
});

test("one open model of free size takes one size after the other", async () => {
  const explainer = await open(withInput(gap(), ["N", 3, "H", "W"]));
  for (const side of [8, 12, 8]) {
    const feeds = images(2, side);
    const fixed = await ask(gap({ input: [2, 3, side, side] }), feeds, { target: 1 });
    const { maps } = await explainer.explain(feeds, { target: 1 });
    expect(maps.dims).toEqual([2, side, side]);
    expectClose(numbers(maps), numbers(fixed.maps));
  }
  await explainer.release();
});

test("feeds that do not fit say what the model takes", async () => {
  const asked = (feeds: Parameters<typeof ask>[1]) => ask(vgg(), feeds, { target: 0 });
  await expectUserError(asked(images(1, 12)), "invalid-input", '"x" has shape [1,3,12,12]; the model takes [N,3,8,8]');
  await expectUserError(asked({}), "invalid-input", 'missing input: "x"; the model takes x');
  await expectUserError(asked({ ...images(), y: images().x }), "unknown-name", 'unknown input: "y"; the model takes x');
  await expectUserError(
    asked({ x: new ort.Tensor("int32", new Int32Array(192), [1, 3, 8, 8]) }),
    "invalid-input",
    /float/,
  );
});

/** [n, 3, h, w] as [n, h, w, 3]. */
function last({ data, dims: [n, c, h, w] }: Tensor): Tensor {
  const out = new Float32Array(data.length);
  for (let i = 0; i < data.length; i++) {
    const [place, channel] = [i % (h * w), Math.floor(i / (h * w)) % c];
    out[(Math.floor(i / (c * h * w)) * h * w + place) * c + channel] = (data as Float32Array)[i];
  }
  return new ort.Tensor("float32", out, [n, h, w, c]);
}

/** In 16 bits: sign, 5 of exponent, 10 of fraction; the values here are neither tiny nor huge. */
function half({ data, dims }: Tensor): Tensor {
  const bits = Uint16Array.from(data as Float32Array, (v) => {
    if (Math.abs(v) < 2 ** -14) return 0;
    const exponent = Math.floor(Math.log2(Math.abs(v)));
    const steps = Math.round((Math.abs(v) / 2 ** exponent - 1) * 1024);
    return (v < 0 ? 0x8000 : 0) + ((exponent + 15) << 10) + steps; // 1024 steps carry into the exponent, as they should
  });
  return new ort.Tensor("float16", bits, dims);
}

const rounded = (tensor: Tensor) => ({ x: new ort.Tensor("float32", toDense(tensor).data, tensor.dims) });

test("100 sizes of a model of free size keep four sessions open at most, and no more shapes than a few", async () => {
  const { runtime, alive } = counted();
  const explainer = await openExplainer(runtime, withInput(squeezeExcite(), ["N", 3, "H", "W"]), { session });
  let most = 0;
  for (let i = 0; i < 100; i++) {
    const [height, width] = [8 + ((i * 37) % 100), 8 + ((i * 53) % 17)];
    const x = new ort.Tensor("float32", new Float32Array(3 * height * width).fill(0.1), [1, 3, height, width]);
    for (const method of ["grad-cam", "gradient"] as const) await explainer.explain({ x }, { target: 1, method });
    most = Math.max(most, alive());
  }
  expect(most).toBe(4);
  await explainer.release();
  expect(alive()).toBe(0);
  await explainer.release();
  const x = new ort.Tensor("float32", new Float32Array(192), [1, 3, 8, 8]);
  await expectUserError(explainer.explain({ x }, { target: 1 }), "released", /released: open the model again/);
});

test("questions of many sizes at the same time get the answers that each gets alone", async () => {
  const { runtime, alive } = counted();
  const bytes = withInput(squeezeExcite(), ["N", 3, "H", "W"]);
  const explainer = await openExplainer(runtime, bytes, { session, keep: { count: 1 } });
  const feeds = Array.from({ length: 20 }, (_, i) => {
    const [height, width] = [8 + 2 * (i % 7), 8 + i];
    const data = Float32Array.from({ length: 3 * height * width }, (_, p) => Math.sin(0.1 * p + i));
    return { x: new ort.Tensor("float32", data, [1, 3, height, width]) };
  });
  const asked = (x: Feeds, i: number) => explainer.explain(x, { target: i % 5, method: "guided-grad-cam" });
  const together = await Promise.all(feeds.map(asked));
  expect(alive()).toBe(1);
  for (const [i, x] of feeds.entries()) expectClose(numbers(together[i].maps), numbers((await asked(x, i)).maps));
  await explainer.release();
  expect(alive()).toBe(0);
});

/** A runtime that counts its open sessions. */
function counted() {
  let count = 0;
  const create = async (...given: Parameters<typeof ort.InferenceSession.create>) => {
    const made = await ort.InferenceSession.create(...given);
    count++;
    const release = made.release.bind(made);
    made.release = () => {
      count--;
      return release();
    };
    return made;
  };
  const runtime = { ...ort, InferenceSession: { ...ort.InferenceSession, create } } as unknown as typeof ort;
  return { runtime, alive: () => count };
}
