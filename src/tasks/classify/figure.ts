/** @file What a person looks at: an explanation as a picture, and the labelled figure of several. */

import { type Dense, ofRank } from "../../array/dense.ts";
import { type Geometry, onCanvas, undo } from "../../image/geometry.ts";
import type { Picture, PixelMap } from "../../image/picture.ts";
import { shrinkToFit } from "../../image/resample.ts";
import type { ColormapName } from "../../render/colormap.ts";
import { guidedImage } from "../../render/normalise.ts";
import { overlay } from "../../render/overlay.ts";
import { type Cell, panel } from "../../render/panel.ts";
import { percent } from "../percent.ts";
import type { PictureSubject } from "../pictures.ts";
import type { Prediction } from "./explanations.ts";
import type { ClassExplanation, Why } from "./kinds.ts";

/** Panel cells are this wide, twice what they are drawn at. */
const cellPixels = 560;

/** A picture as large as a cell of a figure needs it. */
export const panelCell = (picture: Picture): Picture => shrinkToFit(picture, cellPixels);

type Shown = Pick<ClassExplanation, "onPicture" | "pixels" | "blank">;

/** A map that is not finite is drawn as a blank one. */
export const visible = ({ onPicture, blank }: Shown): PixelMap =>
  blank ? { ...onPicture, data: onPicture.data.map((v) => (Number.isNaN(v) ? v : 0)) } : onPicture;

/** The map over the picture or, for methods in pixel space, their signed image. */
export function view(
  explanation: Shown,
  { picture, geometry }: PictureSubject,
  colours: { readonly colormap: ColormapName; readonly opacity?: number },
): Picture {
  const { pixels } = explanation;
  if (pixels?.dims[0] !== 3) return overlay(picture, visible(explanation), colours);
  return guidedOnPicture(pixels, geometry);
}

function guidedOnPicture({ data, dims }: Dense, geometry: Geometry): Picture {
  const [, h, w] = ofRank(dims, 3);
  const { width, height } = onCanvas(geometry).original;
  const planes = new Float32Array(3 * width * height);
  for (let c = 0; c < 3; c++)
    planes.set(undo(data.subarray(c * h * w, (c + 1) * h * w), [h, w], geometry).data, c * width * height);
  return guidedImage(planes, width, height);
}

/** A question in a figure, with a cell for each method. */
export interface FigureRow {
  readonly class: number;
  readonly question: string;
  /** Below it; the class's score and probability unless told. */
  readonly detail?: readonly string[];
  readonly cells: readonly Cell[];
}

/** The figure as SVG: a row for each question, the picture (as PNG) and a column for each method. */
export function figureOf(
  { predictions, explanations }: Pick<Why, "predictions" | "explanations">,
  asked: readonly FigureRow[],
  input: Uint8Array,
  { colormap, caption }: { readonly colormap: ColormapName; readonly caption: string },
): string {
  const titles = new Map(explanations.map(({ method, methodTitle }) => [method, methodTitle]));
  const methods = [...titles.keys()];
  const all = new Set(explanations.map((e) => e.target)).size;
  const left = all > asked.length ? `, ${asked.length} of ${all} questions` : "";
  const rows = asked.map(({ class: index, question, detail: below = detail(predictions, index), cells }) => ({
    label: question,
    detail: below,
    cells: [input, ...cells],
  }));
  const colorbar = { colormap, label: "fraction of each map's maximum", ticks: ["0", "0.5", "1"] };
  const columns = ["Input", ...titles.values()];
  // Signed images have colours of their own, and a blank map has none.
  const coloured = methods.flatMap((method, i) =>
    explanations.some((e) => e.method === method && !e.blank && e.pixels?.dims[0] !== 3) ? [i + 1] : [],
  );
  return panel({ columns, rows, colorbar, coloured, caption: `${caption}${left}` });
}

/** What stands below a class's name: its score, and its probability where it is one. */
export function detail(predictions: readonly Prediction[], index: number): string[] {
  const prediction = predictions.find((p) => p.class === index);
  if (!prediction) return [];
  const { score, probability } = prediction;
  return [`score ${score.toFixed(2)}`, ...(probability === null ? [] : [`probability ${percent(probability)}`])];
}
