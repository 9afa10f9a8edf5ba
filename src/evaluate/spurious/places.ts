/** @file The two places of a scene with a planted shortcut, the mark and the object asked about, and how much of a map lies on each. */

import { mean } from "../../array/statistics.ts";
import { InternalError } from "../../errors.ts";
import type { Point } from "../../image/locate.ts";
import type { PixelMap } from "../../image/picture.ts";
import type { Painting } from "../../scenes/index.ts";
import type { Mask } from "../metrics/metric.ts";
import { energyOn, near } from "../metrics/regions.ts";

/** A peak this far beside a thing still counts, in parts of the picture's side. */
export const tolerance = 0.03;

/** Where a map lies: fractions of its positive values, and 1 where its peak is there, else 0. A blank map lies nowhere. */
export interface Lying {
  readonly energyOnMark: number;
  readonly energyOnObject: number;
  readonly peakOnMark: number;
  readonly peakOnObject: number;
}

export class Places {
  readonly #mark: Mask;
  readonly #object: Mask;

  /** @param object its index in the scene, which has a mark */
  constructor({ picture: { width, height }, masks, mark }: Painting, object: number) {
    if (!mark) throw new InternalError("a scene without a mark");
    this.#mark = { width, height, data: mark };
    this.#object = { width, height, data: masks[object] };
  }

  /** @param peak of the map; undefined where it is blank */
  of(map: PixelMap, peak: Point | undefined): Lying {
    const has = (place: Mask) => Number(peak !== undefined && near(peak, place, tolerance * map.width));
    return {
      ...{ energyOnMark: energyOn(map, this.#mark), energyOnObject: energyOn(map, this.#object) },
      ...{ peakOnMark: has(this.#mark), peakOnObject: has(this.#object) },
    };
  }

  /** What chance gives: a map that is the same everywhere, and a peak drawn at random. */
  get byChance(): Lying {
    const { width } = this.#mark;
    const beside = (place: Mask) =>
      mean(
        place.data.map((_, i) => Number(near({ x: i % width, y: Math.floor(i / width) }, place, tolerance * width))),
      );
    return {
      ...{ energyOnMark: mean(this.#mark.data), energyOnObject: mean(this.#object.data) },
      ...{ peakOnMark: beside(this.#mark), peakOnObject: beside(this.#object) },
    };
  }
}
