/**
 * @file A picture of a dataset and what is known of it, as data: it travels to workers and queues, and is opened where it is examined.
 */
import { UserError } from "../errors.ts";
import { upsample } from "../image/geometry.ts";
import type { Box } from "../image/locate.ts";
import { grey, type Picture, type PixelMap } from "../image/picture.ts";
import { decode } from "../image/sharp.ts";
import type { Annotation, Mask } from "./metrics/metric.ts";
import { fromPolygons, fromRuns, type Runs } from "./shapes.ts";
import type { Source } from "./source.ts";

export interface Sample {
  /** Unique in its dataset, and the same wherever the dataset lies. */
  readonly id: string;
  /** Where the picture is in the dataset's source. */
  readonly picture: string;
  /** What is asked about the picture: its classes are answers. */
  readonly question?: string;
  /** The model's classes that are right for the whole picture, where the dataset says it. */
  readonly labels?: readonly number[];
  readonly objects: readonly Marked[];
  /** Where a grey picture of human attention is, of any size. */
  readonly attention?: string;
  /** What is wrong with its annotations: it fails, and others do not. */
  readonly fault?: string;
}

/** The id of a question about a picture. */
export const asking = (picture: string, question: string): string => `${picture}: ${question}`;

/** A thing as it is written in a dataset. */
export interface Marked {
  readonly name: string;
  readonly classes: readonly number[];
  readonly box?: Box;
  readonly shape?: Shape;
  /** Whether box and polygons are in parts of the picture's width and height (YOLO), and not in pixels. */
  readonly inParts?: boolean;
  readonly difficult?: boolean;
  readonly crowd?: boolean;
}

/** The pixels of a thing: polygons [x, y, x, y ...], COCO's runs, or a picture whose pixels of this value (any but 0 by default) belong. */
export type Shape =
  | { readonly polygons: readonly (readonly number[])[] }
  | { readonly runs: Runs }
  | { readonly file: string; readonly value?: number };

/** A sample, read. */
export interface Opened {
  readonly id: string;
  readonly picture: Picture;
  readonly labels?: readonly number[];
  readonly annotations: readonly Annotation[];
  readonly attention?: PixelMap;
}

/** Of all things in one picture together, a byte each. */
const mostMaskPixels = 2 ** 30;

/** @throws UserError for what cannot be read, is no picture, or has another size than its picture. */
export async function openSample(
  { id, picture: at, labels, objects, attention, fault }: Sample,
  source: Source,
): Promise<Opened> {
  if (fault !== undefined) throw new UserError("invalid-input", fault);
  const picture = await decode(await source.read(at), { name: at });
  const annotations: Annotation[] = [];
  const shapes = objects.filter(({ shape, classes }) => shape && classes.length).length;
  if (shapes * picture.width * picture.height > mostMaskPixels)
    throw new UserError(
      "too-large",
      `too many masks: ${shapes} of ${picture.width} x ${picture.height} pixels; at most ${mostMaskPixels} pixels in all`,
    );
  for (const marked of objects) {
    const {
      name,
      classes,
      box,
      shape,
      difficult = false,
      crowd = false,
    } = marked.inParts ? inPixels(marked, picture) : marked;
    // What the model has no class for only counts as something else.
    const mask = shape && classes.length ? await maskOf(shape, picture, source) : undefined;
    annotations.push({ name, classes, difficult, crowd, ...(box && { box }), ...(mask && { mask }) });
  }
  return {
    ...{ id, picture, annotations },
    ...(labels && { labels }),
    ...(attention && { attention: await greyMap(attention, picture, source) }),
  };
}

function inPixels(marked: Marked, { width, height }: Picture): Marked {
  const { box, shape } = marked;
  const scaled = (values: readonly number[]) => values.map((v, i) => v * (i % 2 ? height : width));
  return {
    ...marked,
    ...(box && { box: scaled(box) as unknown as Box }),
    ...(shape && "polygons" in shape && { shape: { polygons: shape.polygons.map(scaled) } }),
  };
}

async function maskOf(shape: Shape, size: Picture, source: Source): Promise<Mask> {
  if ("polygons" in shape) return fromPolygons(shape.polygons, size);
  if ("runs" in shape) return fromRuns(shape.runs, size);
  const picture = await sameSize(shape.file, size, source);
  const { value } = shape;
  const belongs = (p: number) => (value === undefined ? picture.data[p * 3] > 0 : picture.data[p * 3] === value);
  return {
    ...extent(size),
    data: Uint8Array.from({ length: size.width * size.height }, (_, p) => (belongs(p) ? 1 : 0)),
  };
}

async function greyMap(file: string, size: Picture, source: Source): Promise<PixelMap> {
  const { width, height, data } = grey(await decode(await source.read(file), { name: file }));
  const values = Float32Array.from({ length: width * height }, (_, p) => data[p * 3] / 255);
  return { ...extent(size), data: upsample(values, [height, width], [size.height, size.width]) };
}

async function sameSize(file: string, size: Picture, source: Source): Promise<Picture> {
  const picture = await decode(await source.read(file), { name: file });
  if (picture.width !== size.width || picture.height !== size.height)
    throw new UserError(
      "invalid-input",
      `invalid mask ${file}: ${picture.width} x ${picture.height}, expected its picture's ${size.width} x ${size.height}`,
    );
  return picture;
}

const extent = ({ width, height }: Picture) => ({ width, height });
