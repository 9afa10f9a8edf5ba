/** @file The form of COCO's instances, and what is wrong with a file, or an annotation, that has another one. */
import { UserError } from "../../errors.ts";
import type { Runs } from "../shapes.ts";
import { type Entry, eachEntry } from "./json-lists.ts";

/** What a file names, and what goes by an id is one thing. */
export interface Named {
  readonly images: ReadonlyMap<number, string>;
  readonly categories: ReadonlyMap<number, string>;
}

export interface Annotation {
  readonly image_id: number;
  readonly category_id: number;
  readonly bbox: readonly [number, number, number, number];
  readonly segmentation?: readonly (readonly number[])[] | Runs | null;
  readonly iscrowd?: 0 | 1;
}

/** One that cannot be used: why, and whose it is, where it says so. */
export interface Broken {
  readonly image_id?: number;
  readonly fault: string;
  /** Where it is. */
  readonly at: string;
}

type Pieces = AsyncIterable<Uint8Array>;
type Fields = Readonly<Record<string, unknown>>;

const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null;
const isNumber = (value: unknown): value is number => typeof value === "number";
const numbers = (value: unknown): value is readonly number[] => Array.isArray(value) && value.every(Number.isFinite);

/** @throws UserError that names the file, and the first image or category that has another form. */
export async function readNamed(pieces: Pieces, file: string): Promise<Named> {
  const invalid = (what: string) => new UserError("invalid-input", `invalid annotations ${file}: ${what}`);
  const images = new Map<number, string>();
  const categories = new Map<number, string>();
  const name = ({ index, value, fault }: Entry, one: string, field: string, into: Map<number, string>) => {
    if (fault) throw invalid(`${one} ${index} is ${fault}`);
    const { id, [field]: text } = isFields(value) ? value : ({} as Fields);
    if (!isNumber(id) || typeof text !== "string") throw invalid(`${one} ${index} has no "id" and "${field}"`);
    const before = into.get(id);
    if (before !== undefined && before !== text)
      throw invalid(`${one} ${id} is both "${before}" and "${text}"; an id stands for one`);
    into.set(id, text);
  };
  const found = await eachEntry(pieces, ["images", "categories"], file, (entry) => {
    if (entry.list === "images") name(entry, "image", "file_name", images);
    else name(entry, "category", "name", categories);
  });
  const missing = ["images", "categories", "annotations"].find((list) => !found.has(list));
  if (missing) throw invalid(`no list "${missing}", expected COCO's images, categories, annotations`);
  return { images, categories };
}

export async function eachAnnotation(
  pieces: Pieces,
  file: string,
  act: (annotation: Annotation | Broken) => void,
): Promise<void> {
  await eachEntry(pieces, ["annotations"], file, ({ index, value, fault = faultOf(value) }) => {
    if (fault === undefined) act(value as Annotation);
    else {
      const image = isFields(value) ? value.image_id : undefined;
      act({ ...(isNumber(image) && { image_id: image }), fault, at: `annotation ${index} of ${file}` });
    }
  });
}

function faultOf(value: unknown): string | undefined {
  const { image_id, category_id, bbox, segmentation } = isFields(value) ? value : ({} as Fields);
  if (!numbers(bbox) || bbox.length !== 4) return 'it has no "bbox" of four numbers';
  if (!isNumber(image_id) || !isNumber(category_id)) return 'it has no "image_id" and "category_id"';
  return isSegmentation(segmentation) ? undefined : 'it has no "segmentation" of polygons or run lengths';
}

function isSegmentation(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (Array.isArray(value)) return value.every(numbers);
  if (!isFields(value)) return false;
  const { counts, size } = value;
  return (typeof counts === "string" || numbers(counts)) && numbers(size) && size.length === 2;
}
