/** @file The masks that a model predicts in a picture: of each class, or of each object that it found. */

import type { ElementPass } from "../../explain/elements.ts";
import { type Geometry, onCanvas } from "../../image/geometry.ts";
import { toDense } from "../../onnx/tensors.ts";
import { probabilitiesOf } from "../classify/probability.ts";
import type { Labels } from "../labels.ts";
import type { MaskHead, QueryPlanes } from "./mask-head.ts";
import type { PixelMask, Planes } from "./planes.ts";

/** A mask that was predicted. */
export interface Mask {
  /** From the largest on; of objects, from the best score on. */
  readonly index: number;
  readonly class: number;
  readonly label: string;
  /** The part of the picture's pixels that it covers. */
  readonly area: number;
  /** Of an object: the probability of its class. */
  readonly score?: number;
  /** In the pixels of the picture that maps are laid over; computed when it is read, for it may be large. */
  readonly pixels: PixelMask;
}

/** A plane that is something, of which class and with which score. */
interface Predicted {
  readonly plane: number;
  readonly class: number;
  readonly score?: number;
}

/** A mask, and where its logits are. */
export class FoundMask implements Mask {
  readonly #pixels: () => PixelMask;
  readonly #plane: number;
  readonly #cells: readonly number[];
  readonly class: number;
  declare readonly score?: number;

  constructor(
    readonly index: number,
    predicted: Predicted,
    readonly label: string,
    readonly area: number,
    { cells, pixels }: { readonly cells: readonly number[]; readonly pixels: () => PixelMask },
  ) {
    this.class = predicted.class;
    if (predicted.score !== undefined) this.score = predicted.score;
    this.#plane = predicted.plane;
    this.#cells = cells;
    this.#pixels = pixels;
  }

  get pixels(): PixelMask {
    return this.#pixels();
  }

  /** Its plane, and the cells of it that are the mask. */
  get plane(): number {
    return this.#plane;
  }

  get cells(): readonly number[] {
    return this.#cells;
  }
}

/** @param least the score that an object must be above */
export function masksIn(
  planes: Planes,
  head: MaskHead,
  pass: ElementPass,
  { labels, geometry, least }: { readonly labels: Labels; readonly geometry: Geometry; readonly least: number },
): FoundMask[] {
  const predicted: readonly Predicted[] =
    head.kind === "queries"
      ? objectsIn(head, pass, least)
      : Array.from({ length: planes.count }, (_, plane) => ({ plane, class: plane }));
  const areaOf = areasOn(planes, geometry);
  return predicted
    .flatMap((one) => {
      const cells = planes.cells(one.plane);
      const area = cells.length ? areaOf(one.plane) : 0;
      return area > 0 ? [{ one, cells, area }] : [];
    })
    .toSorted((a, b) => (b.one.score ?? b.area) - (a.one.score ?? a.area))
    .map(({ one, cells, area }, index) => {
      const pixels = () => planes.onPicture(one.plane, geometry);
      return new FoundMask(index, one, labels.name(one.class), area, { cells, pixels });
    });
}

/** The part of the picture that each plane covers. */
function areasOn(planes: Planes, geometry: Geometry): (plane: number) => number {
  const { width, height } = onCanvas(geometry).original;
  if (planes.rule !== "largest")
    return (plane) => planes.onPicture(plane, geometry).data.reduce((sum, v) => sum + v, 0) / (width * height);
  const counts = new Float64Array(planes.count);
  for (const label of planes.labels(geometry).data) if (label >= 0) counts[label] = (counts[label] as number) + 1;
  return (plane) => (counts[plane] as number) / (width * height);
}

/** The queries whose best class has a score above the least, with it. */
const objectsIn = (head: QueryPlanes, pass: ElementPass, least: number): Predicted[] =>
  queriesIn(head, pass).filter(({ score }) => score > least);

/** The best score of all queries, whatever counts. */
export const bestScore = (head: QueryPlanes, pass: ElementPass): number =>
  Math.max(...queriesIn(head, pass).map(({ score }) => score));

function queriesIn({ scores, classes, by }: QueryPlanes, pass: ElementPass) {
  const { data, dims } = toDense(pass.tensor(scores));
  const [, queries = 0, size = 0] = dims;
  return Array.from({ length: queries }, (_, plane) => {
    const row = probabilitiesOf(data.slice(plane * size, (plane + 1) * size), by).slice(0, classes);
    const score = Math.max(...row.map((p) => p ?? Number.NaN));
    return { plane, class: row.indexOf(score), score };
  });
}
