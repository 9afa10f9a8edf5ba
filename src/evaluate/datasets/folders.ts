/**
 * @file Pictures in folders of their class (ImageNet's layout), or flat with names that begin with a WordNet id; boxes from ILSVRC's
 * CLS-LOC XML files, where there are some with the pictures' names, in folders that agree with theirs.
 */
import type { Sample } from "../sample.ts";
import type { ClassNames } from "./classes.ts";
import { type Format, isPicture, Remarks, unknownObjects } from "./dataset.ts";
import { foldersOf, nameOf, only, Pictures, withoutEnding } from "./pairing.ts";
import { readVocXml } from "./voc-xml.ts";

const synset = /^(n\d{8})(?:_|$)/;

export const folders: Format = {
  name: "folders",
  layout: "CLASS/picture.jpg, or n01440764_anything.jpg; boxes in any picture.xml (ILSVRC CLS-LOC)",
  recognises: (files) => files.some((file) => isPicture(file) && classOf(file) !== undefined),
  async read(source, files, classes) {
    const remarks = new Remarks();
    const boxes = boxesOf(files, classes, (file) => remarks.add("annotations without a picture", file));
    const samples: Sample[] = [];
    for (const file of files.filter(isPicture)) {
      const xml = boxes.get(file);
      const marked = xml ? (await readVocXml(source, xml)).objects : [];
      const name = marked[0]?.name ?? classOf(file);
      const labels = name === undefined ? undefined : classes.of(name);
      if (!labels?.length) {
        remarks.add(
          name === undefined ? "pictures outside of any class" : "pictures of classes that the model does not have",
          file,
          name,
        );
        continue;
      }
      const objects = marked.map((object) => {
        const meant = classes.of(object.name);
        if (!meant?.length) remarks.add(unknownObjects, file, object.name);
        return { ...object, classes: meant ?? [] };
      });
      samples.push({ id: file, picture: file, labels, objects });
    }
    return { samples, remarks: remarks.list() };
  },
};

/** The folder's name; of a flat file, or of ImageNet's, the WordNet id. */
function classOf(file: string): string | undefined {
  return synset.exec(nameOf(file))?.[1] ?? foldersOf(file).at(-1);
}

/**
 * The file of boxes of each picture that has one. Folders that both trees have (train, val, a class) are the same for both, and a class's
 * boxes are never another class's.
 */
function boxesOf(
  files: readonly string[],
  classes: ClassNames,
  onLonely: (file: string) => void,
): ReadonlyMap<string, string> {
  const pictures = files.filter(isPicture);
  const xmls = files.filter((file) => file.endsWith(".xml"));
  const named = new Pictures(pictures);
  const pictured = new Set(pictures.flatMap(foldersOf));
  const boxed = new Set(xmls.flatMap(foldersOf));
  const agree = (xml: string, picture: string): boolean => {
    const [its, others] = [foldersOf(xml), foldersOf(picture)];
    const last = its.at(-1);
    return (
      its.every((name) => others.includes(name) || !pictured.has(name)) &&
      others.every((name) => its.includes(name) || !boxed.has(name)) &&
      (last === undefined || others.includes(last) || classes.of(last) === undefined)
    );
  };
  const found = new Map<string, string>();
  for (const xml of xmls) {
    const beside = named.at(withoutEnding(xml));
    const fitting = named.named(withoutEnding(nameOf(xml))).filter((picture) => agree(xml, picture));
    const picture = only(beside.length ? beside : fitting, xml);
    if (picture === undefined) onLonely(xml);
    else found.set(named.take(picture, xml), xml);
  }
  return found;
}
