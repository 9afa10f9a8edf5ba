/** @file The drawings of signals and volumes: axes, what lies where, and that a renderer draws them at the size they state. */
import { describe, expect, test } from "vitest";
import { picture } from "../../src/image/picture.ts";
import { decode, encodePng, rasterise } from "../../src/image/sharp.ts";
import { colormap } from "../../src/render/colormap.ts";
import { shownSlices, sliceSheet } from "../../src/render/slices.ts";
import { ticks } from "../../src/render/ticks.ts";
import { timeline } from "../../src/render/timeline.ts";

const labels = (svg: string): string[] => [...svg.matchAll(/aria-label="([^"]*)"/g)].map(([, label]) => label);
async function drawn(svg: string) {
  const [, width, height] = /width="(\d+)" height="(\d+)"/.exec(svg) ?? [];
  const image = await decode(await rasterise(svg));
  expect([image.width, image.height]).toEqual([Number(width), Number(height)]);
  return (x: number, y: number) => [...image.data.subarray((y * image.width + x) * 3, (y * image.width + x) * 3 + 3)];
}

test.each([
  [0, 0.25, ["0.00", "0.05", "0.10", "0.15", "0.20", "0.25"]],
  [0, 1, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]],
  [0, 8000, ["0", "2000", "4000", "6000", "8000"]],
  [0, 0.00012, ["0.00000", "0.00002", "0.00004", "0.00006", "0.00008", "0.00010", "0.00012"]],
])("marks from %d to %d", (from, to, words) => expect(ticks(from, to, 6).map(({ text }) => text)).toEqual(words));

describe("a signal", () => {
  const samples = Float32Array.from({ length: 1000 }, (_, i) => (i < 500 ? 0 : Math.sin(i)));
  const map = Float32Array.from({ length: 1000 }, (_, i) => (i < 500 ? 0 : 1));
  const signal = { rate: 1000, channels: [samples] };
  const tracks = [
    { label: "siren", detail: ["Grad-CAM"], map },
    { label: "dog", detail: [], map: { blank: "no positive evidence" } },
  ];
  const svg = timeline({ signal, tracks, colormap: "inferno", caption: "Model m5" });

  test("time in seconds, and what the tracks are", () => {
    expect(labels(svg)).toEqual(
      expect.arrayContaining([
        "Signal",
        "1 s at 1000 Hz",
        "siren",
        "dog",
        "no positive evidence",
        "time in seconds",
        "0.0",
        "1.0",
        "Model m5",
      ]),
    );
    expect(labels(timeline({ signal: { channels: [samples] }, tracks, colormap: "jet" }))).toContain("time in samples");
  });
  test("the strip has the map's colours where they are in time, and the waveform is above", async () => {
    const at = await drawn(svg);
    const [left, plot, strip] = [204, 760, 220];
    const colours = colormap("inferno");
    expect(at(left + plot / 4, strip)).toEqual([...colours.subarray(0, 3)]);
    expect(at(left + (3 * plot) / 4, strip)).toEqual([...colours.subarray(255 * 3)]);
    expect(at(left + (3 * plot) / 4, 60)[0]).toBeLessThan(200);
    expect(at(left + plot / 4 + 3, 60)).toEqual([255, 255, 255]);
  });
});

describe("a volume", () => {
  test("slices with their numbers", async () => {
    const png = await encodePng(picture(20, 10));
    const slices = [0, 3, 7].map((number) => ({ number, picture: png }));
    const svg = sliceSheet({ title: "tumour", slices, colormap: "viridis", caption: "Model" });
    expect(labels(svg)).toEqual(expect.arrayContaining(["tumour", "slice 0", "slice 3", "slice 7", "Model", "0", "1"]));
    const at = await drawn(svg);
    expect(at(30, 60)).toEqual([0, 0, 0]);
  });
  test.each([
    [4, 6, [], [0, 1, 2, 3]],
    [12, 6, [], [0, 2, 4, 7, 9, 11]],
    [12, 6, [5], [0, 2, 5, 7, 9, 11]],
    [12, 2, [5, 6, 7], [5, 6]],
    [1, 6, [0], [0]],
  ])("of %i slices %i, with %j", (depth, most, noted, shown) => expect(shownSlices(depth, most, noted)).toEqual(shown));
});
