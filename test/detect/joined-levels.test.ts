/** @file Maps of several levels joined: LayerCAM at each level by PyTorch's autograd on the same network, and what is joined of them. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { load } from "../../src/node/load.ts";
import { joinedMap } from "../../src/tasks/joined-maps.ts";
import { numbersOf, readNpy } from "../arrays.ts";

const at = (file: string) => fileURLToPath(new URL(file, import.meta.url));

interface Reference {
  readonly box: number;
  readonly class: number;
  /** The finest first. */
  readonly levels: readonly (readonly number[])[];
  readonly joined: readonly number[];
}
const references: Reference[] = JSON.parse(readFileSync(at("levels/levels.json"), "utf8"));
const bundled = fileURLToPath(new URL("../../models/scenes-detector", import.meta.url));

const model = await load(at("levels/model.onnx"));
const data = Float32Array.from(numbersOf(readNpy(at("references/picture.npy"))), (v) => v / 255);
const sample = { data, dims: [1, 3, 64, 64] };
afterAll(() => model.release());
const layers = model.reading.layers.flatMap((layer) => (layer.default ? [layer.name] : []));

/** The largest difference, in parts of the largest value. */
const apart = (map: ArrayLike<number>, wanted: readonly number[]) =>
  wanted.reduce((most, v, i) => Math.max(most, Math.abs(v - (map[i] ?? Number.NaN))), 0) / Math.max(...wanted);

describe.each(references)("box $box", ({ box, levels, joined }) => {
  test.each(levels.map((level, i) => [i, level] as const))("level %i by autograd", async (i, level) => {
    const options = { targets: [`box:${box}`], method: "layer-cam", layer: layers[i] } as const;
    if (level.every((v) => v === 0)) {
      await expect(model.explain(sample, options)).rejects.toThrow(/^no path: /);
      return;
    }
    const [{ map } = { map: undefined }] = (await model.explain(sample, options)).explanations;
    expect(map?.data.length).toBe(level.length);
    expect(apart(map?.data ?? [], level)).toBeLessThan(1e-4);
  });

  test("joined", async () => {
    const options = { method: "layer-cam", options: { layers: "levels" } } as const;
    const why = await model.explain(sample, { targets: [`box:${box}`], ...options });
    const [one] = why.explanations;
    const reached = layers.filter((_, i) => levels[i]?.some((v) => v > 0));
    expect(one?.layers ?? [one?.layer]).toEqual(reached);
    // A single one is raw.
    const scale = reached.length > 1 ? 1 : Math.max(...(levels[0] ?? []));
    expect(
      apart(
        one?.map.data ?? [],
        joined.map((v) => v * scale),
      ),
    ).toBeLessThan(1e-4);
  });
});

test("a class is joined of its boxes, each divided by its maximum", async () => {
  const why = await model.explain(sample, { targets: ["class:2"], method: "layer-cam", options: { layers: "levels" } });
  const own = why.detections?.filter((one) => one.class === 2) ?? [];
  const boxes = await model.explain(sample, {
    targets: own.map(({ index }) => `box:${index}`),
    ...{ method: "layer-cam", options: { layers: "levels" } },
  });
  expect(own.length).toBeGreaterThan(1);
  const whole = why.explanations[0]?.map.data ?? new Float32Array();
  // Divided again: a box of one level is raw where it is asked alone, and those of several have a maximum of 1 at their own grid.
  for (const { map } of boxes.explanations) {
    const most = Math.max(...map.data);
    if (map.data.length === whole.length)
      for (const [i, v] of map.data.entries()) expect(whole[i]).toBeGreaterThan(v / most - 1e-4);
  }
  expect(Math.max(...whole)).toBeCloseTo(1, 5);
});

test("without a method a class shows all of its boxes, and one box its own map", async () => {
  const detector = await load(bundled);
  const { paint, makeScene } = await import("../../src/scenes/index.ts");
  const { picture } = paint(makeScene(17));
  const why = await detector.explain(picture, { targets: ["class:star", "class:circle", "box:2"] });
  const [star, circle, alone] = why.explanations;
  expect(star?.blank).toBeUndefined();
  expect(star?.method).toBe("hires-cam");
  expect(star?.layers?.length).toBe(2);
  const stars = (why.detections ?? []).filter(({ label }) => label === "star");
  expect(stars.length).toBe(2);
  for (const { box } of stars) {
    const [x0, y0, x1, y1] = box.map(Math.round) as [number, number, number, number];
    const { data: values, width } = star?.onPicture ?? { data: new Float32Array(), width: 0 };
    let most = 0;
    for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++) most = Math.max(most, values[y * width + x] ?? 0);
    expect(most).toBeGreaterThan(0.8);
  }
  expect(circle?.map).toEqual(alone?.map);
  await detector.release();
});

test("one box rather than another lies where the one has its map, less what the other reads there", async () => {
  const detector = await load(bundled);
  const { paint, makeScene } = await import("../../src/scenes/index.ts");
  const { picture } = paint(makeScene(17));
  const targets = ["box:0", "box:1", "box:2", "box:0 ~ box:1", "box:0 ~ box:2"];
  const why = await detector.explain(picture, { targets, options: { sign: "signed" } });
  const [zero, one, two, different, same] = why.explanations;
  const data = (e = zero) => [...(e?.map.data ?? [])];
  // Of two levels that do not read each other.
  expect(zero?.layer).not.toBe(one?.layer);
  expect(different?.layer).toBe(zero?.layer);
  expect(apart(data(different), data(zero))).toBeLessThan(1e-5);
  // Of one level.
  expect([same?.layer, two?.layer]).toEqual([zero?.layer, zero?.layer]);
  expect(
    apart(
      data(same),
      data(zero).map((v, i) => v - (data(two)[i] ?? 0)),
    ),
  ).toBeLessThan(1e-5);
  await detector.release();
});

test("what joins nothing is refused", async () => {
  const levels = { layers: "levels" };
  await expect(model.explain(sample, { method: "layer-cam", options: levels, layer: layers[0] })).rejects.toThrow(
    /"levels" joins .*; it does not go with a layer of one's own/,
  );
  await expect(model.explain(sample, { method: "gradient", options: levels })).rejects.toThrow(
    /unknown option of gradient: "layers"/,
  );
  await expect(model.explain(sample, { method: "layer-cam", options: { layers: "all" } })).rejects.toThrow(
    /layers is for questions about classes, not about boxes/,
  );
  const classifier = await load();
  await expect(
    classifier.explain({ width: 8, height: 8, data: new Uint8Array(192) }, { method: "layer-cam", options: levels }),
  ).rejects.toThrow(/"levels" are those of a detector's head/);
  await classifier.release();
});

test("the largest magnitude stays, with its sign; what is not a number is seen", () => {
  const map = (values: readonly number[], side: number) => ({
    map: { data: Float32Array.from(values), dims: [side, side] },
  });
  const fine = map([2, -4, 0, 1], 2);
  expect(joinedMap([map([-3], 1), fine]).data).toEqual(Float32Array.from([-1, -1, -1, -1]));
  expect(joinedMap([fine]).data).toBe(fine.map.data);
  expect([...joinedMap([map([Number.NaN], 1), fine]).data].some(Number.isNaN)).toBe(true);
  expect([...joinedMap([map([0], 1), fine]).data]).toEqual([0.5, -1, 0, 0.25]);
});
