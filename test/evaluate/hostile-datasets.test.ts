/** @file Annotations that mean harm, or are broken: each is bounded before it is parsed, and ends in one line, quickly. */
import { describe, expect, test } from "vitest";
import { UserError } from "../../src/errors.ts";
import { ClassNames } from "../../src/evaluate/datasets/classes.ts";
import { readDataset } from "../../src/evaluate/datasets/index.ts";
import { type Entry, eachEntry } from "../../src/evaluate/datasets/json-lists.ts";
import { openSample } from "../../src/evaluate/sample.ts";
import { boundedJson } from "../../src/tasks/formats/json.ts";
import { labelsFrom, parseLabels } from "../../src/tasks/formats/label-file.ts";

const classes = new ClassNames(["dog", "cat", "dog & cat"]);
type Content = string | Uint8Array;

const sourceOf = (files: Readonly<Record<string, Content>>) => ({
  location: "memory",
  list: async () => Object.keys(files).sort(),
  read: async (file: string) => {
    const content = files[file];
    return typeof content === "string" ? new TextEncoder().encode(content) : content;
  },
});
const reading = (files: Readonly<Record<string, Content>>) => readDataset(sourceOf(files), classes);

/** One line, and a second at most. */
async function refuses(work: () => unknown, message: RegExp): Promise<void> {
  const began = performance.now();
  const error = await Promise.resolve()
    .then(work)
    .catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(UserError);
  expect((error as Error).message).toMatch(message);
  expect((error as Error).message).not.toContain("\n");
  expect(performance.now() - began).toBeLessThan(1000);
}

const box = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>30</xmax><ymax>30</ymax></bndbox>";
const object = (name: string) => `<object><name>${name}</name>${box}</object>`;
const voc = (xml: Content) => ({ "JPEGImages/a.png": "", "Annotations/a.xml": xml });
const entities = `<!DOCTYPE l [<!ENTITY a0 "lol">${Array.from({ length: 9 }, (_, i) => `<!ENTITY a${i + 1} "${`&a${i};`.repeat(10)}">`).join("")}]>`;

describe("XML", () => {
  test.each<[string, Content, RegExp]>([
    ["entities of entities", `${entities}<annotation>${object("&a9;")}</annotation>`, /declares a document type/],
    ["another file", `<!DOCTYPE l [<!ENTITY x SYSTEM "file:///etc/passwd">]><annotation/>`, /declares a document type/],
    ["200,000 levels", `<annotation>${"<a>".repeat(2e5)}${"</a>".repeat(2e5)}</annotation>`, /at most 64 levels/],
    ["17 MB", new Uint8Array(17 * 2 ** 20).fill(32), /has 17825792 bytes; at most 16777216 are read/],
    ["nothing", "", /invalid annotation Annotations\/a\.xml/],
    ["text", "<annotation><object>dog</object></annotation>", /without <name> or whole <bndbox>/],
  ])("%s", (_, xml, message) => refuses(() => reading(voc(xml)), message));

  test("XML's own entities are characters, also as numbers", async () => {
    const { samples } = await reading(
      voc(`<annotation>${object("dog &amp; cat")}${object("&#x63;a&#116;")}</annotation>`),
    );
    expect(samples[0].objects.map((one) => one.classes)).toEqual([[2], [1]]);
  });
});

