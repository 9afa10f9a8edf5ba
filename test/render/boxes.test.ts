/** @file Boxes on pictures: seen on any ground, named where there is room, and never outside of the picture. */
import { describe, expect, test } from "vitest";
import type { Box } from "../../src/image/locate.ts";
import { type Picture, picture } from "../../src/image/picture.ts";
import { decode, rasterise } from "../../src/image/sharp.ts";
import { type BoxMark, drawBoxes } from "../../src/render/boxes.ts";
import { page } from "../../src/render/figure.ts";
import { lettering } from "../../src/render/lettering.ts";
import { text } from "../../src/render/text.ts";

const ground = (width: number, height: number, value: number) =>
  picture(width, height, new Uint8Array(width * height * 3).fill(value));

/** The pixels that drawing has changed. */
function changed(before: Picture, marks: readonly BoxMark[]) {
  const { data } = drawBoxes(before, marks);
  const places: { x: number; y: number; value: number }[] = [];
  for (let i = 0; i < data.length; i += 3)
    if (data[i] !== before.data[i])
      places.push({ x: (i / 3) % before.width, y: Math.floor(i / 3 / before.width), value: data[i] as number });
  return places;
}

const extent = (places: readonly { x: number; y: number }[]) => [
  Math.min(...places.map(({ x }) => x)),
  Math.min(...places.map(({ y }) => y)),
  Math.max(...places.map(({ x }) => x)),
  Math.max(...places.map(({ y }) => y)),
];

describe("a box", () => {
  test.each([0, 90, 128, 200, 255])("is seen on a ground of %d: some of it is lighter or darker by 100", (value) => {
    const seen = changed(ground(100, 80, value), [{ box: [20, 20, 60, 60] }]);
    expect(Math.max(...seen.map((one) => Math.abs(one.value - value)))).toBeGreaterThan(100);
    expect(
      seen.some(({ x, y }) => x > 25 && x < 55 && y > 25 && y < 55),
      "its inside stays",
    ).toBe(false);
  });

  test("leaves the picture that was given as it was", () => {
    const before = ground(50, 50, 7);
    drawBoxes(before, [{ box: [5, 5, 40, 40], label: "x" }]);
    expect(before.data.every((value) => value === 7)).toBe(true);
  });

  test("is drawn about its edges", () => {
    const [left, top, right, bottom] = extent(changed(ground(200, 200, 128), [{ box: [40, 60, 120, 150] }]));
    for (const [edge, at] of [
      [left, 40],
      [top, 60],
      [right, 120],
      [bottom, 150],
    ] as const) // prettier-ignore
      expect(Math.abs((edge as number) - at)).toBeLessThanOrEqual(2);
  });

  test("that reaches beyond the picture is closed at its border", () => {
    const before = ground(64, 48, 128);
    for (const box of [
      [-30, -5, 500, 60],
      [-1e9, -1e9, 1e9, 1e9],
      [-0.4, 3, 63.9, 48.2],
    ] as Box[]) {
      // prettier-ignore
      const seen = changed(before, [{ box }]);
      for (const side of [0, 1]) {
        const at = (place: { x: number; y: number }) => (side === 0 ? place.x : place.y);
        const most = side === 0 ? 63 : 47;
        expect(seen.some((place) => at(place) <= 4) && seen.some((place) => at(place) >= most - 4)).toBe(true);
      }
    }
  });

  test("beyond the picture is not drawn, one of a pixel or of no area is", () => {
    const before = ground(64, 48, 128);
    expect(changed(before, [{ box: [70, 5, 90, 20], label: "far" }])).toEqual([]);
    expect(changed(before, [{ box: [Number.NaN, 5, 90, 20], label: "nowhere" }])).toEqual([]);
    for (const box of [
      [20, 20, 21, 21],
      [20, 20, 20, 40],
      [20, 20, 20, 20],
    ] as Box[]) // prettier-ignore
      expect(changed(before, [{ box }]).length).toBeGreaterThan(3);
  });

  test("that is not spoken of is faint", () => {
    const before = ground(64, 48, 128);
    const sum = (marks: BoxMark[]) => changed(before, marks).reduce((all, one) => all + Math.abs(one.value - 128), 0);
    const box: Box = [10, 10, 50, 40];
    expect(sum([{ box, faint: true, label: "left out" }])).toBeLessThan(sum([{ box }]) / 3);
  });
});

test.each([
  [undefined],
  [[{}]],
  [[{ box: [1, 2, 3] }]],
  [[{ box: [0, 0, 9, "9"] }]],
  [[{ box: [0, 0, 9, 9], label: 5 }]],
])("%j is no list of boxes", (marks) =>
  expect(() => drawBoxes(ground(9, 9, 0), marks as never)).toThrow(/^invalid marks: .*; allowed is a list of boxes/),
);

describe("a label", () => {
  const names = [
    "cat",
    "a name that is far too long for any picture ".repeat(20),
    "<&>\"'",
    "חתול",
    "猫",
    "e\u0301",
    "\ud800",
    "",
  ];
  test.each(names)("%j stays within the picture, wherever the box is", (label) => {
    for (const [width, height] of [
      [90, 60],
      [600, 30],
      [30, 600],
    ] as const) // prettier-ignore
      for (const box of [
        [0, 0, 10, 10],
        [width - 5, height - 5, width, height],
        [-50, 2, width * 2, 9],
      ] as Box[]) {
        // prettier-ignore
        const out = drawBoxes(ground(width, height, 128), [{ box, label, value: "0.93" }]);
        expect([out.width, out.height, out.data.length]).toEqual([width, height, width * height * 3]);
      }
  });

  test("has its score, however long the name is", () => {
    const marks = (value: string) => [{ box: [5, 40, 60, 90] as Box, label: "endless ".repeat(100), value }];
    const before = ground(200, 100, 128);
    expect(changed(before, marks("0.93"))).not.toEqual(changed(before, marks("0.11")));
  });

  test("is left out where it could not be read", () => {
    const tiny = ground(12, 10, 128);
    expect(changed(tiny, [{ box: [2, 2, 8, 8], label: "cat", value: "0.5" }])).toEqual(
      changed(tiny, [{ box: [2, 2, 8, 8] }]),
    );
  });

  test("of one box does not hide that of another", () => {
    const before = ground(300, 200, 128);
    const box: Box = [100, 80, 160, 120];
    const both = [
      { box, label: "first" },
      { box, label: "second" },
    ]; // prettier-ignore
    const lone = changed(before, [{ box, label: "first" }]);
    const now = new Map(changed(before, both).map(({ x, y, value }) => [`${x},${y}`, value]));
    const letters = lone.filter(({ x, y, value }) => value > 150 && (y < 76 || x < 96));
    expect(letters.length).toBeGreaterThan(10);
    expect(letters.every(({ x, y }) => (now.get(`${x},${y}`) ?? 0) > 150)).toBe(true);
  });
});

test.each(["star 0.93", "Ägypten & Łódź", "Ωμέγα 8 @ %", "Жук (12)"])(
  "%s: letters are those of the SVG",
  async (line) => {
    const size = 32;
    const { width, height, baseline, cover } = lettering(line, size);
    const svg = page("", width, height, [text(line, { x: 0, y: baseline, size, colour: "#000" })]);
    const drawn = await decode(await rasterise(svg));
    const differences = cover.map((share, i) => Math.abs(share - (255 - (drawn.data[i * 3] as number)) / 255));
    expect(cover.reduce((a, b) => a + b)).toBeGreaterThan(200);
    expect(differences.reduce((a, b) => a + b) / cover.reduce((a, b) => a + b)).toBeLessThan(0.03);
  },
);
