/**
 * @file Pictures in folders of their class (ImageNet's layout), or flat with names that begin with a WordNet id; boxes from ILSVRC's
 * CLS-LOC XML files, where there are some with the pictures' names.
 */
import type { Sample } from "../sample.ts";
import { type Format, isPicture, Remarks, stem } from "./dataset.ts";
import { readVocXml } from "./voc-xml.ts";

const synset = /^(n\d{8})(?:_|$)/;

export const folders: Format = {
  name: "folders",
  layout: "CLASS/picture.jpg, or n01440764_anything.jpg; boxes in any picture.xml (ILSVRC CLS-LOC)",
  recognises: (files) => files.some((file) => isPicture(file) && classOf(file) !== undefined),
  async read(source, files, classes) {
    const remarks = new Remarks();
    const boxes = new Map(files.filter((file) => file.endsWith(".xml")).map((file) => [stem(file), file]));
    const samples: Sample[] = [];
    for (const file of files.filter(isPicture)) {
      const xml = boxes.get(stem(file));
      boxes.delete(stem(file));
      const marked = xml ? (await readVocXml(source, xml)).objects : [];
      const name = marked[0]?.name ?? classOf(file);
      const labels = name === undefined ? undefined : classes.of(name);
      if (!labels?.length) {
        remarks.add(
          name === undefined ? "pictures outside of any class" : `pictures of the unknown class "${name}"`,
          file,
        );
        continue;
      }
      const objects = marked.map((object) => ({ ...object, classes: classes.of(object.name) ?? [] }));
      samples.push({ id: file, picture: file, labels, objects });
    }
    for (const file of boxes.values()) remarks.add("annotations without a picture", file);
    return { samples, remarks: remarks.list() };
  },
};

/** The folder's name; of a flat file, or of ImageNet's, the WordNet id. */
function classOf(file: string): string | undefined {
  const parts = file.split("/");
  return synset.exec(parts.at(-1) ?? "")?.[1] ?? parts.at(-2);
}
