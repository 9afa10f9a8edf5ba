/** @file An explanation's files: the raw map, the picture with its overlay, the heat map alone, and a labelled panel. */
import path from "node:path";
import { type Geometry, undo } from "../image/geometry.ts";
import type { Box, Point } from "../image/locate.ts";
import type { Picture, PixelMap } from "../image/picture.ts";
import { shrinkToFit } from "../image/resample.ts";
import { encodePng, rasterise } from "../image/sharp.ts";
import { methodNamed } from "../methods/index.ts";
import type { Dense } from "../methods/method.ts";
import type { ColormapName } from "../render/colormap.ts";
import { guidedImage } from "../render/normalise.ts";
import { encodeNpy } from "../render/npy.ts";
import { heat, overlay } from "../render/overlay.ts";
import { type Cell, panel } from "../render/panel.ts";
import type { ClassExplanation, Prediction, Why } from "../tasks/classification.ts";
import { writeWhole } from "./files.ts";

export interface WriteOptions {
  /** Every file is written here; names in the result are relative to it. */
  readonly directory: string;
  /** What every file name begins with; may hold folders. */
  readonly stem: string;
  readonly colormap: ColormapName;
  /** Below the panel. */
  readonly caption: string;
}

export interface WrittenExplanation {
  readonly class: number;
  readonly label: string;
  readonly method: string;
  /** What was asked, in words: the label, "A rather than B", "against A". */
  readonly question: string;
  readonly map: { readonly file: string; readonly shape: readonly number[] };
  readonly overlay: string;
  readonly heat: string;
  readonly peak?: Point;
  readonly box?: Box;
  readonly blank?: string;
}

/** Panel cells are this wide, twice what they are drawn at. */
const cellPixels = 560;

/** Rows of a panel at most: its PNG stays below the 32,767 pixels that libvips draws. */
const mostRows = 25;

/** Writes the files of every explanation of a picture, and the panel of them all (of the first 25 classes). */
export async function writeWhy(
  why: Why,
  options: WriteOptions,
): Promise<{ explanations: WrittenExplanation[]; panel: string }> {
  const { directory, stem, colormap } = options;
  const explanations: WrittenExplanation[] = [];
  const rows = new Map<number, Row>();
  for (const e of why.explanations) {
    const base = `${stem}.${e.method}.${e.asked}`;
    const files = { map: `${base}.npy`, overlay: `${base}.png`, heat: `${base}.heat.png` };
    const seen = view(e, why, colormap);
    await writeWhole(path.join(directory, files.map), encodeNpy(e.map.data, e.map.dims));
    await writeWhole(path.join(directory, files.overlay), await encodePng(seen));
    await writeWhole(path.join(directory, files.heat), await encodePng(heat(visible(e), { colormap })));
    const { class: index, label, method, question, peak, box, blank } = e;
    explanations.push({
      class: index,
      label,
      method,
      question,
      map: { file: files.map, shape: e.map.dims },
      overlay: files.overlay,
      heat: files.heat,
      peak,
      box,
      blank,
    });
    // By class, for two classes may bear one name.
    const row = rows.get(index) ?? { question, cells: [] };
    if (rows.size < mostRows || rows.has(index)) {
      rows.set(index, row);
      row.cells.push(blank ? { blank } : await cell(seen));
    }
  }
  const file = `${stem}.panel.png`;
  await writeWhole(path.join(directory, file), await drawPanel(why, rows, options));
  return { explanations, panel: file };
}

/** A class in the panel, with a cell for each method. */
interface Row {
  readonly question: string;
  readonly cells: Cell[];
}

const cell = async (picture: Picture): Promise<Cell> => encodePng(shrinkToFit(picture, cellPixels));

/** A map that is not finite is drawn as a blank one. */
const visible = ({ onPicture, blank }: ClassExplanation): PixelMap =>
  blank ? { ...onPicture, data: onPicture.data.map((v) => (Number.isNaN(v) ? v : 0)) } : onPicture;

/** What a person looks at: the map over the picture or, for methods in pixel space, their signed image. */
function view(explanation: ClassExplanation, { picture, geometry }: Why, colormap: ColormapName): Picture {
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
  { colormap, caption }: WriteOptions,
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

function detail(predictions: readonly Prediction[], index: number): string[] {
  const prediction = predictions.find((p) => p.class === index);
  return prediction ? [`score ${prediction.score.toFixed(2)}`, `probability ${percent(prediction.probability)}`] : [];
}

/** 12.3 %, or < 0.1 %. */
export const percent = (p: number): string => (p > 0 && p < 0.001 ? "< 0.1 %" : `${(100 * p).toFixed(1)} %`);
