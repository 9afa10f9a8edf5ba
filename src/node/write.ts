/** @file An explanation's files: the raw map, the map with what it explains, its colours alone, and a labelled panel of all. */

import path from "node:path";
import { checkOptions, expects, isRecord, isTexts, type OptionNames } from "../errors.ts";
import type { Box, Point } from "../image/locate.ts";
import type { Box3, Point3 } from "../image/locate-volume.ts";
import type { Warning } from "../read/decision.ts";
import { type ColormapName, colormaps } from "../render/colormap.ts";
import { encodeNpy } from "../render/npy.ts";
import type { ClassExplanation, Why } from "../tasks/classification.ts";
import type { Kind } from "../tasks/sample.ts";
import { drawPicture } from "./draw-picture.ts";
import { drawSignal } from "./draw-signal.ts";
import { drawVolume } from "./draw-volume.ts";
import type { Draw, Drawing, DrawOptions } from "./drawing.ts";
import { writeWhole } from "./files.ts";

export interface WriteOptions {
  /** Every file is written here; names in the result are relative to it. */
  readonly directory: string;
  /** What every file name begins with; may hold folders. */
  readonly stem: string;
  /** By default inferno. */
  readonly colormap?: ColormapName;
  /** Below the panel. */
  readonly caption?: string;
}

const writeOptions: OptionNames<WriteOptions> = { directory: true, stem: true, colormap: true, caption: true };

export interface WrittenExplanation {
  readonly class: number;
  readonly label: string;
  readonly method: string;
  /** What was asked, in words: the label, "A rather than B", "against A". */
  readonly question: string;
  /** The tensor that the map lies on; null for methods in pixel space. */
  readonly layer: string | null;
  readonly map: { readonly file: string; readonly shape: readonly number[] };
  readonly overlay: string;
  readonly heat: string;
  /** In pixels, in seconds (or samples), in voxels. */
  readonly peak?: Point | Point3 | { readonly t: number };
  readonly box?: Box | Box3;
  /** Of a signal, in place of a box. */
  readonly span?: readonly [from: number, to: number];
  readonly blank?: string;
  readonly warnings: readonly Warning[];
}

const draws: { readonly [K in Kind]: Draw<K> } = { picture: drawPicture, signal: drawSignal, volume: drawVolume };

/** Draws a sample's explanations, as its kind is drawn. */
export const drawingOf = <K extends Kind>(why: Why<K>, options: DrawOptions): Drawing<K> =>
  draws[why.kind](why, options);

/** Writes the files of every explanation of a sample, and the panel of them all (of the first 25 classes or maps). */
export async function writeWhy<K extends Kind>(
  why: Why<K>,
  options: WriteOptions,
): Promise<{ explanations: WrittenExplanation[]; panel: string }> {
  expects(isRecord(why) && Array.isArray(why.explanations), "answer", why, "what explain gives");
  checkOptions(options, writeOptions, "writeWhy");
  const { directory, stem } = options;
  expects(isTexts([directory, stem]), "directory and stem", { directory, stem }, "two texts");
  const { colormap = colormaps[0], caption = "" } = options;
  const drawing = drawingOf(why, { colormap, caption });
  const explanations: WrittenExplanation[] = [];
  for (const e of why.explanations) {
    const base = `${stem}.${e.method}.${e.asked}`;
    const files = { map: `${base}.npy`, overlay: `${base}.png`, heat: `${base}.heat.png` };
    const { overlay, heat } = await drawing.draw(e);
    await writeWhole(path.join(directory, files.map), encodeNpy(e.map.data, e.map.dims));
    await writeWhole(path.join(directory, files.overlay), overlay);
    await writeWhole(path.join(directory, files.heat), heat);
    const { class: index, label, method, question, blank, layer, warnings } = e;
    explanations.push({
      class: index,
      label,
      method,
      question,
      layer: layer ?? null,
      map: { file: files.map, shape: e.map.dims },
      overlay: files.overlay,
      heat: files.heat,
      ...whereOf(e),
      warnings,
      blank,
    });
  }
  const file = `${stem}.panel.png`;
  await writeWhole(path.join(directory, file), await drawing.panel());
  return { explanations, panel: file };
}

function whereOf(e: ClassExplanation<Kind>): Pick<WrittenExplanation, "peak" | "box" | "span"> {
  return { peak: e.peak, ...("box" in e && { box: e.box }), ...("span" in e && { span: e.span }) };
}
