/**
 * @file YOLO's text files: `images/.../x.jpg` and `labels/.../x.txt`, which mirror each other, with a line `class cx cy w h` for each thing,
 * or `class x y x y ...` for its outline, all in parts of the picture.
 */
import { UserError } from "../../errors.ts";
import { boundedSize } from "../../tasks/formats/json.ts";
import type { Marked, Sample } from "../sample.ts";
import { type Format, isPicture, most, Remarks, unknownObjects } from "./dataset.ts";
import { foldersOf, joined, only, Pictures, withoutEnding } from "./pairing.ts";
import { isNames, NamesBeside } from "./yolo-names.ts";

const isLabels = (file: string) => foldersOf(file).includes("labels") && file.endsWith(".txt") && !isNames(file);

export const yolo: Format = {
  name: "yolo",
  layout: "images/*.jpg, labels/*.txt, data.yaml or classes.txt (YOLO), in any folder",
  recognises: (files) => files.some(isLabels) && files.some(isNames),
  async read(source, files, classes) {
    const remarks = new Remarks();
    const names = new NamesBeside(source, files);
    const pictures = new Pictures(files.filter(isPicture));
    const samples: Sample[] = [];
    for (const file of files.filter(isLabels)) {
      const found = only(picturesOf(file, pictures), file);
      if (found === undefined) {
        remarks.add("annotations without a picture", file);
        continue;
      }
      const picture = pictures.take(found, file);
      const bytes = await source.read(file, most.annotation);
      boundedSize(bytes.length, file, "annotations", most.annotation);
      const nameOf = await names.around(file);
      const rows = new TextDecoder()
        .decode(bytes)
        .split(/\r?\n/)
        .flatMap((line, i) => (line.trim() ? [{ line, at: `${file}, line ${i + 1}` }] : []));
      const objects = rows.map(({ line, at }): Marked => {
        const { index, shape } = parse(line, at);
        const name = nameOf.get(index);
        if (name === undefined)
          throw new UserError("invalid-input", `invalid annotation ${at}: class ${index} has no name`);
        const meant = classes.of(name);
        if (!meant?.length) remarks.add(unknownObjects, picture, name);
        return { name, classes: meant ?? [], inParts: true, ...shape };
      });
      samples.push({ id: picture, picture, objects });
    }
    for (const picture of pictures.rest()) remarks.add("pictures without annotations", picture);
    return { samples, remarks: remarks.list() };
  },
};

/** The mirror in `images`, which is a picture's only place there; else what has the same path beside `labels`, or in one more folder. */
function picturesOf(file: string, pictures: Pictures): readonly string[] {
  const folders = foldersOf(file);
  const at = folders.lastIndexOf("labels");
  const folder = folders.slice(0, at).join("/");
  const place = withoutEnding(
    file
      .split("/")
      .slice(at + 1)
      .join("/"),
  );
  const mirrored = pictures.at(joined(folder, "images", place));
  if (mirrored.length) return mirrored;
  const beside = pictures.at(joined(folder, place));
  if (beside.length) return beside;
  return pictures.endingIn(place, folder).filter((picture) => !picture.startsWith(joined(folder, "images/")));
}

function parse(line: string, at: string): { readonly index: number; readonly shape: Pick<Marked, "box" | "shape"> } {
  const [index, ...values] = line.trim().split(/\s+/).map(Number);
  const outline = values.length >= 6 && values.length % 2 === 0;
  if (!Number.isInteger(index) || !(values.length === 4 || outline))
    throw new UserError(
      "invalid-input",
      `invalid annotation ${at}: expected "class cx cy w h", or a class and an outline`,
    );
  if (!values.every((v) => v >= 0 && v <= 1))
    throw new UserError("invalid-input", `invalid annotation ${at}: expected parts of the picture, 0 to 1`);
  if (outline) {
    const [xs, ys] = [0, 1].map((side) => values.filter((_, i) => i % 2 === side));
    const extreme = (best: (a: number, b: number) => number, of: readonly number[]) => of.reduce((a, b) => best(a, b));
    const box = [extreme(Math.min, xs), extreme(Math.min, ys), extreme(Math.max, xs), extreme(Math.max, ys)] as const;
    return { index, shape: { box, shape: { polygons: [values] } } };
  }
  const [cx, cy, w, h] = values;
  return { index, shape: { box: [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2] } };
}
