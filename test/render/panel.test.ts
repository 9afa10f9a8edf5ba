import { describe, expect, test } from "vitest";
import { InternalError } from "../../src/errors.ts";
import { picture } from "../../src/image/picture.ts";
import { decode, encodePng, rasterise } from "../../src/image/sharp.ts";
import { type Panel, panel } from "../../src/render/panel.ts";

const png = await encodePng(picture(40, 30));
const figure: Panel = {
  columns: ["Input", "Grad-CAM"],
  rows: [
    { label: "Egyptian cat", detail: ["score 9.31", "probability 27.4 %"], cells: [png, png] },
    { label: "espresso <3", detail: [], cells: [png, { blank: "The map is blank." }] },
  ],
  colorbar: { colormap: "inferno", label: "share of the maximum", ticks: ["0", "0.5", "1"] },
  caption: "EfficientNet-Lite0",
};

/** The figure without outlines and pictures: what is where. */
const structure = (svg: string) =>
  svg
    .replace(/ d="M[^"]{20,}"/g, "")
    .replace(/base64,[^"]+/g, "base64,…")
    .replace(/(<stop [^>]+>)+/g, "<stop…/>");

describe("panel", () => {
  test("has a row for each class and a column for each view", () => expect(structure(panel(figure))).toMatchSnapshot());

  test("keeps the pictures' aspect", () => {
    expect(panel(figure).match(/<image [^>]*width="280" height="210"/g)).toHaveLength(3);
  });

  test("is drawn by an SVG renderer at the size it states", async () => {
    const svg = panel(figure);
    const [, width, height] = /width="(\d+)" height="(\d+)"/.exec(svg) ?? [];
    const drawn = await decode(await rasterise(svg));
    expect([drawn.width, drawn.height]).toEqual([Number(width), Number(height)]);
    // The heading's letters are there, and the input's cell is the black picture.
    const at = (x: number, y: number) => drawn.data[(y * drawn.width + x) * 3];
    expect(at(300, 150)).toBe(0);
    expect(Math.min(...drawn.data.subarray(20 * drawn.width * 3, 40 * drawn.width * 3))).toBeLessThan(90);
  });

  test("needs neither colour bar nor caption nor a picture", () => {
    const svg = panel({ columns: ["Map"], rows: [{ label: "cat", detail: [], cells: [{ blank: "none" }] }] });
    expect(svg).toContain('width="280" height="280" fill="#f4f4f4"');
    expect(svg).not.toContain("NaN");
  });

  test("of bytes that are no PNG is our own mistake", () => {
    const rows = [{ label: "", detail: [], cells: [new Uint8Array(30)] }];
    expect(() => panel({ columns: [""], rows })).toThrow(InternalError);
  });
});
