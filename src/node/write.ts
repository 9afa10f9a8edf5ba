/** @file An explanation's files: the raw map, the map with what it explains, its colours alone, and a labelled panel of all. */

import path from "node:path";
import { encodeNpy } from "../array/npy.ts";
import { checkOptions, expects, isRecord, isTexts, type OptionNames } from "../errors.ts";
import type { Box, Point } from "../image/locate.ts";
import type { Box3, Point3 } from "../image/locate-volume.ts";
import { encodePng, type PngCompression } from "../image/sharp.ts";
import type { Warning } from "../read/decision.ts";
import { type ColormapName, colormaps } from "../render/colormap.ts";
import { maskPicture } from "../render/outline.ts";
import type { ClassExplanation, Why } from "../tasks/classify/classification.ts";
import type { Kind } from "../tasks/sample.ts";
import type { Mask } from "../tasks/segment/masks.ts";
import { drawPicture } from "./draw-picture.ts";
import { drawSignal } from "./draw-signal.ts";
import { drawVolume } from "./draw-volume.ts";
import { type Draw, type Drawing, type DrawOptions, views } from "./drawing.ts";
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
  /** Which files; all by default. */
  readonly write?: readonly ExplanationFile[];
  /** Of overlays: `small` by default; `fast` takes less than half of the time, for files larger by two thirds. */
  readonly compression?: PngCompression;
}

/** The files of an explanation: the raw numbers, and what can be drawn of them. */
export const explanationFiles = ["map", ...views] as const;
export type ExplanationFile = (typeof explanationFiles)[number];

const writeOptions: OptionNames<WriteOptions> = {
  ...{ directory: true, stem: true, colormap: true },
  ...{ caption: true, write: true, compression: true },
};

export interface WrittenExplanation {
  /** The question: as it was asked, or of those that one stood for, this one. */
  readonly target: string;
  /** Of a detector: which detection it is about. */
  readonly detection?: number;
  /** Of a segmenter: which mask it is about. */
  readonly mask?: number;
  /** Of a text recogniser: which character it is about. */
  readonly character?: number;
  readonly class: number;
  readonly label: string;
  readonly method: string;
  /** What was asked, in words: the label, "A rather than B", "against A". */
  readonly question: string;
  /** The target layer; null for methods in pixel space. */
  readonly layer: string | null;
  /** All that the map is joined of, where it is of several; `layer` is the one with the finest grid then. */
  readonly layers?: readonly string[];
  /** Where it was written, as are the next. */
  readonly map?: { readonly file: string; readonly shape: readonly number[] };
  readonly overlay?: string;
  readonly heat?: string;
  /** In pixels, in seconds (or samples), in voxels. */
  readonly peak?: Point | Point3 | { readonly t: number };
  readonly box?: Box | Box3;
  /** Of a signal, in place of a box. */
  readonly span?: readonly [from: number, to: number];
  readonly blank?: string;
  /** Whether it was cancelled, and this is the estimate until then. */
  readonly partial?: true;
  readonly warnings: readonly Warning[];
}

/** A mask, and its picture: white on black, of the size of the picture that it was predicted in. */
export interface WrittenMask extends Omit<Mask, "pixels"> {
  readonly file?: string;
}

const draws: { readonly [K in Kind]: Draw<K> } = { picture: drawPicture, signal: drawSignal, volume: drawVolume };

/** Draws a sample's explanations, as its kind is drawn. */
export const drawingOf = <K extends Kind>(why: Why<K>, options: DrawOptions): Drawing<K> =>
  draws[why.kind](why, options);

export interface WrittenWhy {
  readonly explanations: readonly WrittenExplanation[];
  /** Of a segmenter. */
  readonly masks?: readonly WrittenMask[];
  /** Of a detector that found something: all of its boxes in one picture. */
  readonly overlay?: string;
  readonly panel?: string;
}

/**
 * Writes the files of every explanation of a sample, all boxes of a detector, the masks of a segmenter, and the panel of them all (of the first 25 questions or
 * maps), or those asked for.
 */
export async function writeWhy<K extends Kind>(why: Why<K>, options: WriteOptions): Promise<WrittenWhy> {
  expects(isRecord(why) && Array.isArray(why.explanations), "answer", why, "what explain gives");
  checkOptions(options, writeOptions, "writeWhy");
  const { directory, stem } = options;
  expects(isTexts([directory, stem]), "directory and stem", { directory, stem }, "two texts");
  const { colormap = colormaps[0], caption = "", write = explanationFiles, compression } = options;
  const known = isTexts(write) && write.every((one) => explanationFiles.includes(one));
  expects(known, "write", write, `a list of ${explanationFiles.join(", ")}`);
  const drawing = drawingOf(why, {
    ...{ colormap, caption, compression },
    views: views.filter((view) => write.includes(view)),
  });
  const save = async (file: string, content: Uint8Array): Promise<string> => {
    await writeWhole(path.join(directory, file), content);
    return file;
  };
  const explanations: WrittenExplanation[] = [];
  for (const e of why.explanations) {
    const base = `${stem}.${e.method}.${e.asked}`;
    const { overlay, heat } = await drawing.draw(e);
    const map = write.includes("map") && {
      file: await save(`${base}.npy`, encodeNpy(e.map.data, e.map.dims)),
      shape: e.map.dims,
    };
    const {
      target,
      detection,
      mask,
      character,
      class: index,
      label,
      method,
      question,
      blank,
      layer,
      layers,
      warnings,
      partial,
    } = e;
    explanations.push({
      target,
      ...(detection !== undefined && { detection }),
      ...(mask !== undefined && { mask }),
      ...(character !== undefined && { character }),
      class: index,
      label,
      method,
      question,
      layer: layer ?? null,
      ...(layers && { layers }),
      ...(map && { map }),
      ...(overlay && { overlay: await save(`${base}.png`, overlay) }),
      ...(heat && { heat: await save(`${base}.heat.png`, heat) }),
      ...whereOf(e),
      warnings,
      blank,
      ...(partial && { partial }),
    });
  }
  const masks: WrittenMask[] = [];
  for (const { index, class: c, label, area, score, pixels } of why.masks ?? []) {
    const drawn = write.includes("overlay") && (await encodePng(maskPicture(pixels), { compression }));
    masks.push({
      ...{ index, class: c, label, area, ...(score !== undefined && { score }) },
      ...(drawn && { file: await save(`${stem}.mask-${index}.png`, drawn) }),
    });
  }
  const together = write.includes("overlay") && (await drawing.together?.());
  // A panel of nothing has nothing to look at.
  const panel = write.includes("panel") && explanations.length > 0 && (await drawing.panel());
  return {
    explanations,
    ...(why.masks && { masks }),
    ...(together && { overlay: await save(`${stem}.detections.png`, together) }),
    ...(panel && { panel: await save(`${stem}.panel.png`, panel) }),
  };
}

function whereOf(e: ClassExplanation<Kind>): Pick<WrittenExplanation, "peak" | "box" | "span"> {
  return { peak: e.peak, ...("box" in e && { box: e.box }), ...("span" in e && { span: e.span }) };
}
