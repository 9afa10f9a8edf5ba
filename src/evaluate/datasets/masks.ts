/** @file Pictures, and for each thing in them a PNG of its size in a folder of its class: `masks/CLASS/x.png`; any pixel but black belongs. */
import type { Marked } from "../sample.ts";
import { type Format, isPicture, Remarks, stem } from "./dataset.ts";

const mask = /(^|\/)masks\/([^/]+)\/[^/]+\.png$/i;

export const masks: Format = {
  name: "masks",
  layout: "pictures in any folder, masks/CLASS/picture.png",
  recognises: (files) => files.some((file) => mask.test(file)),
  async read(_source, files, classes) {
    const remarks = new Remarks();
    const pictures = files.filter((file) => isPicture(file) && !mask.test(file));
    const things = new Map<string, Marked[]>(pictures.map((file) => [stem(file), []]));
    for (const file of files) {
      const [, , name] = mask.exec(file) ?? [];
      if (name === undefined) continue;
      const meant = classes.of(name);
      if (!meant?.length) remarks.add(`things of a class that the model does not know: ${name}`, file);
      const of = things.get(stem(file));
      if (of) of.push({ name, classes: meant ?? [], shape: { file } });
      else remarks.add("annotations without a picture", file);
    }
    const samples = pictures.flatMap((picture) => {
      const objects = things.get(stem(picture)) ?? [];
      if (objects.length) return [{ id: picture, picture, objects }];
      remarks.add("pictures without annotations", picture);
      return [];
    });
    return { samples, remarks: remarks.list() };
  },
};
