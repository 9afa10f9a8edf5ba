/** @file The form of COCO's instances, and what is wrong with a file that has another one. */
import { UserError } from "../../errors.ts";
import type { Runs } from "../shapes.ts";

export interface Coco {
  readonly images: readonly { readonly id: number; readonly file_name: string }[];
  readonly categories: readonly { readonly id: number; readonly name: string }[];
  readonly annotations: readonly {
    readonly image_id: number;
    readonly category_id: number;
    readonly bbox: readonly [number, number, number, number];
    readonly segmentation?: readonly (readonly number[])[] | Runs | null;
    readonly iscrowd?: 0 | 1;
  }[];
}

type Entry = Readonly<Record<string, unknown>>;

const isEntry = (value: unknown): value is Entry => typeof value === "object" && value !== null;
const isNumber = (value: unknown): boolean => typeof value === "number";
const numbers = (value: unknown): value is readonly number[] => Array.isArray(value) && value.every(Number.isFinite);

/** @throws UserError that names the file, and the first entry that has another form. */
export function checkedCoco(json: unknown, file: string): Coco {
  const invalid = (what: string) => new UserError("invalid-input", `invalid annotations ${file}: ${what}`);
  const list = (key: string): readonly unknown[] => {
    const value = isEntry(json) ? json[key] : undefined;
    if (Array.isArray(value)) return value;
    throw invalid(`no list "${key}", expected COCO's images, categories, annotations`);
  };
  const check = (key: string, one: string, form: string, fits: (entry: Entry) => boolean) => {
    const broken = list(key).findIndex((entry) => !isEntry(entry) || !fits(entry));
    if (broken >= 0) throw invalid(`${one} ${broken} has no ${form}`);
  };
  for (const key of ["images", "categories", "annotations"]) list(key);
  check(
    "images",
    "image",
    '"id" and "file_name"',
    ({ id, file_name }) => isNumber(id) && typeof file_name === "string",
  );
  check("categories", "category", '"id" and "name"', ({ id, name }) => isNumber(id) && typeof name === "string");
  check("annotations", "annotation", '"bbox" of four numbers', ({ bbox }) => numbers(bbox) && bbox.length === 4);
  check("annotations", "annotation", '"segmentation" of polygons or run lengths', ({ segmentation }) =>
    isSegmentation(segmentation),
  );
  return json as Coco;
}

function isSegmentation(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  if (Array.isArray(value)) return value.every(numbers);
  if (!isEntry(value)) return false;
  const { counts, size } = value;
  return (typeof counts === "string" || numbers(counts)) && numbers(size) && size.length === 2;
}
