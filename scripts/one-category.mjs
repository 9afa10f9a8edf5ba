/**
 * @file The pictures of a COCO directory that show things of one category alone, which a model has classes for, as a dataset of their own:
 * its label is the category's, as ILSVRC's pictures have one. Pictures are linked, not copied.
 */
import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { csv } from "../dist/evaluate/csv.js";
import { ClassNames } from "../dist/evaluate/datasets/classes.js";
import { readDataset } from "../dist/evaluate/datasets/index.js";
import { sourceAt } from "../dist/evaluate/source.js";

/** @returns where it is, or undefined where no picture is of that kind */
export async function oneCategory(directory, out, labels) {
  const { samples } = await readDataset(sourceAt(directory), new ClassNames(labels));
  const rows = [["picture", "label", "name", "x0", "y0", "x1", "y1"]];
  for (const { picture, objects } of samples) {
    const [first] = objects;
    if (!first?.classes.length || objects.some(({ name, crowd }) => crowd || name !== first.name)) continue;
    for (const { name, box } of objects) rows.push([`pictures/${picture}`, name, name, ...box]);
  }
  if (rows.length === 1) return undefined;
  await rm(out, { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  await symlink(path.resolve(directory), path.join(out, "pictures"));
  await writeFile(path.join(out, "manifest.csv"), csv(rows));
  return out;
}
