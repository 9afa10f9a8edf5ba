/** @file `--peak` and `--align`: where the command line says that a map points. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { picture } from "../../src/image/picture.ts";
import { encodePng } from "../../src/image/sharp.ts";
import { folder, gradcam, repository, within } from "./run.ts";

const cases = path.join(repository, "test/cases/pictures");

/** A white dot of 7 x 7 pixels on black. */
async function dot(file: string, x: number, y: number, size: number): Promise<void> {
  const black = picture(size, size);
  for (let v = Math.max(0, y - 3); v <= Math.min(size - 1, y + 3); v++)
    black.data.fill(255, (v * size + Math.max(0, x - 3)) * 3, (v * size + Math.min(size, x + 4)) * 3);
  writeFileSync(file, await encodePng(black));
}

async function peakOf(args: readonly string[], out: string): Promise<{ x: number; y: number }> {
  const { code, stdout, stderr } = await within(["explain", ...args, "--class", "0", "--json", "--out", out], out);
  expect([code, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout).explanations[0].peak;
}

describe("--align receptive-field draws a dot where it is", () => {
  // Five convolutions of stride 2 whose middle tap alone counts: a cell looks at one pixel.
  test.each([
    ["pads on both sides", "rf0", [0, 96, 192]],
    ["pads of TensorFlow's SAME, behind alone", "rf1", [31, 127, 223]],
  ] as const)("%s", async (_, name, places) => {
    const out = folder();
    const model = ["--model", path.join(cases, "rf-centre", name)];
    for (const at of places) {
      const file = path.join(out, "dot.png");
      await dot(file, at, places[1], 224);
      expect(await peakOf([file, ...model, "--align", "receptive-field"], out)).toEqual({ x: at, y: places[1] });
    }
    // Evenly placed, the cell of 96 is from 96 to 128.
    if (name === "rf0") expect(await peakOf([path.join(out, "dot.png"), ...model], out)).toMatchObject({ y: 111.5 });
  });

  test("another word is refused", async () => {
    const { code, stderr } = await within(["explain", "dot.png", "--align", "nowhere"], folder());
    expect([code, stderr]).toEqual([2, expect.stringContaining("Allowed choices are bilinear, receptive-field")]);
  });
});

describe("the pointing game", () => {
  const evaluate = async (...more: string[]) => {
    const out = folder();
    const dataset = path.join(cases, "peak-plateau/data");
    const model = ["--model", path.join(cases, "peak-plateau/m"), "--metrics", "pointing-game", "--workers", "1"];
    const args = [
      "evaluate",
      dataset,
      "--format",
      "manifest",
      ...model,
      "--json",
      "--out",
      path.join(out, "e"),
      ...more,
    ];
    const { code, stdout, stderr } = await gradcam(args, out);
    expect(code, stderr).toBe(0);
    const { figures, peak, align } = JSON.parse(stdout);
    const { value } = figures.find((f: { figure: string }) => f.figure === "all");
    return { value, peak, align };
  };

  test("hits all of four mirrored copies of one picture", async () =>
    expect(await evaluate()).toEqual({ value: 1, peak: "centre", align: "bilinear" }));
  test("by the published protocol hits one of them", async () =>
    expect(await evaluate("--peak", "first")).toEqual({ value: 0.25, peak: "first", align: "bilinear" }));
  test("is played where receptive fields have their centres", async () =>
    expect(await evaluate("--align", "receptive-field")).toMatchObject({ align: "receptive-field" }));
});

test("the manifest says how maps were placed", async () => {
  const out = folder();
  const file = path.join(out, "dot.png");
  await dot(file, 96, 96, 224);
  await peakOf(
    [file, "--model", path.join(cases, "rf-centre/rf0"), "--align", "receptive-field", "--peak", "first"],
    out,
  );
  const { peak, align } = JSON.parse(readFileSync(path.join(out, "manifest.json"), "utf8"));
  expect([peak, align]).toEqual(["first", "receptive-field"]);
});
