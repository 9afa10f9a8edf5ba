/** @file PASCAL VOC: JPEGImages, Annotations, and SegmentationObject's masks where they are. */
import type { Marked, Sample } from "../sample.ts";
import { type Format, isPicture, Remarks, stem } from "./dataset.ts";
import { readVocXml } from "./voc-xml.ts";

export const voc: Format = {
  name: "voc",
  layout: "JPEGImages/*.jpg, Annotations/*.xml (PASCAL VOC), in any folder",
  recognises: (files) => files.some((file) => /(^|\/)Annotations\/[^/]+\.xml$/.test(file)),
  async read(source, files, classes) {
    const remarks = new Remarks();
    const pictures = new Map(
      files.filter((f) => /(^|\/)JPEGImages\//.test(f) && isPicture(f)).map((f) => [stem(f), f]),
    );
    const samples: Sample[] = [];
    for (const file of files.filter((f) => /(^|\/)Annotations\/[^/]+\.xml$/.test(f))) {
      const picture = pictures.get(stem(file));
      pictures.delete(stem(file));
      if (!picture) {
        remarks.add("annotations without a picture", file);
        continue;
      }
      const objects = (await readVocXml(source, file)).objects.map((object): Marked => {
        const meant = classes.of(object.name);
        if (!meant?.length) remarks.add(`things of a class that the model does not know: ${object.name}`, picture);
        return { ...object, classes: meant ?? [] };
      });
      samples.push({ id: picture, picture, objects });
    }
    for (const picture of pictures.values()) remarks.add("pictures without annotations", picture);
    return { samples, remarks: remarks.list() };
  },
};
