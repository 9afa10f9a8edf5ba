/**
 * @file Pictures, and for each thing in them a PNG of its size in a folder of its class: `masks/CLASS/x.png`, or `masks/CLASS/FOLDER/x.png`
 * where names repeat; any pixel but black belongs.
 */
import type { Marked } from "../sample.ts";
import { type Format, isPicture, Remarks, unknownObjects } from "./dataset.ts";
import { joined, only, Pictures } from "./pairing.ts";

const mask = /^(?:(.*?)\/)?masks\/([^/]+)\/(.+)\.png$/i;
const inMasks = /(^|\/)masks\/[^/]+\//i;

export const masks: Format = {
  name: "masks",
  layout: "pictures in any folder, masks/CLASS/picture.png",
  recognises: (files) => files.some((file) => mask.test(file)),
  async read(_source, files, classes) {
    const remarks = new Remarks();
    const pictures = new Pictures(files.filter((file) => isPicture(file) && !inMasks.test(file)));
    const things = new Map<string, Marked[]>();
    for (const file of files) {
      const [whole, folder = "", name, place] = mask.exec(file) ?? [];
      if (whole === undefined) continue;
      const mirrored = pictures.at(joined(pictures.root(folder), place));
      const picture = only(mirrored.length ? mirrored : pictures.endingIn(place, folder), file);
      if (picture === undefined) {
        remarks.add("annotations without a picture", file);
        continue;
      }
      const meant = classes.of(name);
      if (!meant?.length) remarks.add(unknownObjects, file, name);
      things.set(picture, [...(things.get(picture) ?? []), { name, classes: meant ?? [], shape: { file } }]);
    }
    const samples = files.flatMap((picture) => {
      const objects = things.get(picture);
      if (objects) return [{ id: picture, picture, objects }];
      if (isPicture(picture) && !inMasks.test(picture)) remarks.add("pictures without annotations", picture);
      return [];
    });
    return { samples, remarks: remarks.list() };
  },
};
