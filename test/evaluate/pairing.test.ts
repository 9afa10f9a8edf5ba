/**
 * @file Whose label a picture gets, in datasets whose folders repeat file names. Every picture is put in its place with a known truth, files
 * are then lost in every combination, and no picture may ever get another one's label: it has its own, or none, or the dataset is refused by a line
 * that names both.
 */
import { describe, expect, test } from "vitest";
import { ClassNames } from "../../src/evaluate/datasets/classes.ts";
import { coco } from "../../src/evaluate/datasets/coco.ts";
import type { Format } from "../../src/evaluate/datasets/dataset.ts";
import { folders } from "../../src/evaluate/datasets/folders.ts";
import { manifest } from "../../src/evaluate/datasets/manifest.ts";
import { masks } from "../../src/evaluate/datasets/masks.ts";
import { voc } from "../../src/evaluate/datasets/voc.ts";
import { yolo } from "../../src/evaluate/datasets/yolo.ts";

const labels = ["cat", "dog", "cow", "owl"];
const classes = new ClassNames(labels);

type Files = Readonly<Record<string, string>>;

async function read(format: Format, files: Files) {
  const source = {
    location: "memory",
    read: async (file: string) => new TextEncoder().encode(files[file]),
    list: async () => Object.keys(files).sort(),
  };
  const { samples, remarks } = await format.read(source, Object.keys(files).sort(), classes);
  const pairs = samples.map(({ picture, objects, labels: its }) => [
    picture,
    objects.length ? objects.map(({ name }) => name).join() : its?.map((i) => labels[i]).join(),
  ]);
  return { pairs: Object.fromEntries(pairs) as Record<string, string>, remarks };
}

const xml = (...things: string[]) => {
  const objects = things.map(
    (name) =>
      `<object><name>${name}</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></object>`,
  );
  return `<annotation><filename>1.jpg</filename>${objects.join("")}</annotation>`;
};
const instances = (things: readonly (readonly [file: string, name: string])[]) =>
  JSON.stringify({
    images: things.map(([file_name], id) => ({ id, file_name })),
    categories: labels.map((name, id) => ({ id, name })),
    annotations: things.map(([, name], image_id) => ({
      image_id,
      category_id: labels.indexOf(name),
      bbox: [1, 1, 2, 2],
    })),
  });
const names = "names: [cat, dog, cow, owl]\n";

/** Datasets with one name in several folders; `truth` is what each picture shows. */
const repeated: Readonly<
  Record<
    string,
    { readonly format: Format; readonly files: Files; readonly truth: Files; readonly kept?: readonly string[] }
  >
