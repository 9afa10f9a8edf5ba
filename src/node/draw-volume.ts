/**
 * @file A volume's explanations: its slices with the map over them. All slices are one tall picture while they are coloured, so that
 * they share one scale.
 */
import { type Picture, picture } from "../image/picture.ts";
import { encodePng, rasterise } from "../image/sharp.ts";
import { heat, overlay } from "../render/overlay.ts";
import { type Cell, type PanelRow, panel } from "../render/panel.ts";
import { shownSlices, sliceSheet } from "../render/slices.ts";
import type { ClassExplanation } from "../tasks/classify/classification.ts";
import { drawn } from "../tasks/pictures.ts";
import { type Draw, mostRows, titled, views } from "./drawing.ts";

/** In a sheet of one map, and beside each other in the panel. */
const mostSlices = { sheet: 36, panel: 6 } as const;

export const drawVolume: Draw<"volume"> = (
  { volume, predictions, explanations },
  { colormap, caption, views: shown = views },
) => {
  const [channels, depth, height, width] = volume.dims;
  const tall = drawn({ data: volume.data, dims: [channels, depth * height, width] });
  const sliceOf = ({ data }: Picture, z: number): Promise<Uint8Array> =>
    encodePng(picture(width, height, data.subarray(z * height * width * 3, (z + 1) * height * width * 3)));
  const rows: PanelRow[] = [];
  const peaks = explanations.flatMap(({ peak }) => (peak ? [Math.round(peak.z)] : []));
  const columns = shownSlices(depth, mostSlices.panel, peaks);

  const sheet = async (e: ClassExplanation<"volume">, seen: Picture) => {
    const numbers = shownSlices(depth, mostSlices.sheet);
    const slices = await Promise.all(numbers.map(async (number) => ({ number, picture: await sliceOf(seen, number) })));
    const { label, detail } = titled(e, predictions);
    const left = numbers.length < depth ? [`${numbers.length} of ${depth} slices`] : [];
    const text = [e.blank ? `blank: ${e.blank}` : caption, ...left].join(", ");
    return rasterise(sliceSheet({ title: [label, ...detail].join(", "), slices, colormap, caption: text }), {
      scale: 2,
    });
  };

  return {
    async draw(e) {
      const map = {
        width,
        height: depth * height,
        data: e.blank ? new Float32Array(depth * height * width) : e.onVolume.data,
      };
      const seen = shown.some((one) => one !== "heat") ? overlay(tall, map, { colormap }) : undefined;
      if (seen && shown.includes("panel") && rows.length < mostRows) {
        const cells: Cell[] = e.blank
          ? columns.map(() => ({ blank: e.blank ?? "" }))
          : await Promise.all(columns.map((z) => sliceOf(seen, z)));
        rows.push({ ...titled(e, predictions), cells });
      }
      return {
        ...(seen && shown.includes("overlay") && { overlay: await sheet(e, seen) }),
        ...(shown.includes("heat") && { heat: await sheet(e, heat(map, { colormap })) }),
      };
    },
    async panel() {
      const plain = await Promise.all(columns.map((z) => sliceOf(tall, z)));
      const input = { label: "Input", detail: [`${depth} slices of ${width} x ${height}`], cells: plain };
      const left = explanations.length > rows.length ? `, ${rows.length} of ${explanations.length} maps` : "";
      const colorbar = { colormap, label: "fraction of each map's maximum", ticks: ["0", "0.5", "1"] };
      const titles = columns.map((z) => `Slice ${z}`);
      return rasterise(panel({ columns: titles, rows: [input, ...rows], colorbar, caption: `${caption}${left}` }), {
        scale: 2,
      });
    },
  };
};
