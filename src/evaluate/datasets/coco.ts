/** @file COCO's instances: boxes, polygons and run lengths in one JSON file, pictures beside it or in a folder. */
import { UserError } from "../../errors.ts";
import { boundedJson } from "../../tasks/json.ts";
import type { Marked, Sample, Shape } from "../sample.ts";
import { type Coco, checkedCoco } from "./coco-json.ts";
import { type Format, isPicture, most, Remarks, unknownObjects } from "./dataset.ts";
import { foldersOf, joined, nameOf, only, Pictures } from "./pairing.ts";

const instances = /(^|\/)[^/]*instances[^/]*\.json$/;

export const coco: Format = {
  name: "coco",
  layout: "annotations/instances_*.json (COCO), pictures in any folder",
  recognises: (files) => files.some((file) => instances.test(file)),
  async read(source, files, classes) {
    const remarks = new Remarks();
    const pictures = new Pictures(files.filter(isPicture));
    const samples: Sample[] = [];
    for (const file of files.filter((f) => instances.test(f))) {
      const json = boundedJson(await source.read(file, most.annotations), file, "annotations", most.annotations);
      const { images, categories, annotations } = checkedCoco(json, file);
      const nameOfCategory = unique(categories, ({ name }) => name, `${file}: category`);
      const fileOf = unique(images, ({ file_name }) => file_name, `${file}: image`);
      const things = new Map<number, Marked[]>(images.map(({ id }) => [id, []]));
      for (const annotation of annotations) {
        const { image_id, category_id } = annotation;
        const at = fileOf.get(image_id);
        const name = nameOfCategory.get(category_id);
        if (at === undefined) remarks.add("annotations without a picture", String(image_id));
        else if (name === undefined) remarks.add("annotations of a category that the file does not list", at);
        // A number is no class here: what the file does not list is not the model's class of that index.
        const meant = name === undefined ? undefined : classes.of(name);
        if (at !== undefined && name !== undefined && !meant?.length) remarks.add(unknownObjects, at, name);
        things.get(image_id)?.push(marked(annotation, name ?? `category ${category_id}`, meant ?? []));
      }
      const place = placesFor(file, pictures);
      for (const { id, file_name } of images) {
        const found = place(file_name);
        if (found) {
          const picture = pictures.take(found, `image ${id} of ${file}`);
          samples.push({ id: picture, picture, objects: things.get(id) ?? [] });
        } else remarks.add("annotations without a picture", file_name);
      }
    }
    for (const picture of pictures.rest()) remarks.add("pictures without annotations", picture);
    return { samples, remarks: remarks.list() };
  },
};

function marked(
  { bbox: [x, y, w, h], segmentation, iscrowd }: Coco["annotations"][number],
  name: string,
  classes: readonly number[],
): Marked {
  const shape = shapeOf(segmentation);
  return { name, classes, box: [x, y, x + w, y + h], crowd: iscrowd === 1, ...(shape && { shape }) };
}

function shapeOf(segmentation: Coco["annotations"][number]["segmentation"]): Shape | undefined {
  if (!segmentation) return undefined;
  if ("counts" in segmentation) return { runs: segmentation };
  return segmentation.length ? { polygons: segmentation } : undefined;
}

/** What goes by an id; @throws UserError that names both where two do. */
function unique<T extends { readonly id: number }>(
  list: readonly T[],
  value: (entry: T) => string,
  what: string,
): Map<number, string> {
  const found = new Map<number, string>();
  for (const entry of list) {
    const [before, now] = [found.get(entry.id), value(entry)];
    if (before !== undefined && before !== now)
      throw new UserError(
        "invalid-input",
        `invalid annotations ${what} ${entry.id} is both "${before}" and "${now}"; an id stands for one`,
      );
    found.set(entry.id, now);
  }
  return found;
}

/** How folders of a part of a dataset are called. */
const isSplit = /^(train(ing)?|val|valid(ation)?|test(ing)?|dev)[_-]?\d*$/i;

/**
 * Finds the pictures that a file of annotations names: around that file, and in the folder of its split where there is one
 * (instances_val2017.json, val2017/), never in that of another one. Their paths are relative, to what is not said, or of another machine: one is the end of the other.
 */
function placesFor(file: string, pictures: Pictures): (name: string) => string | undefined {
  const around = pictures.around(file);
  const split = nameOf(file)
    .replace(/\.json$/, "")
    .replace(/[_-]?instances[_-]?/, "");
  const inside = (picture: string) => !around || picture.startsWith(`${around}/`);
  const ofSplit = (picture: string) => foldersOf(picture.slice(around.length)).includes(split);
  const foreign = (picture: string) =>
    /train|val|test|dev/i.test(split) &&
    foldersOf(picture.slice(around.length)).some((folder) => isSplit.test(folder) && !split.includes(folder));
  const splits = split !== "" && pictures.some((picture) => inside(picture) && ofSplit(picture));
  return (name) => {
    const parts = name.split(/[\\/]/).filter((part) => part !== "" && part !== "." && part !== "..");
    const path = parts.join("/");
    const candidates = pictures
      .named(nameOf(path))
      .filter((picture) => inside(picture) && (splits ? ofSplit(picture) : !foreign(picture)))
      .filter((picture) => nameOf(picture) === nameOf(path));
    for (const place of [joined(around, path), joined(pictures.root(around), path)])
      if (candidates.includes(place)) return place;
    const ends = candidates.filter((picture) => picture.endsWith(`/${path}`));
    return only(ends.length ? ends : longest(candidates, path), `${file} (${name})`);
  };
}

/** Of pictures whose whole path is the end of a longer one, those that share most of it. */
function longest(candidates: readonly string[], path: string): readonly string[] {
  const shared = candidates.filter((picture) => path.endsWith(`/${picture}`));
  const length = Math.max(0, ...shared.map((picture) => picture.length));
  return shared.filter((picture) => picture.length === length);
}
