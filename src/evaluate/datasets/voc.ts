/** @file PASCAL VOC: JPEGImages, and Annotations that mirror them, in one folder or in several. */
import type { Marked, Sample } from "../sample.ts";
import { type Format, isPicture, Remarks, unknownObjects } from "./dataset.ts";
import { nameOf, only, Pictures } from "./pairing.ts";
import { readVocXml } from "./voc-xml.ts";

const annotation = /^(.*\/)?Annotations\/(.+)\.xml$/;
const flat = /(^|\/)Annotations\/[^/]+\.xml$/;
const photo = /(^|\/)JPEGImages\//;

export const voc: Format = {
  name: "voc",
  layout: "JPEGImages/*.jpg, Annotations/*.xml (PASCAL VOC), in any folder",
  recognises: (files) =>
    files.some((file) => flat.test(file)) ||
    (files.some((file) => annotation.test(file)) && files.some((file) => photo.test(file))),
  async read(source, files, classes) {
    const remarks = new Remarks();
    const pictures = new Pictures(files.filter((file) => photo.test(file) && isPicture(file)));
    const samples: Sample[] = [];
    for (const file of files) {
      const [whole, folder = "", place] = annotation.exec(file) ?? [];
      if (whole === undefined) continue;
      const found = pictures.at(`${folder}JPEGImages/${place}`);
      if (found.length === 0) {
        remarks.add("annotations without a picture", file);
        continue;
      }
      const { filename, objects: marked } = await readVocXml(source, file);
      // Of an a.jpg and an a.png the file says which it means.
      const meant = found.length > 1 ? found.filter((one) => nameOf(one) === filename) : found;
      const picture = pictures.take(only(meant.length ? meant : found, file) as string, file);
      const objects = marked.map((object): Marked => {
        const known = classes.of(object.name);
        if (!known?.length) remarks.add(unknownObjects, picture, object.name);
        return { ...object, classes: known ?? [] };
      });
      samples.push({ id: picture, picture, objects });
    }
    for (const picture of pictures.rest()) remarks.add("pictures without annotations", picture);
    return { samples, remarks: remarks.list() };
  },
};