const yolo = (yaml: Content, labels = "0 .5 .5 .2 .2") => ({
  ...{ "images/a.png": "", "labels/a.txt": labels, "data.yaml": yaml },
});
const aliases = `a0: &a0 [${"lol,".repeat(9)}]\n${Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}]\n`).join("")}`;

describe("YAML", () => {
  test.each<[string, Content, RegExp]>([
    ["aliases of aliases", `${aliases}names: *a9\n`, /not YAML|too many aliases/],
    ["aliases beside the names", `${aliases}names: [dog, *a5]\n`, /not YAML|too many aliases/],
    ["200 aliases", `a: &a [x]\nnames: [${"*a,".repeat(200)}]`, /too many aliases; at most 100/],
    ["50,000 levels of lists", `names: ${"[".repeat(5e4)}${"]".repeat(5e4)}`, /nested too deeply; at most 64/],
    ["50,000 levels on a line", `names:\n  ${"- ".repeat(5e4)}dog`, /nested too deeply/],
    [
      "300 levels of blocks",
      Array.from({ length: 300 }, (_, i) => `${" ".repeat(i)}a:`).join("\n"),
      /nested too deeply/,
    ],
    ["2 MB", new Uint8Array(2 * 2 ** 20).fill(35), /at most 1048576 are read/],
    ["itself", "names: &n [dog, *n]\n", /data\.yaml/],
    ["no names", "names: [null, ~]\n", /"names" has no name at 0/],
    ["indices as names", "names: {dog: 0, cat: 1}\n", /"names" has no name at dog/],
    ["a tag", "names: !!js/function 'function(){}'\n", /no "names"/],
    ["one name twice", "names: {0: dog, 0: cat}\n", /not YAML/],
  ])("%s", (_, yaml, message) => refuses(() => reading(yolo(yaml)), message));

  test("brackets and quotes among the names are names", async () => {
    const { samples } = await reading(yolo(`names: ["[", "{", "it's", dog]\n`, "3 .5 .5 .2 .2"));
    expect(samples[0].objects[0].name).toBe("dog");
  });

  test("labels of 17 MB", () =>
    refuses(() => reading(yolo("names: [dog]", " ".repeat(17 * 2 ** 20))), /at most 16777216/));
});

const whole = { image_id: 1, category_id: 18, bbox: [1, 1, 30, 30] };
const instances = (over: object) =>
  JSON.stringify({
    ...{ images: [{ id: 1, file_name: "a.png" }], categories: [{ id: 18, name: "dog" }], annotations: [whole] },
    ...over,
  });
const coco = (json: Content) => ({ "img/a.png": "", "annotations/instances_x.json": json });

describe("COCO", () => {
  test.each<[string, Content, RegExp]>([
    ["300,000 levels", `{"images":${"[".repeat(3e5)}${"]".repeat(3e5)}}`, /image 0 is nested too deeply; at most 64/],
    ["null", "null", /no list "images"/],
    ["a number", "5", /no list "images"/],
    ["no image", instances({ images: [null] }), /image 0 has no "id" and "file_name"/],
    ["no category", instances({ categories: [null] }), /category 0 has no "id" and "name"/],
    ["no file", instances({ images: [{ id: 1 }] }), /image 0 has no "id" and "file_name"/],
    ["two lists of a name", `{"images":[],${instances({}).slice(1)}`, /"images" is there twice/],
    ["an end in the middle", instances({}).slice(0, -20), /it ends in the middle/],
    [
      "no JSON within",
      instances({ annotations: ["X"] }).replace('"X"', "[1,,2]"),
      /is not JSON \(entry 0 of "annotations"/,
    ],
  ])("%s", (_, json, message) => refuses(() => reading(coco(json)), message));

  test("no segmentation is none", async () => {
    const { samples } = await reading(coco(instances({ annotations: [{ ...whole, segmentation: null }] })));
    expect(samples[0].objects).toMatchObject([{ name: "dog", box: [1, 1, 31, 31] }]);
  });
});

const two = {
  images: [
    { id: 1, file_name: "a.png" },
    { id: 2, file_name: "b.png" },
  ],
};
const ofTwo = (annotation: unknown) =>
  instances({ ...two, annotations: [whole, { ...whole, image_id: 2 }, annotation] });
const readingTwo = (json: string) => reading({ ...coco(json), "img/b.png": "" });
const deep = `${"[".repeat(5e3)}${"]".repeat(5e3)}`;

describe("one annotation of COCO's is the fault of its picture alone", () => {
  const segmentations = [5, "abc", [5], [["a"]], [[null, 1, 2, 3, 4, 5]], { counts: [5] }, { counts: 5, size: [1, 1] }];
  test.each<[string, string, RegExp]>([
    ["a box of one number", ofTwo({ ...whole, image_id: 2, bbox: [1] }), /it has no "bbox" of four numbers$/],
    ["no category", ofTwo({ ...whole, image_id: 2, category_id: null }), /it has no "image_id" and "category_id"$/],
    [
      "5,000 levels of a polygon",
      ofTwo({ ...whole, image_id: 2, segmentation: "X" }).replace('"X"', deep),
      /nested too deeply; at most 64 levels are read$/,
    ],
    ...segmentations.map((segmentation): [string, string, RegExp] => [
      `segmentation ${JSON.stringify(segmentation)}`,
      ofTwo({ ...whole, image_id: 2, segmentation }),
      /it has no "segmentation" of polygons or run lengths$/,
    ]),
    [
      "10,001 annotations",
      instances({ ...two, annotations: [whole, ...Array(10_001).fill({ ...whole, image_id: 2 })] }),
      /more than 10000 of one picture/,
    ],
  ])("%s", async (_, json, fault) => {
    const { samples, remarks } = await readingTwo(json);
    expect(remarks).toEqual([]);
    expect(samples).toMatchObject([
      { id: "img/a.png", objects: [{ name: "dog" }] },
      { id: "img/b.png", fault: expect.stringMatching(fault) },
    ]);
    expect(samples[0].fault).toBeUndefined();
    await expect(openSample(samples[1], sourceOf({}))).rejects.toThrow(UserError);
  });

  test.each<[string, string]>([
    ["null", ofTwo(null)],
    ["a text", ofTwo("dog")],
    ["300,000 levels", ofTwo("X").replace('"X"', `${"[".repeat(3e5)}${"]".repeat(3e5)}`)],
    ["17 MB", ofTwo({ ...whole, image_id: 2, info: "x".repeat(17 * 2 ** 20) })],
  ])("whose it is %s does not say", async (_, json) => {
    const { samples, remarks } = await readingTwo(json);
    expect(samples.map(({ fault }) => fault)).toEqual([undefined, undefined]);
    expect(remarks).toMatchObject([{ what: expect.stringMatching(/^annotations that cannot be read: /), count: 1 }]);
  });
});

test("what is read in pieces is what is read whole, wherever they part", async () => {
  const text = `\ufeff {"info": {"x": ["]", "\\"}", {"images": [1]}]}, "licenses":[[]], ${instances({
    annotations: [whole, { ...whole, segmentation: [[1, 2, 30, 2, 30, 40.5]], '\\"[{': "é😀]}," }],
  }).slice(1)} `;
  const bytes = new TextEncoder().encode(text);
  for (const size of [1, 2, 3, 7, 50, bytes.length]) {
    const entries: Entry[] = [];
    const pieces = async function* () {
      for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
    };
    const lists = await eachEntry(pieces(), ["images", "categories", "annotations"], "x.json", (e) => entries.push(e));
    expect([...lists].sort()).toEqual(["annotations", "categories", "images", "licenses"]);
    const json = JSON.parse(text.slice(1));
    for (const list of ["images", "categories", "annotations"])
      expect(entries.filter((one) => one.list === list).map(({ value }) => value)).toEqual(json[list]);
    expect(entries.some(({ fault }) => fault)).toBe(false);
  }
});

describe("manifests", () => {
  test.each<[string, string, RegExp]>([
    ["a quote left open", 'picture,label\n"a.png,dog\n', /a quote is opened and not closed/],
    ["one column twice", "picture,label,label\na.png,dog,cat\n", /the column "label" is there twice/],
    ["semicolons", "picture;label\na.png;dog\n", /no column "picture"/],
    [
      "a box upside down",
      "picture,name,x0,y0,x1,y1\na.png,dog,50,50,10,10\n",
      /line 2 has a box from 50, 50 to 10, 10/,
    ],
    ["a box without an end", "picture,name,x0,y0,x1,y1\na.png,dog,1e999,0,10,10\n", /no whole box/],
  ])("%s", (_, text, message) => refuses(() => reading({ "manifest.csv": text }), message));
});

test("a manifest in pieces is a manifest, wherever they part", async () => {
  const text = `\ufeffpicture,label,name,x0,y0,x1,y1\r\n"a,""1"".png",dog,"do""g",1,2,3,4\n\n"b\n\r.png",,,,,,\r\nécran😀.png,"cat",,,,,`;
  const bytes = new TextEncoder().encode(text);
  const expected = [
    { id: 'a,"1".png', labels: [0], objects: [{ name: 'do"g', classes: [], box: [1, 2, 3, 4] }] },
    { id: "b\n\r.png", objects: [] },
    { id: "écran😀.png", labels: [1], objects: [] },
  ];
  for (const size of [1, 2, 3, 5, 11, bytes.length]) {
    const pieces = async function* () {
      for (let at = 0; at < bytes.length; at += size) yield bytes.slice(at, at + size);
    };
    const { samples } = await readDataset({ ...sourceOf({ "manifest.csv": bytes }), pieces }, classes);
    expect(samples).toMatchObject(expected);
  }
});

describe("configurations", () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  const tooDeep = bytes(`{"id2label":${"[".repeat(1e5)}${"]".repeat(1e5)}}`);
  test("depth", () =>
    refuses(() => boundedJson(tooDeep, "config.json", "model configuration"), /config\.json is nested too deeply/));
  test("depth of labels", () =>
    refuses(() => parseLabels(tooDeep, "labels.json"), /labels\.json is nested too deeply/));
  test("size", () => refuses(() => boundedJson(new Uint8Array(101), "x.json", "x", 100), /has 101 bytes; at most 100/));
  test("size of configurations", () =>
    refuses(
      () => boundedJson(new Uint8Array(65 * 2 ** 20), "config.json", "model configuration"),
      /has 68157440 bytes/,
    ));
  test("size of labels", () =>
    refuses(() => parseLabels(new Uint8Array(65 * 2 ** 20), "labels.txt"), /has 68157440 bytes/));
  test("brackets in strings, and escaped quotes, are no depth", () => {
    const text = `["${"[".repeat(1000)}\\"${"{".repeat(1000)}\\\\"]`;
    expect(boundedJson(bytes(text), "x.json", "x")).toEqual(JSON.parse(text));
  });

  test.each([99_999_999, 4_294_967_295, 1e15])("a class of index %d is refused at once", (index) =>
    refuses(() => labelsFrom({ id2label: { 0: "cat", [index]: "dog" } }), /class .*"?\d+"? .* classes at most/),
  );
});