> = {
  "yolo, splits below": {
    format: yolo,
    files: {
      ...{ "data.yaml": names, "images/train/1.jpg": "", "images/val/1.jpg": "", "images/1.jpg": "" },
      ...{ "labels/train/1.txt": "0 .5 .5 .1 .1", "labels/val/1.txt": "1 .5 .5 .1 .1", "labels/1.txt": "2 0 0 1 1" },
    },
    truth: { "images/train/1.jpg": "cat", "images/val/1.jpg": "dog", "images/1.jpg": "cow" },
  },
  "yolo, splits above": {
    format: yolo,
    files: {
      ...{ "data.yaml": names, "train/images/1.jpg": "", "val/images/1.jpg": "" },
      ...{ "train/labels/1.txt": "0 .5 .5 .1 .1", "val/labels/1.txt": "1 .5 .5 .1 .1" },
    },
    truth: { "train/images/1.jpg": "cat", "val/images/1.jpg": "dog" },
  },
  "yolo, names of their own": {
    format: yolo,
    files: {
      ...{ "a/data.yaml": "names: [cat, dog]", "b/data.yaml": "names: [dog, cat]" },
      ...{ "a/images/1.jpg": "", "b/images/1.jpg": "", "a/labels/1.txt": "0 0 0 1 1", "b/labels/1.txt": "0 0 0 1 1" },
    },
    truth: { "a/images/1.jpg": "cat", "b/images/1.jpg": "dog" },
    // A folder with names and nothing else is one of configurations, which hold for all.
    kept: ["a/images/1.jpg", "b/images/1.jpg"],
  },
  "coco, folders in the names": {
    format: coco,
    files: {
      ...{ "cats/1.jpg": "", "dogs/1.jpg": "", "dogs/old/1.jpg": "" },
      "annotations/instances.json": instances([
        ["cats/1.jpg", "cat"],
        ["dogs/1.jpg", "dog"],
        ["dogs/old/1.jpg", "cow"],
      ]),
    },
    truth: { "cats/1.jpg": "cat", "dogs/1.jpg": "dog", "dogs/old/1.jpg": "cow" },
  },
  "coco, splits of their own": {
    format: coco,
    files: {
      ...{ "train2017/1.jpg": "", "val2017/1.jpg": "", "train2017/2.jpg": "", "val2017/3.jpg": "" },
      "annotations/instances_train2017.json": instances([
        ["1.jpg", "cat"],
        ["2.jpg", "cow"],
      ]),
      "annotations/instances_val2017.json": instances([
        ["1.jpg", "dog"],
        ["3.jpg", "owl"],
      ]),
    },
    truth: { "train2017/1.jpg": "cat", "val2017/1.jpg": "dog", "train2017/2.jpg": "cow", "val2017/3.jpg": "owl" },
  },
  "coco, beside the pictures": {
    format: coco,
    files: {
      ...{ "a/1.jpg": "", "b/1.jpg": "", "a/2.jpg": "", "b/3.jpg": "" },
      ...{ "a/instances.json": instances([["1.jpg", "cat"]]), "b/instances.json": instances([["1.jpg", "dog"]]) },
    },
    truth: { "a/1.jpg": "cat", "b/1.jpg": "dog" },
    // A file whose own folder has no picture is one of annotations, whose pictures may be in any folder.
    kept: ["a/2.jpg", "b/3.jpg"],
  },
  "coco, paths of another machine": {
    format: coco,
    files: {
      ...{ "cats/1.jpg": "", "dogs/1.jpg": "" },
      "annotations/instances.json": instances([
        ["/home/someone/data/cats/1.jpg", "cat"],
        ["/home/someone/data/dogs/1.jpg", "dog"],
      ]),
    },
    truth: { "cats/1.jpg": "cat", "dogs/1.jpg": "dog" },
  },
  "voc, two years": {
    format: voc,
    files: {
      ...{ "VOC2007/JPEGImages/1.jpg": "", "VOC2012/JPEGImages/1.jpg": "", "VOC2012/JPEGImages/b/1.jpg": "" },
      ...{ "VOC2007/Annotations/1.xml": xml("cat"), "VOC2012/Annotations/1.xml": xml("dog") },
      "VOC2012/Annotations/b/1.xml": xml("cow"),
    },
    truth: {
      ...{ "VOC2007/JPEGImages/1.jpg": "cat", "VOC2012/JPEGImages/1.jpg": "dog", "VOC2012/JPEGImages/b/1.jpg": "cow" },
    },
  },
  "masks, folders below their classes": {
    format: masks,
    files: {
      ...{ "photos/a/1.png": "", "photos/b/1.png": "", "masks/cat/a/1.png": "", "masks/dog/b/1.png": "" },
    },
    truth: { "photos/a/1.png": "cat", "photos/b/1.png": "dog" },
  },
  "masks, splits above": {
    format: masks,
    files: {
      ...{ "a/photos/1.jpg": "", "b/photos/1.jpg": "", "a/masks/cat/1.png": "", "b/masks/dog/1.png": "" },
    },
    truth: { "a/photos/1.jpg": "cat", "b/photos/1.jpg": "dog" },
  },
  "folders with boxes": {
    format: folders,
    files: {
      ...{ "Data/train/cat/1.jpg": "", "Data/train/dog/1.jpg": "", "Data/val/cat/1.jpg": "" },
      ...{ "Boxes/train/cat/1.xml": xml("cat"), "Boxes/train/dog/1.xml": xml("dog") },
      "Boxes/val/cat/1.xml": xml("cat"),
    },
    truth: { "Data/train/cat/1.jpg": "cat", "Data/train/dog/1.jpg": "dog", "Data/val/cat/1.jpg": "cat" },
  },
  manifest: {
    format: manifest,
    files: { "manifest.csv": "picture,label\na/1.jpg,cat\nb/1.jpg,dog\n1.jpg,cow" },
    truth: { "a/1.jpg": "cat", "b/1.jpg": "dog", "1.jpg": "cow" },
  },
};

describe.each(Object.entries(repeated))("%s", (_, { format, files, truth, kept = [] }) => {
  test("every picture has its own label", async () => {
    expect((await read(format, files)).pairs).toEqual(truth);
  });

  test("whatever is lost, none gets another's", async () => {
    const all = Object.keys(files);
    for (let subset = 1; subset < 2 ** all.length; subset++) {
      const left = Object.fromEntries(
        all.filter((file, i) => subset & (1 << i) || kept.includes(file)).map((file) => [file, files[file]]),
      );
      const found = await read(format, left).catch((error: Error) => error);
      if (found instanceof Error) expect(found.message).toMatch(/^(invalid dataset: .* (and|or) .*|missing file: .*)$/);
      else expect(truth).toMatchObject(found.pairs);
    }
  });
});

