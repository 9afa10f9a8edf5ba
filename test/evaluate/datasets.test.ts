/** @file Datasets in exactly the layouts that people have, made here; what does not fit is counted, or refused in one line. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
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
      ["annotations without a picture", 1],
      ["pictures of classes that the model does not have: nonsense", 1],
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
      "objects of classes that the model does not have: person",
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

describe("more layouts", () => {
  test("YOLO: boxes and outlines in parts of the picture, names by YAML or a line each", async () => {
    const source = dataset("yolo", {
      "images/train/a.jpg": true,
      "images/train/b.jpg": true,
      "labels/train/a.txt": "0 0.5 0.5 0.5 1\n1 0 0 0.5 0 0.5 1 0 1\n",
      "labels/train/gone.txt": "0 0.5 0.5 1 1",
      "data.yaml": "path: .\nnames:\n  0: dog\n  1: cat\n",
    });
    const { samples, remarks } = await readDataset(source, classes);
    expect(samples).toHaveLength(1);
    const { annotations } = await openSample(samples[0], source);
    expect(annotations.map(({ name, box }) => [name, box])).toEqual([
      ["dog", [5, 0, 15, 10]],
      ["cat", [0, 0, 10, 10]],
    ]);
    expect(annotations[1].mask?.data.reduce((a, b) => a + b, 0)).toBe(100);
    expect(remarks.map(({ what }) => what)).toEqual(["annotations without a picture", "pictures without annotations"]);
    const lines = dataset("yolo-lines", { "a.jpg": true, "labels/a.txt": "1 0.5 0.5 1 1", "classes.txt": "dog\ncat" });
    expect((await readDataset(lines, classes)).samples[0].objects[0].name).toBe("cat");
  });

  test("masks in folders of their classes", async () => {
    const png = await sharp({ create: { width: 20, height: 10, channels: 3, background: "white" } })
      .png()
      .toBuffer();
    const source = dataset("masks", {
      "photos/a.jpg": true,
      "photos/b.jpg": true,
      "masks/cat/a.png": png,
      "masks/gargoyle/a.png": png,
    });
    const { samples, remarks } = await readDataset(source, classes);
    expect(samples.map(({ id }) => id)).toEqual(["photos/a.jpg"]);
    const { annotations } = await openSample(samples[0], source);
    expect(annotations.map(({ name, mask }) => [name, mask?.data.every((v) => v === 1)])).toEqual([
      ["cat", true],
      ["gargoyle", undefined],
    ]);
    expect(remarks.map(({ what }) => what)).toEqual([
      "objects of classes that the model does not have: gargoyle",
      "pictures without annotations",
    ]);
  });
});

describe("over HTTP", () => {
  /** A server of these files; with `bucket`, it lists them as S3 does, two a page. */
  async function serve(files: Record<string, Buffer | string>, bucket?: string) {
    const server = createServer((request, response) => {
      const { pathname, searchParams } = new URL(request.url ?? "", "http://x");
      const file = files[decodeURIComponent(pathname).replace(/^\//, "")];
      if (file !== undefined) return response.end(file);
      if (pathname !== `/${bucket}`) return response.writeHead(404).end();
      const begin = `${bucket}/${searchParams.get("prefix")}`;
      const keys = Object.keys(files).filter((key) => key.startsWith(begin));
      const from = Number(searchParams.get("continuation-token") ?? 0);
      const found = keys
        .slice(from, from + 2)
        .map((key) => `<Key>${key.slice(begin.indexOf("/") + 1).replace("&", "&amp;")}</Key>`);
      const next = from + 2 < keys.length ? `<NextContinuationToken>${from + 2}</NextContinuationToken>` : "";
      response.end(`<?xml version="1.0"?><ListBucketResult>${found.join("")}${next}</ListBucketResult>`);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    return { at: `http://127.0.0.1:${port}`, close: () => server.close() };
  }

  test("a manifest on any web server", async () => {
    const server = await serve({
      "set/manifest.csv": "picture,label\na b.jpg,espresso\ngone.jpg,espresso",
      "set/a b.jpg": jpeg,
    });
    try {
      const source = sourceAt(`${server.at}/set`);
      const { samples } = await readDataset(source, classes, "manifest");
      expect((await openSample(samples[0], source)).picture.width).toBe(20);
      await expect(openSample(samples[1], source)).rejects.toThrow(/missing file: .*gone.jpg: the server says 404/);
      await expect(readDataset(source, classes)).rejects.toThrow(/does not list its files|the server says 404/);
    } finally {
      server.close();
    }
  });

  test("a bucket that lists like S3, page by page", async () => {
    const files = Object.fromEntries(["a", "b & c", "d"].map((name) => [`bucket/val/n02123045/${name}.jpg`, jpeg]));
    const server = await serve({ ...files, "bucket/other/x.jpg": jpeg }, "bucket");
    try {
      const source = sourceAt(`${server.at}/bucket/val`);
      const { samples } = await readDataset(source, classes);
      expect(samples.map(({ id }) => id)).toEqual(["n02123045/a.jpg", "n02123045/b & c.jpg", "n02123045/d.jpg"]);
      expect((await openSample(samples[1], source)).picture.height).toBe(10);
    } finally {
      server.close();
    }
  });
});

describe("mistakes", () => {
  const voc = (text: string) => ({ "JPEGImages/1.jpg": true, "Annotations/1.xml": text }) as const;
  const coco = (text: string) => ({ "1.jpg": true, "annotations/instances.json": text }) as const;
  test.each<[string, Record<string, string | true>, string | RegExp]>([
    ["none", {}, /missing dataset/],
    ["empty", { "readme.txt": "x" }, /unknown dataset: .* is laid out as none of manifest/],
    [
      "nothing known",
      { "nonsense/a.jpg": true },
      /empty dataset: .*1 pictures of classes that the model does not have: nonsense/,
    ],
    ["bad xml", voc("<annotation><object>"), /invalid annotation Annotations\/1.xml: not XML/],
    ["other xml", voc("<svg></svg>"), /no <annotation> in it/],
    ["no box", voc("<annotation><object><name>dog</name></object></annotation>"), /without <name> or whole <bndbox>/],
    ["box upside down", voc(xml(object("dog", [5, 5, 1, 1]))), /a box from 5, 5 to 1, 1/],
    ["bad json", coco("{"), /invalid annotations: annotations\/instances.json is not JSON/],
    ["no lists", coco("{}"), /no list "images"/],
    [
      "bad bbox",
      coco('{"images":[],"categories":[],"annotations":[{"bbox":[1]}]}'),
      /empty dataset: .*1 annotations that cannot be read: it has no "bbox" of four numbers/,
    ],
    [
      "half a line",
      { "a.jpg": true, "labels/a.txt": "0 0.5", "classes.txt": "dog" },
      /labels\/a.txt, line 1: expected "class/,
    ],
    [
      "beyond",
      { "a.jpg": true, "labels/a.txt": "0 3 1 1 1", "classes.txt": "dog" },
      /expected parts of the picture, 0 to 1/,
    ],
    ["no name", { "a.jpg": true, "labels/a.txt": "7 0 0 1 1", "classes.txt": "dog" }, /class 7 has no name/],
    ["no names", { "a.jpg": true, "labels/a.txt": "0 0 0 1 1", "data.yaml": "nc: 1" }, /no "names"/],
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
