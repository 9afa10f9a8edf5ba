/** @file COCO's instances: boxes, polygons and run lengths in one JSON file, pictures beside it or in a folder. */
import type { Marked, Sample, Shape } from "../sample.ts";
import { passesOver } from "../source.ts";
import { type Annotation, eachAnnotation, readNamed } from "./coco-json.ts";
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
      // Twice: categories come after the annotations, and what the model has no class for is not kept whole.
      const pass = await passesOver(source, file, most.annotations);
      const { images, categories } = await readNamed(pass(), file);
      const things = new Map([...images.keys()].map((id) => [id, new Things()]));
      await eachAnnotation(pass(), file, (annotation) => {
        const of = annotation.image_id === undefined ? undefined : things.get(annotation.image_id);
        if ("fault" in annotation) {
          if (of) of.fault ??= `${annotation.at}: ${annotation.fault}`;
          else remarks.add("annotations that cannot be read", annotation.at, annotation.fault);
          return;
        }
        const { image_id, category_id } = annotation;
        const at = images.get(image_id);
        const name = categories.get(category_id);
        if (at === undefined) remarks.add("annotations without a picture", String(image_id));
        else if (name === undefined) remarks.add("annotations of a category that the file does not list", at);
        // A number is no class here: what the file does not list is not the model's class of that index.
        const meant = name === undefined ? undefined : classes.of(name);
        if (at !== undefined && name !== undefined && !meant?.length) remarks.add(unknownObjects, at, name);
        of?.add(marked(annotation, name ?? `category ${category_id}`, meant ?? []));
      });
      const place = placesFor(file, pictures);
      for (const [id, name] of images) {
        const found = place(name);
        if (found) {
          const picture = pictures.take(found, `image ${id} of ${file}`);
          const { objects = [], fault } = things.get(id) ?? {};
          samples.push({ id: picture, picture, objects, ...(fault && { fault: `invalid ${fault}` }) });
        } else remarks.add("annotations without a picture", name);
      }
    }
    for (const picture of pictures.rest()) remarks.add("pictures without annotations", picture);
    return { samples, remarks: remarks.list() };
  },
};

/** Of a picture at most; COCO's have less than a hundred. */
const mostThings = 10_000;

/** What is in a picture, and the first thing that is wrong with it: what is left would be measured as if it were all. */
class Things {
  readonly objects: Marked[] = [];
  fault: string | undefined;

  add(thing: Marked): void {
    if (this.objects.length < mostThings) this.objects.push(thing);
    else this.fault ??= `annotations: more than ${mostThings} of one picture`;
  }
}

function marked(
  { bbox: [x, y, w, h], segmentation, iscrowd }: Annotation,
  name: string,
  classes: readonly number[],
): Marked {
  const shape = classes.length ? shapeOf(segmentation) : undefined;
  return { name, classes, box: [x, y, x + w, y + h], crowd: iscrowd === 1, ...(shape && { shape }) };
}

function shapeOf(segmentation: Annotation["segmentation"]): Shape | undefined {
  if (!segmentation) return undefined;
  if ("counts" in segmentation) return { runs: segmentation };
  return segmentation.length ? { polygons: segmentation } : undefined;
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
