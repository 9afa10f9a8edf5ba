/** @file Formats of datasets, and how one is recognised. */
import { listing, UserError } from "../../errors.ts";
import type { Source } from "../source.ts";
import type { ClassNames } from "./classes.ts";
import { coco } from "./coco.ts";
import type { Dataset, Format } from "./dataset.ts";
import { easyVqa } from "./easy-vqa.ts";
import { folders } from "./folders.ts";
import { manifest } from "./manifest.ts";
import { masks } from "./masks.ts";
import { voc } from "./voc.ts";
import { yolo } from "./yolo.ts";

/** The first that recognises a dataset reads it. */
export const formats: readonly Format[] = [manifest, coco, voc, yolo, easyVqa, masks, folders];

/** @throws UserError for a dataset in no known layout, or without a picture of a class that the model knows. */
export async function readDataset(source: Source, classes: ClassNames, named?: string): Promise<Dataset> {
  const known = formats.find(({ name }) => name === named);
  if (named !== undefined && !known)
    throw new UserError(
      "unknown-name",
      `unknown format: "${named}"; allowed are ${listing(formats.map(({ name }) => name))}`,
    );
  // A server that doesn't list its files has a manifest.
  const files = known === manifest ? ["manifest.csv"] : await source.list();
  const format = known ?? formats.find((one) => one.recognises(files));
  if (!format)
    throw new UserError(
      "invalid-input",
      `unknown dataset: ${source.location} is laid out as none of ${formats.map(({ name, layout }) => `${name} (${layout})`).join("; ")}`,
    );
  const dataset = await format.read(source, files, classes);
  if (dataset.samples.length === 0)
    throw new UserError(
      "invalid-input",
      `empty dataset: ${source.location} has no picture that can be used${because(dataset)}`,
    );
  return dataset;
}

/** What was left out of a dataset, in brackets. */
export const because = ({ remarks }: Dataset): string =>
  remarks.length ? ` (${remarks.map(({ what, count }) => `${count} ${what}`).join("; ")})` : "";
