/** @file The pictures of a report: explained again, drawn small, with what people marked. */

import type { Box } from "../../image/locate.ts";
import { thumbnail } from "../../image/sharp.ts";
import { methodName } from "../../methods/by-name.ts";
import type { LoadOptions } from "../../node/load.ts";
import { view } from "../../tasks/classify/figure.ts";
import type { Extreme } from "../details.ts";
import { openExaminee } from "../examinee.ts";
import { openSample, type Sample } from "../sample.ts";
import type { Source } from "../source.ts";

/** An extreme with its pictures, JPEG files as bytes. */
export interface Example extends Extreme {
  readonly width: number;
  readonly height: number;
  readonly photo: Uint8Array;
  /** By method; blank maps have none. */
  readonly maps: Readonly<Record<string, Uint8Array>>;
  readonly boxes: readonly Box[];
}

export interface GalleryOptions {
  readonly source: Source;
  readonly samples: readonly Sample[];
  readonly model?: string;
  readonly load?: LoadOptions;
  readonly methods: readonly string[];
}

/** Pixels of the longer side. */
const side = 260;

export async function drawGallery(
  extremes: readonly Extreme[],
  { source, samples, model: file, load: options, methods }: GalleryOptions,
): Promise<Example[]> {
  if (extremes.length === 0) return [];
  const model = await openExaminee(file, options);
  if (model.detector) {
    await model.release();
    return []; // a detection is a box of a picture, and not a class of it
  }
  const byId = new Map(samples.map((sample) => [sample.id, sample]));
  const drawn = new Map<string, Promise<Omit<Example, keyof Extreme>>>();
  const draw = async ({ picture: id, class: c }: Extreme): Promise<Omit<Example, keyof Extreme>> => {
    const sample = byId.get(id) as Sample;
    const { picture, annotations } = await openSample(sample, source);
    const classifier = await model.classifierFor(sample);
    const why = await classifier.explain(picture, {
      classes: [c],
      method: methods.map(methodName),
      layer: options?.layer,
    });
    const maps: Record<string, Uint8Array> = {};
    for (const one of why.explanations)
      if (!one.blank) maps[one.method] = await thumbnail(view(one, why, { colormap: "inferno" }), side);
    return {
      ...{ width: picture.width, height: picture.height, photo: await thumbnail(picture, side), maps },
      boxes: annotations.flatMap(({ classes, box }) => (box && classes.includes(c) ? [box] : [])),
    };
  };
  try {
    const examples: Example[] = [];
    for (const extreme of extremes) {
      const key = JSON.stringify([extreme.picture, extreme.class]);
      const its = drawn.get(key) ?? draw(extreme);
      drawn.set(key, its);
      examples.push({ ...extreme, ...(await its) });
    }
    return examples;
  } finally {
    await model.release();
  }
}
