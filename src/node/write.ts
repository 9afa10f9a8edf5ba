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
  readonly map: { readonly file: string; readonly shape: readonly number[] };
  readonly overlay: string;
  readonly heat: string;
  readonly peak?: Point;
  readonly box?: Box;
  readonly blank?: string;
}

/** Panel cells are this wide, twice what they are drawn at. */
const cellPixels = 560;

/** Writes the files of every explanation of a picture, and the panel of them all. */
export async function writeWhy(
  why: Why,
  options: WriteOptions,
): Promise<{ explanations: WrittenExplanation[]; panel: string }> {
  const { directory, stem, colormap } = options;
  const pictures = why.explanations.map((explanation) => view(explanation, why, colormap));
  const explanations: WrittenExplanation[] = [];
  for (const [i, e] of why.explanations.entries()) {
    const base = `${stem}.${e.method}.${e.class}`;
    const files = { map: `${base}.npy`, overlay: `${base}.png`, heat: `${base}.heat.png` };
    await writeWhole(path.join(directory, files.map), encodeNpy(e.map.data, e.map.dims));
    await writeWhole(path.join(directory, files.overlay), await encodePng(pictures[i]));
    await writeWhole(path.join(directory, files.heat), await encodePng(heat(visible(e), { colormap })));
    const { class: index, label, method, peak, box, blank } = e;
    explanations.push({
      class: index,
      label,
      method,
      map: { file: files.map, shape: e.map.dims },
      overlay: files.overlay,
      heat: files.heat,
      peak,
      box,
      blank,
    });
  }
  const file = `${stem}.panel.png`;
  await writeWhole(path.join(directory, file), await drawPanel(why, pictures, options));
  return { explanations, panel: file };
}

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
  views: readonly Picture[],
  { colormap, caption }: WriteOptions,
): Promise<Uint8Array> {
  const cell = async (p: Picture): Promise<Cell> => encodePng(shrinkToFit(p, cellPixels));
  const input = await cell(picture);
  const methods = [...new Set(explanations.map(({ method }) => method))];
  const questions = [...new Set(explanations.map(({ question }) => question))];
  const rows = await Promise.all(
    questions.map(async (question) => {
      const own = explanations.filter((e) => e.question === question);
      const cells = own.map((e): Promise<Cell> | Cell =>
        e.blank ? { blank: e.blank } : cell(views[explanations.indexOf(e)]),
      );
      return {
        label: question,
        detail: detail(predictions, own[0].class),
        cells: [input, ...(await Promise.all(cells))],
      };
    }),
  );
  const colorbar = { colormap, label: "share of each map's maximum", ticks: ["0", "0.5", "1"] };
  return rasterise(
    panel({ columns: ["Input", ...methods.map((m) => methodNamed(m).title)], rows, colorbar, caption }),
    { scale: 2 },
  );
}

function detail(predictions: readonly Prediction[], index: number): string[] {
  const prediction = predictions.find((p) => p.class === index);
  return prediction ? [`score ${prediction.score.toFixed(2)}`, `probability ${percent(prediction.probability)}`] : [];
}

/** 12.3 %, or < 0.1 %. */
export const percent = (p: number): string => (p > 0 && p < 0.001 ? "< 0.1 %" : `${(100 * p).toFixed(1)} %`);
