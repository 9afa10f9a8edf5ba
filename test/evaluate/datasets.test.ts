/** @file Datasets in exactly the layouts that people have, made here; what does not fit is counted, or refused in one line. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import imagenet from "../../models/efficientnet-lite0/config.json" with { type: "json" };
import { cocoToImagenet, vocToImagenet } from "../../src/evaluate/datasets/class-maps.ts";
import { ClassNames } from "../../src/evaluate/datasets/classes.ts";
import { readDataset } from "../../src/evaluate/datasets/index.ts";
import { openSample } from "../../src/evaluate/sample.ts";
import { sourceAt } from "../../src/evaluate/source.ts";

const names = Object.values(imagenet.id2label);
const classes = new ClassNames(names);
const root = mkdtempSync(path.join(tmpdir(), "gradcam-datasets-"));
let jpeg: Buffer;

beforeAll(async () => {
  jpeg = await sharp({ create: { width: 20, height: 10, channels: 3, background: "red" } })
    .jpeg()
    .toBuffer();
});
afterAll(() => rmSync(root, { recursive: true }));

/** A dataset of these files; `true` is a picture of 20 x 10. */
function dataset(name: string, files: Record<string, string | Buffer | true>) {
  for (const [file, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(root, name, file)), { recursive: true });
    writeFileSync(path.join(root, name, file), content === true ? jpeg : content);
  }
  return sourceAt(path.join(root, name));
}

const object = (name: string, [x0, y0, x1, y1]: number[], difficult = 0) =>
  `<object><name>${name}</name><difficult>${difficult}</difficult><bndbox><xmin>${x0}</xmin><ymin>${y0}</ymin><xmax>${x1}</xmax><ymax>${y1}</ymax></bndbox></object>`;
const xml = (...objects: string[]) => `<annotation><filename>x.jpg</filename>${objects.join("")}</annotation>`;

describe("names of classes", () => {
  test("by index, label, part of a label, WordNet id, mapping", () => {
    expect(classes.of("281")).toEqual([281]);
    expect(classes.of("n02123045")).toEqual([281]);
    expect(classes.of("espresso")).toEqual([967]);
    expect(classes.of("Tabby_cat")).toEqual(classes.of("tabby cat"));
    expect(classes.of("cat")).toEqual([281, 282, 283, 284, 285]);
    expect(classes.of("1000")).toBeUndefined();
    expect(classes.of("gargoyle of Paris")).toBeUndefined();
    expect(new ClassNames(["a", "b"], { thing: ["b"] }).of("thing")).toEqual([1]);
    expect(() => new ClassNames(["a"], { thing: ["c"] }).of("thing")).toThrow(
      'unknown class in the mapping of "thing": c',
    );
  });
  test("the committed maps have all of VOC's and COCO's names, and labels that agree", () => {
    expect(Object.keys(vocToImagenet)).toHaveLength(20);
    expect(Object.keys(cocoToImagenet)).toHaveLength(80);
    const labels = (map: typeof vocToImagenet, name: string) => map[name].map((i) => names[i as number]).join("; ");
    expect(labels(vocToImagenet, "dog")).toMatch(/^Chihuahua.*Mexican hairless$/);
    expect(labels(cocoToImagenet, "bear")).toMatch(/^brown bear.*sloth bear/);
    expect(labels(vocToImagenet, "train")).toMatch(/bullet train.*locomotive/);
  });
});