describe("what may be two is refused, and both are named", () => {
  const both = instances([["1.jpg", "cat"]]);
  test.each<[string, Format, Files, RegExp]>([
    [
      "a mask of one of two pictures",
      masks,
      { "cats/1.png": "", "dogs/1.png": "", "masks/cat/1.png": "" },
      /masks\/cat\/1\.png may be about cats\/1\.png or dogs\/1\.png/,
    ],
    [
      "a mask of a.jpg or a.png",
      masks,
      { "a.jpg": "", "a.png": "", "masks/cat/a.png": "" },
      /may be about a\.jpg or a\.png/,
    ],
    [
      "labels of 1.jpg or 1.png",
      yolo,
      { "data.yaml": names, "images/1.jpg": "", "images/1.png": "", "labels/1.txt": "0 0 0 1 1" },
      /labels\/1\.txt may be about images\/1\.jpg or images\/1\.png/,
    ],
    [
      "flat labels, pictures in two folders",
      yolo,
      { "data.yaml": names, "a/1.jpg": "", "b/1.jpg": "", "labels/1.txt": "0 0 0 1 1" },
      /labels\/1\.txt may be about a\/1\.jpg or b\/1\.jpg/,
    ],
    [
      "two files of names",
      yolo,
      { "data.yaml": names, "other.yaml": "names: [dog, cat]", "images/1.jpg": "", "labels/1.txt": "0 0 0 1 1" },
      /data\.yaml and other\.yaml name the classes differently/,
    ],
    [
      "a bare name in two folders",
      coco,
      { "a/1.jpg": "", "b/1.jpg": "", "annotations/instances.json": both },
      /instances\.json \(1\.jpg\) may be about a\/1\.jpg or b\/1\.jpg/,
    ],
    [
      "two files about one picture",
      coco,
      { "a/1.jpg": "", "annotations/instances_x.json": both, "annotations/instances_y.json": both },
      /image 0 of annotations\/instances_x\.json and image 0 of annotations\/instances_y\.json are both about a\/1\.jpg/,
    ],
    [
      "two images of one id",
      coco,
      {
        "a.jpg": "",
        "instances.json":
          '{"images":[{"id":1,"file_name":"a.jpg"},{"id":1,"file_name":"b.jpg"}],"categories":[],"annotations":[]}',
      },
      /image 1 is both "a\.jpg" and "b\.jpg"/,
    ],
    [
      "two categories of one id",
      coco,
      {
        "instances.json": '{"images":[],"categories":[{"id":1,"name":"cat"},{"id":1,"name":"dog"}],"annotations":[]}',
      },
      /category 1 is both "cat" and "dog"/,
    ],
    [
      "boxes of one of two",
      folders,
      { "val/cat/1.jpg": "", "val/dog/1.jpg": "", "boxes/1.xml": xml("cat") },
      /boxes\/1\.xml may be about val\/cat\/1\.jpg or val\/dog\/1\.jpg/,
    ],
    [
      "two labels of a picture",
      manifest,
      { "manifest.csv": "picture,label\na.jpg,cat\n./a.jpg,dog" },
      /a\.jpg has the label "cat" in line 2 and "dog" in line 3/,
    ],
  ])("%s", async (_, format, files, message) => {
    await expect(read(format, files)).rejects.toThrow(message);
  });

  test("a name of two classes", () => {
    const birds = new ClassNames(["crane", "owl, crane lamp", "crane", "crane lamp"]);
    expect(() => birds.of("crane")).toThrow('"crane" is the name of classes 0, 2; say which one');
    // A whole label goes before a part of another one, wherever it stands.
    expect(birds.of("crane lamp")).toEqual([3]);
  });
});

describe("classes that the model does not have", () => {
  const unknown = "objects of classes that the model does not have: gnu, emu";
  test.each<[string, Format, Files]>([
    [
      "yolo",
      yolo,
      {
        ...{ "data.yaml": "names: [gnu, emu]", "images/1.jpg": "", "images/2.jpg": "" },
        ...{ "labels/1.txt": "0 0 0 1 1\n0 0 0 1 1\n1 0 0 1 1", "labels/2.txt": "1 0 0 1 1" },
      },
    ],
    [
      "manifest",
      manifest,
      { "manifest.csv": "picture,name,x0,y0,x1,y1\na,gnu,0,0,1,1\na,emu,0,0,1,1\nb,gnu,0,0,1,1\nb,gnu,0,0,1,1" },
    ],
    [
      "voc",
      voc,
      {
        ...{ "JPEGImages/1.jpg": "", "JPEGImages/2.jpg": "" },
        ...{ "Annotations/1.xml": xml("gnu", "emu", "emu"), "Annotations/2.xml": xml("gnu") },
      },
    ],
  ])("are one line with a count: %s", async (_, format, files) => {
    const { remarks } = await read(format, files);
    expect(remarks.map(({ what, count }) => [what, count])).toEqual([[unknown, 4]]);
  });

  test("a category that the file does not list is no index of a class", async () => {
    const files = {
      "1.jpg": "",
      "instances.json":
        '{"images":[{"id":1,"file_name":"1.jpg"}],"categories":[],"annotations":[{"image_id":1,"category_id":2,"bbox":[0,0,1,1]}]}',
    };
    const { remarks, pairs } = await read(coco, files);
    expect(remarks.map(({ what, count }) => [what, count])).toEqual([
      ["annotations of a category that the file does not list", 1],
    ]);
    expect(pairs).toEqual({ "1.jpg": "category 2" });
  });
});
