/** @file Scenes and their pictures: the same bytes everywhere, objects where the masks say, in the colours that they are said to have. */
import { createHash } from "node:crypto";
import path from "node:path";
import { runInNewContext } from "node:vm";
import { build } from "esbuild";
import { expect, test } from "vitest";
import {
  inks,
  makeScene,
  paint,
  radii,
  type Scene,
  type SceneObject,
  side,
  withMark,
  withOneMore,
} from "../../src/scenes/index.ts";

const seeds = Array.from({ length: 60 }, (_, seed) => seed);
const hash = (data: Uint8Array) => createHash("sha256").update(data).digest("hex").slice(0, 16);
const area = (mask: Uint8Array) => mask.reduce((sum, value) => sum + value, 0);
const alone = (object: SceneObject, seed = 0): Scene => ({ seed, objects: [object] });
const base: SceneObject = {
  shape: "circle",
  colour: "red",
  size: "big",
  texture: "plain",
  x: 512,
  y: 512,
  radius: 180,
  tilt: 0,
};

test("a seed gives the same bytes on every machine", () => {
  expect(seeds.slice(0, 4).map((seed) => hash(paint(makeScene(seed)).picture.data))).toMatchInlineSnapshot(`
    [
      "e672be2ebf95efd7",
      "c87586c6926353fe",
      "954195554eb64393",
      "ba4c97389204e1f2",
    ]
  `);
  expect(hash(paint(makeScene(7), 224).picture.data)).toMatchInlineSnapshot(`"5feb32bd56142397"`);
});

test("nothing is used whose result engines may choose, and nothing of Node", async () => {
  const entry = path.resolve(import.meta.dirname, "../../src/scenes/index.ts");
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: "iife",
    globalName: "scenes",
  });
  const code = outputFiles[0].text;
  const used = [...code.matchAll(/\bMath\.(\w+)/g)].map(([, name]) => name);
  expect(used.length).toBeGreaterThan(3);
  // These are exact by the language's definition, or by IEEE 754.
  const exact = ["abs", "floor", "imul", "max", "min", "round"];
  expect([...new Set(used)].filter((name) => !exact.includes(name))).toEqual([]);
  expect(code).not.toMatch(/\*\*|\bDate\b|process\.|require\(/);
  const bytes = runInNewContext(`${code}; scenes.paint(scenes.makeScene(3)).picture.data`, { Uint8Array, Math });
  expect(hash(bytes)).toBe(hash(paint(makeScene(3)).picture.data));
});

test("two to four objects, inside the picture, each mostly visible", () => {
  const counts = new Set<number>();
  for (const seed of seeds) {
    const scene = makeScene(seed);
    counts.add(scene.objects.length);
    const { masks } = paint(scene);
    expect(masks).toHaveLength(scene.objects.length);
    scene.objects.forEach((object, i) => {
      const whole = area(paint(alone(object)).masks[0]);
      expect(area(masks[i]) / whole).toBeGreaterThan(0.6);
    });
  }
  expect([...counts].sort()).toEqual([2, 3, 4]);
});

test("masks never overlap, and an object in front hides the one behind", () => {
  const front = { ...base, x: 600, colour: "blue" } as const;
  const { masks } = paint({ seed: 0, objects: [base, front] });
  expect(masks[0].some((value, i) => value + masks[1][i] > 1)).toBe(false);
  expect(area(masks[1])).toBe(area(paint(alone(front)).masks[0]));
  expect(area(masks[0])).toBeLessThan(area(paint(alone(base)).masks[0]));
});

test("a mask has the area and the centre of its shape", () => {
  const areaOf = {
    circle: Math.PI * 0.96 ** 2,
    square: 1.72 ** 2,
    triangle: (2.04 * 1.84) / 2,
    cross: 4 * 0.68 - 0.68 ** 2,
    // Ten triangles between the centre, a point and a notch: sin 36 degrees.
    star: 5 * 1.12 * 0.46 * Math.sin(Math.PI / 5),
  };
  for (const [shape, expected] of Object.entries(areaOf)) {
    const [mask] = paint(alone({ ...base, shape: shape as SceneObject["shape"] }), 256).masks;
    expect(area(mask) / 45 ** 2 / expected).toBeCloseTo(1, 1);
    const across = mask.reduce((sum, value, i) => sum + value * ((i % 256) + 0.5), 0) / area(mask);
    expect(Math.abs(across - 128)).toBeLessThan(0.5);
  }
});