describe("layouts", () => {
  test("ImageNet's folders, and CLS-LOC's boxes", async () => {
    const source = dataset("imagenet", {
      "val/n02123045/a.jpg": true,
      "val/n02123045/b.jpg": true,
      "val/nonsense/c.jpg": true,
      "boxes/a.xml": xml(object("n02123045", [3, 2, 10, 9])),
      "boxes/lonely.xml": xml(object("n02123045", [3, 2, 10, 9])),
    });
    const { samples, remarks } = await readDataset(source, classes);
    expect(samples.map(({ id, labels }) => [id, labels])).toEqual([
      ["val/n02123045/a.jpg", [281]],
      ["val/n02123045/b.jpg", [281]],
    ]);
    expect(samples[0].objects[0].box).toEqual([2, 1, 10, 9]);
    expect(remarks.map(({ what, count }) => [what, count])).toEqual([
      ['pictures of the unknown class "nonsense"', 1],
      ["annotations without a picture", 1],
    ]);
  });

  test("PASCAL VOC", async () => {
    const source = dataset("voc", {
      "VOC2007/JPEGImages/000001.jpg": true,
      "VOC2007/JPEGImages/000002.jpg": true,
      "VOC2007/Annotations/000001.xml": xml(object("dog", [1, 1, 20, 10], 1), object("person", [2, 2, 4, 4])),
      "VOC2007/Annotations/000009.xml": xml(object("dog", [1, 1, 5, 5])),
    });
    const { samples, remarks } = await readDataset(source, classes);
    expect(samples).toHaveLength(1);
    expect(samples[0].objects).toMatchObject([
      { name: "dog", box: [0, 0, 20, 10], difficult: true },
      { name: "person", classes: [] },
    ]);
    expect(samples[0].objects[0].classes).toHaveLength(118);
    expect(remarks.map(({ what }) => what)).toEqual([
      "things of a class that the model does not know: person",
      "annotations without a picture",
      "pictures without annotations",
    ]);
  });

  test("COCO: boxes, polygons, runs and crowds", async () => {
    const box = [2, 1, 4, 3];
    const source = dataset("coco", {
      "train/1.jpg": true,
      "annotations/instances_x.json": JSON.stringify({
        images: [
          { id: 1, file_name: "1.jpg" },
          { id: 2, file_name: "gone.jpg" },
        ],
        categories: [
          { id: 7, name: "cat" },
          { id: 8, name: "kite" },
        ],
        annotations: [
          { image_id: 1, category_id: 7, bbox: box, segmentation: [[2, 1, 6, 1, 6, 4, 2, 4]] },
          { image_id: 1, category_id: 7, bbox: box, segmentation: { counts: [0, 200], size: [10, 20] }, iscrowd: 1 },
          { image_id: 1, category_id: 8, bbox: box },
          { image_id: 5, category_id: 7, bbox: box },
        ],
      }),
    });
    const { samples, remarks } = await readDataset(source, classes);
    const { annotations, picture } = await openSample(samples[0], source);
    expect([picture.width, picture.height]).toEqual([20, 10]);
    expect(annotations.map(({ crowd, mask }) => [crowd, mask?.data.reduce((a, b) => a + b, 0)])).toEqual([
      [false, 12],
      [true, 200],
      [false, undefined],
    ]);
    expect(annotations[0].box).toEqual([2, 1, 6, 4]);
    expect(remarks.reduce((sum, { count }) => sum + count, 0)).toBe(3);
  });

  test("a manifest, with quotes, masks and attention", async () => {
    const mask = await sharp(Buffer.from([0, 255, 255, 0]), { raw: { width: 2, height: 2, channels: 1 } })
      .png()
      .toBuffer();
    const source = dataset("manifest", {
      "p.jpg": await sharp({ create: { width: 2, height: 2, channels: 3, background: "red" } })
        .jpeg()
        .toBuffer(),
      "m.png": mask,
      "manifest.csv":
        'picture,label,name,x0,y0,x1,y1,mask,attention\np.jpg,"espresso",,0,0,1,2,,m.png\r\np.jpg,,"tabby",,,,,m.png,\n',
    });
    const { samples } = await readDataset(source, classes);
    expect(samples).toHaveLength(1);
    const { annotations, attention, labels } = await openSample(samples[0], source);
    expect(labels).toEqual([967]);
    expect(annotations.map(({ name }) => name)).toEqual(["espresso", "tabby"]);
    expect([...(annotations[1].mask?.data ?? [])]).toEqual([0, 1, 1, 0]);
    expect([...(attention?.data ?? [])]).toEqual([0, 1, 1, 0]);
  });
});

describe("mistakes", () => {
  const voc = (text: string) => ({ "JPEGImages/1.jpg": true, "Annotations/1.xml": text }) as const;
  const coco = (text: string) => ({ "1.jpg": true, "annotations/instances.json": text }) as const;
  test.each<[string, Record<string, string | true>, string | RegExp]>([
    ["none", {}, /missing dataset/],
    ["empty", { "readme.txt": "x" }, /unknown dataset: .* is laid out as none of manifest/],
    ["nothing known", { "nonsense/a.jpg": true }, /empty dataset: .*1 pictures of the unknown class "nonsense"/],
    ["bad xml", voc("<annotation><object>"), /invalid annotation Annotations\/1.xml: not XML/],
    ["other xml", voc("<svg></svg>"), /no <annotation> in it/],
    ["no box", voc("<annotation><object><name>dog</name></object></annotation>"), /without <name> or whole <bndbox>/],
    ["box upside down", voc(xml(object("dog", [5, 5, 1, 1]))), /a box from 5, 5 to 1, 1/],
    ["bad json", coco("{"), /invalid annotations annotations\/instances.json: not JSON/],
    ["no lists", coco("{}"), /no list "images"/],
    [
      "bad bbox",
      coco('{"images":[],"categories":[],"annotations":[{"bbox":[1]}]}'),
      /annotation 0 has no "bbox" of four numbers/,
    ],
    ["no column", { "manifest.csv": "a,b\n1,2" }, /no column "picture"/],
    ["strange column", { "manifest.csv": "picture,colour\na,b" }, /unknown column "colour"; allowed are picture/],
    ["half a box", { "manifest.csv": "picture,name,x0\na.jpg,espresso,3" }, /line 2 has no whole box/],
  ])("%s", async (name, files, message) => {
    await expect(readDataset(dataset(name, files), classes)).rejects.toThrow(message);
  });

  test("a file outside of the dataset is not read", async () => {
    const source = dataset("outside", { "manifest.csv": "picture,label\n../../etc/passwd,espresso" });
    const { samples } = await readDataset(source, classes);
    await expect(openSample(samples[0], source)).rejects.toThrow(/is outside of/);
  });

  test("a mask of another size than its picture", async () => {
    const source = dataset("mask", {
      "p.jpg": true,
      "m.png": await sharp({ create: { width: 3, height: 3, channels: 3, background: "red" } })
        .png()
        .toBuffer(),
      "manifest.csv": "picture,name,mask\np.jpg,espresso,m.png",
    });
    const { samples } = await readDataset(source, classes);
    await expect(openSample(samples[0], source)).rejects.toThrow(
      "invalid mask m.png: 3 x 3, expected its picture's 20 x 10",
    );
  });
});
