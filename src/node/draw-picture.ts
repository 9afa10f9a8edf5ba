/** @file A picture's explanations: overlays in the picture's own size, and a panel with a row for each class. */
import { type Geometry, undo } from "../image/geometry.ts";
import type { Picture, PixelMap } from "../image/picture.ts";
import { shrinkToFit } from "../image/resample.ts";
import { encodePng, rasterise } from "../image/sharp.ts";
import { methodNamed } from "../methods/index.ts";
import type { Dense } from "../methods/method.ts";
import { guidedImage } from "../render/normalise.ts";
import { heat, overlay } from "../render/overlay.ts";
import { type Cell, panel } from "../render/panel.ts";
import type { ClassExplanation, Why } from "../tasks/classification.ts";
import type { PictureSubject } from "../tasks/pictures.ts";
import { type Draw, type DrawOptions, detail, mostRows } from "./drawing.ts";

/** Panel cells are this wide, twice what they are drawn at. */
const cellPixels = 560;

/** A class in the panel, with a cell for each method. */
interface Row {
  readonly question: string;
  readonly cells: Cell[];
}

export const drawPicture: Draw<"picture"> = (why, options) => {
  // By class, for two classes may bear one name.
  const rows = new Map<number, Row>();
  return {
    async draw(e) {
      const { colormap } = options;
      const seen = view(e, why, options);
      const row = rows.get(e.class) ?? { question: e.question, cells: [] };
      if (rows.size < mostRows || rows.has(e.class)) {
        rows.set(e.class, row);
        row.cells.push(e.blank ? { blank: e.blank } : await cell(seen));
      }
      return { overlay: await encodePng(seen), heat: await encodePng(heat(visible(e), { colormap })) };
    },
    panel: () => drawPanel(why, rows, options),
  };
};

const cell = async (picture: Picture): Promise<Cell> => encodePng(shrinkToFit(picture, cellPixels));

/** What is drawn of an explanation. */
type Shown = Pick<ClassExplanation, "onPicture" | "pixels" | "blank">;

/** A map that is not finite is drawn as a blank one. */
const visible = ({ onPicture, blank }: Shown): PixelMap =>
  blank ? { ...onPicture, data: onPicture.data.map((v) => (Number.isNaN(v) ? v : 0)) } : onPicture;

/** What a person looks at: the map over the picture or, for methods in pixel space, their signed image. */
export function view(
  explanation: Shown,
  { picture, geometry }: PictureSubject,
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