test("pixels of a mask are of the object's colour", () => {
  const nearest = {
    red: [214, 40, 40],
    green: [48, 168, 64],
    blue: [44, 84, 216],
    yellow: [236, 208, 44],
    purple: [152, 60, 184],
    white: [240, 240, 240],
  };
  for (const seed of seeds) {
    const scene = makeScene(seed);
    const { picture, masks } = paint(scene);
    scene.objects.forEach(({ colour, texture }, k) => {
      if (texture !== "plain") return;
      const mean = [0, 1, 2].map(
        (c) => masks[k].reduce((sum, on, i) => sum + on * picture.data[3 * i + c], 0) / area(masks[k]),
      );
      const distance = (name: keyof typeof nearest) => nearest[name].reduce((sum, v, c) => sum + (v - mean[c]) ** 2, 0);
      const found = (Object.keys(nearest) as (keyof typeof nearest)[]).sort((a, b) => distance(a) - distance(b))[0];
      expect(found).toBe(colour);
    });
  }
});

test("striped and dotted objects have a second, darker colour; plain ones have not", () => {
  const spread = (texture: SceneObject["texture"]) => {
    const { picture, masks } = paint(alone({ ...base, texture }));
    const reds = [...masks[0]].flatMap((on, i) => (on ? [picture.data[3 * i]] : []));
    const mean = reds.reduce((a, b) => a + b, 0) / reds.length;
    return Math.sqrt(reds.reduce((sum, red) => sum + (red - mean) ** 2, 0) / reds.length);
  };
  expect(spread("plain")).toBeLessThan(20);
  expect(spread("striped")).toBeGreaterThan(40);
  expect(spread("dotted")).toBeGreaterThan(40);
});

test("one scene at two sizes has the same objects in the same places", () => {
  const scene = makeScene(11);
  const [small, large] = [paint(scene, 48), paint(scene, 192)];
  scene.objects.forEach((_, k) => {
    expect(area(large.masks[k]) / area(small.masks[k]) / 16).toBeCloseTo(1, 0);
  });
});

test("one more object comes before the others, inside the picture, and hides none of them", () => {
  for (const scene of seeds.map(makeScene).filter(({ objects }) => objects.length < 4)) {
    const more = withOneMore(scene)!;
    expect(more.objects.slice(0, -1)).toEqual(scene.objects);
    const { x, y, radius, size } = more.objects.at(-1) as SceneObject;
    expect(radius).toBeGreaterThanOrEqual(radii[size][0]);
    expect(radius).toBeLessThanOrEqual(radii[size][1]);
    for (const v of [x, y]) expect(Math.abs(v - side / 2) + radius).toBeLessThan(side / 2);
    for (const other of scene.objects)
      expect(Math.hypot(x - other.x, y - other.y)).toBeGreaterThan(0.75 * (radius + other.radius));
  }
});

test("a mark is a square of its colour in a free corner, and all else stays as it was", () => {
  const corners = new Set<string>();
  for (const seed of seeds) {
    const scene = makeScene(seed);
    const marked = withMark(scene, "red");
    if (!marked?.mark) continue;
    corners.add(marked.mark.corner);
    const [before, after] = [paint(scene), paint(marked)];
    const { mark = new Uint8Array() } = after;
    expect(area(mark)).toBe(12 * 12);
    expect(after.masks.map(hash)).toEqual(before.masks.map(hash));
    expect(before.mark).toBeUndefined();
    // Noise is up to 10; outside of the mark no byte differs.
    const wrong = [...after.picture.data.keys()].filter((i) =>
      mark[Math.floor(i / 3)]
        ? Math.abs(after.picture.data[i] - inks.red[i % 3]) > 10
        : after.picture.data[i] !== before.picture.data[i],
    );
    expect(wrong).toEqual([]);
  }
  expect(corners.size).toBe(4);
  const everywhere = [200, 824].flatMap((x) => [200, 824].map((y) => ({ ...base, x, y })));
  expect(withMark({ seed: 0, objects: everywhere }, "red")).toBeUndefined();
});
