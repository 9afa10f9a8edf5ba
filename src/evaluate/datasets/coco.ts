/** @file COCO's instances: boxes, polygons and run lengths in one JSON file, pictures beside it or in a folder. */
import { UserError } from "../../errors.ts";
import type { Marked, Sample, Shape } from "../sample.ts";
import type { Runs } from "../shapes.ts";
import { type Format, isPicture, Remarks } from "./dataset.ts";

interface Coco {
  readonly images: readonly { readonly id: number; readonly file_name: string }[];
  readonly categories: readonly { readonly id: number; readonly name: string }[];
  readonly annotations: readonly {
    readonly image_id: number;
    readonly category_id: number;
    readonly bbox: readonly [number, number, number, number];
    readonly segmentation?: readonly (readonly number[])[] | Runs;
    readonly iscrowd?: 0 | 1;
  }[];
}

const instances = /(^|\/)[^/]*instances[^/]*\.json$/;

export const coco: Format = {
  name: "coco",
  layout: "annotations/instances_*.json (COCO), pictures in any folder",
  recognises: (files) => files.some((file) => instances.test(file)),
  async read(source, files, classes) {
    const remarks = new Remarks();
    const pictures = new Map(files.filter(isPicture).map((file) => [file.split("/").at(-1) ?? file, file]));
    const samples: Sample[] = [];
    for (const file of files.filter((f) => instances.test(f))) {
      const { images, categories, annotations } = parse(await source.read(file), file);
      const nameOf = new Map(categories.map(({ id, name }) => [id, name]));
      const things = new Map<number, Marked[]>(images.map(({ id }) => [id, []]));
      for (const { image_id, category_id, bbox, segmentation, iscrowd } of annotations) {
        const name = nameOf.get(category_id) ?? String(category_id);
        const of = things.get(image_id);
        if (!of) {
          remarks.add("annotations without a picture", String(image_id));
          continue;
        }
        const meant = classes.of(name);
        if (!meant?.length) remarks.add(`things of a class that the model does not know: ${name}`, String(image_id));
        const [x, y, w, h] = bbox;
        const shape = shapeOf(segmentation);
        of.push({
          name,
          classes: meant ?? [],
          box: [x, y, x + w, y + h],
          crowd: iscrowd === 1,
          ...(shape && { shape }),
        });
      }
      for (const { id, file_name } of images) {
        const picture = pictures.get(file_name.split("/").at(-1) ?? file_name);
        pictures.delete(file_name.split("/").at(-1) ?? file_name);
        if (picture) samples.push({ id: picture, picture, objects: things.get(id) ?? [] });
        else remarks.add("annotations without a picture", file_name);
      }
    }
    for (const picture of pictures.values()) remarks.add("pictures without annotations", picture);
    return { samples, remarks: remarks.list() };
  },
};

function shapeOf(segmentation: readonly (readonly number[])[] | Runs | undefined): Shape | undefined {
  if (segmentation === undefined) return undefined;
  return "counts" in segmentation
    ? { runs: segmentation }
    : segmentation.length
      ? { polygons: segmentation }
      : undefined;
}

function parse(bytes: Uint8Array, file: string): Coco {
  let json: Partial<Coco>;
  try {
    json = JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new UserError("invalid-input", `invalid annotations ${file}: not JSON (${(cause as Error).message})`);
  }
  for (const key of ["images", "categories", "annotations"] as const)
    if (!Array.isArray(json[key]))
      throw new UserError(
        "invalid-input",
        `invalid annotations ${file}: no list "${key}", expected COCO's images, categories, annotations`,
      );
  const broken = (json as Coco).annotations.findIndex(({ bbox }) => bbox?.length !== 4 || !bbox.every(Number.isFinite));
  if (broken >= 0)
    throw new UserError(
      "invalid-input",
      `invalid annotations ${file}: annotation ${broken} has no "bbox" of four numbers`,
    );
  return json as Coco;
}
