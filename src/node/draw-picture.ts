/** @file A picture's explanations: overlays in the picture's own size, and a panel with a row for each class. */
import { encodePng, rasterise } from "../image/sharp.ts";
import { heat } from "../render/overlay.ts";
import type { Cell } from "../render/panel.ts";
import { type FigureRow, figureOf, panelCell, view, visible } from "../tasks/figure.ts";
import { type Draw, mostRows } from "./drawing.ts";

export const drawPicture: Draw<"picture"> = (why, options) => {
  // By class, for two classes may bear one name.
  const rows = new Map<number, FigureRow & { readonly cells: Cell[] }>();
  return {
    async draw(e) {
      const { colormap } = options;
      const seen = view(e, why, { colormap });
      const row = rows.get(e.class) ?? { class: e.class, question: e.question, cells: [] };
      if (rows.size < mostRows || rows.has(e.class)) {
        rows.set(e.class, row);
        row.cells.push(e.blank ? { blank: e.blank } : await encodePng(panelCell(seen)));
      }
      return { overlay: await encodePng(seen), heat: await encodePng(heat(visible(e), { colormap })) };
    },
    panel: async () => {
      const input = await encodePng(panelCell(why.picture));
      return rasterise(figureOf(why, [...rows.values()], input, options), { scale: 2 });
    },
  };
};

const cell = async (picture: Picture): Promise<Cell> => encodePng(shrinkToFit(picture, cellPixels));

/** A map that is not finite is drawn as a blank one. */
const visible = ({ onPicture, blank }: ClassExplanation): PixelMap =>
  blank ? { ...onPicture, data: onPicture.data.map((v) => (Number.isNaN(v) ? v : 0)) } : onPicture;

/** What a person looks at: the map over the picture or, for methods in pixel space, their signed image. */
export function view(
  explanation: ClassExplanation,
  { picture, geometry }: Why,
  { colormap }: Pick<DrawOptions, "colormap">,
): Picture {
  const { pixels } = explanation;
  if (pixels?.dims[0] !== 3) return overlay(picture, visible(explanation), { colormap });
  return guidedOnPicture(pixels, geometry);
}

function guidedOnPicture({ data, dims }: Dense, geometry: Geometry): Picture {
  const [, h, w] = dims;
  const { width, height } = geometry.original;
  const planes = new Float32Array(3 * width * height);
  for (let c = 0; c < 3; c++)
    planes.set(undo(data.subarray(c * h * w, (c + 1) * h * w), [h, w], geometry).data, c * width * height);
  return guidedImage(planes, width, height);
}

/** A row for each class, a column for each method. */
async function drawPanel(
  { picture, predictions, explanations }: Why,
  classes: ReadonlyMap<number, Row>,
  { colormap, caption }: DrawOptions,
): Promise<Uint8Array> {
  const input = await cell(picture);
  const methods = [...new Set(explanations.map(({ method }) => method))];
  const all = new Set(explanations.map((e) => e.class)).size;
  const left = all > classes.size ? `, ${classes.size} of ${all} classes` : "";
  const rows = [...classes].map(([index, { question, cells }]) => ({
    label: question,
    detail: detail(predictions, index),
    cells: [input, ...cells],
  }));
  const colorbar = { colormap, label: "share of each map's maximum", ticks: ["0", "0.5", "1"] };
  const columns = ["Input", ...methods.map((m) => methodNamed(m).title)];
  return rasterise(panel({ columns, rows, colorbar, caption: `${caption}${left}` }), { scale: 2 });
}
