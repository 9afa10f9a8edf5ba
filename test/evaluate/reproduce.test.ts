/** @file `npm run reproduce` on directories in exactly the layouts of VOC, ImageNet (with CLS-LOC's boxes) and COCO, made here. */
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { folder, repository, withModel, writePicture } from "../cli/run.ts";
import { gap } from "../nets.ts";

const xml = (name: string) =>
  `<annotation><filename>x</filename><object><name>${name}</name><difficult>0</difficult><bndbox><xmin>3</xmin><ymin>3</ymin><xmax>20</xmax><ymax>20</ymax></bndbox></object></annotation>`;

async function put(file: string, content: string | number) {
  mkdirSync(path.dirname(file), { recursive: true });
  if (typeof content === "number") await writePicture(file, { width: 40, height: 40, seed: content });
  else writeFileSync(file, content);
}

const reproduceIn =
  (cwd: string) =>
  (...args: string[]) =>
    promisify(execFile)(process.execPath, [path.join(repository, "scripts/reproduce.mjs"), ...args], { cwd });

test("scenes, which are always at hand", { timeout: 150_000 }, async () => {
  const cwd = folder();
  await reproduceIn(cwd)("--scenes", "2", "--workers", "1", "--out", "results.md");
  const page = readFileSync(path.join(cwd, "results.md"), "utf8");
  expect([...page.matchAll(/^## (.*)$/gm)].map(([, title]) => title)).toEqual([
    "Localisation error: scenes",
    "Faithfulness of answers, by rank correlation with occlusion: scenes",
    "Captions: maps inside and outside the described object: scenes",
    "A planted shortcut: scenes",
  ]);
  expect(page).toMatch(/^\| correlation \| \d\.\d{3} \[/m);
  expect(page).toMatch(/^\| inside \/ outside, noun phrases \| \d+\.\d{3} \[/m);
  expect(page).toMatch(/^\| biased, grad-cam \| \d\.\d{3} \[/m);
});

test("a user's VOC, ImageNet and COCO", { timeout: 150_000 }, async () => {
  const cwd = folder();
  withModel(cwd, gap({ input: [1, 3, 32, 32] }));
  writeFileSync(path.join(cwd, "labels.txt"), "dog\ncat\nn02123045");
  const coco = { images: [] as object[], categories: [{ id: 1, name: "cat" }], annotations: [] as object[] };
  for (let i = 0; i < 2; i++) {
    const voc = path.join(cwd, "VOCdevkit/VOC2007");
    await put(path.join(voc, `JPEGImages/00000${i}.jpg`), i);
    await put(path.join(voc, `Annotations/00000${i}.xml`), xml(i % 2 ? "dog" : "cat"));
    await put(path.join(cwd, `imagenet/ILSVRC/Data/CLS-LOC/val/n02123045/ILSVRC2012_val_0000000${i}.JPEG`), i);
    await put(
      path.join(cwd, `imagenet/ILSVRC/Annotations/CLS-LOC/val/ILSVRC2012_val_0000000${i}.xml`),
      xml("n02123045"),
    );
    await put(path.join(cwd, `coco/val2017/${i}.jpg`), i);
    coco.images.push({ id: i, file_name: `${i}.jpg` });
    const segmentation = [[2, 2, 30, 2, 30, 30, 2, 30]];
    coco.annotations.push({ image_id: i, category_id: 1, bbox: [2, 2, 28, 28], segmentation, iscrowd: 0 });
  }
  await put(path.join(cwd, "coco/annotations/instances_val2017.json"), JSON.stringify(coco));

  const reproduce = reproduceIn(cwd);
  const datasets = ["--voc", "VOCdevkit/VOC2007", "--imagenet", "imagenet", "--coco", "coco"];
  const model = ["--model", "net.onnx", "--labels", "labels.txt", "--workers", "1", "--out", "results.md"];
  await reproduce(...datasets, ...model);
  const page = readFileSync(path.join(cwd, "results.md"), "utf8");
  const titles = [...page.matchAll(/^## (.*)$/gm)].map(([, title]) => title);
  expect(titles).toEqual([
    "Faithfulness, by rank correlation with occlusion: PASCAL VOC",
    "Faithfulness, by rank correlation with occlusion: ImageNet",
    "Localisation error: ImageNet",
    "Localisation error: COCO, images of one category",
    "Pointing at annotated objects: PASCAL VOC",
    "Pointing at annotated objects: COCO",
    "Maps against masks: COCO",
    "Sanity checks: PASCAL VOC",
    "Sanity checks: ImageNet",
  ]);
  expect(page).not.toContain("Not run");
  expect(page.match(/^2 images(\.|, \d of 2 classified)/gm)).toHaveLength(titles.length);
  expect(page).toMatch(/^\| IoU \| \d\.\d{3} \[/m);

  // Again, from what was measured: the same page, with what others wrote.
  const other = "\n## Of another script\n\nFigures.\n";
  writeFileSync(path.join(cwd, "results.md"), page + other);
  await reproduce(...datasets, ...model);
  expect(readFileSync(path.join(cwd, "results.md"), "utf8")).toBe(page + other);

  // One study alone, in place of its own sections.
  const changed = page
    .replace(/^\| IoU \|.*$/m, "| IoU | old |")
    .replace(/^\| correlation \|.*$/m, "| correlation | kept |");
  writeFileSync(path.join(cwd, "results.md"), changed + other);
  await reproduce(...datasets, ...model, "--study", "masks");
  const kept = page.replace(/^\| correlation \|.*$/m, "| correlation | kept |");
  expect(readFileSync(path.join(cwd, "results.md"), "utf8")).toBe(kept + other);

  await expect(reproduce("--voc", "nowhere", ...model)).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining("missing dataset: nowhere"),
  });
});
