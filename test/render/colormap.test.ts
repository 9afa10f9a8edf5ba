import { describe, expect, test } from "vitest";
import { UserError } from "../../src/errors.ts";
import { type ColormapName, colormap, colormaps } from "../../src/render/colormap.ts";

const colour = (name: ColormapName, step: number) => [...colormap(name).subarray(step * 3, step * 3 + 3)];

describe.each(colormaps)("%s", (name) => {
  test("has 256 colours, each near the one before", () => {
    const colours = colormap(name);
    expect(colours.length).toBe(256 * 3);
    for (let i = 3; i < colours.length; i++) expect(Math.abs(colours[i] - colours[i - 3])).toBeLessThanOrEqual(10);
  });
});

test.each(["inferno", "viridis"] as const)("%s grows lighter with every step", (name) => {
  const luma = (step: number) => {
    const [r, g, b] = colour(name, step);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  for (let step = 1; step < 256; step++) expect(luma(step)).toBeGreaterThan(luma(step - 1) - 0.5);
});

test("ends and middles", () => {
  expect([colour("inferno", 0), colour("inferno", 255)]).toEqual([
    [0, 0, 4],
    [252, 255, 164],
  ]);
  expect([colour("viridis", 0), colour("viridis", 255)]).toEqual([
    [68, 1, 84],
    [253, 231, 37],
  ]);
  expect([colour("jet", 0), colour("jet", 255)]).toEqual([
    [0, 0, 128],
    [128, 0, 0],
  ]);
});

test("an unknown name is named, with what is allowed", () => {
  expect(() => colormap("hot" as ColormapName)).toThrow(UserError);
  expect(() => colormap("hot" as ColormapName)).toThrow(
    "unknown colour map: hot, expected one of inferno, viridis, jet",
  );
});
