/** @file Small studies: of made-up items where only answers matter, and of drawn pictures and small networks where everything does. */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { randomFor } from "../../src/array/random.ts";
import { encodePng, encodeWebp } from "../../src/image/sharp.ts";
import { load } from "../../src/node.ts";
import { kinds } from "../../src/study/kinds/index.ts";
import { preferences } from "../../src/study/kinds/trust.ts";
import { Store } from "../../src/study/store.ts";
import type { Item, KindName, Role, Study } from "../../src/study/study.ts";
import { gap, vgg } from "../nets.ts";

export interface Shape {
  readonly kind?: KindName;
  readonly pictures?: number;
  readonly conditions?: readonly string[];
  readonly trials?: number;
  readonly ratings?: number;
  readonly practice?: number;
  readonly checks?: number;
}

/** Every picture in every condition. */
export function madeUp({
  kind = "class-discrimination",
  pictures = 6,
  conditions = ["guided-backprop", "guided-grad-cam"],
  trials = 6,
  ratings = 9,
  practice = 1,
  checks = 2,
}: Shape = {}): Study {
  const item = (role: Role, picture: string, condition: string): Item => ({
    ...{ id: `${picture}#${condition}`, role, condition, picture },
    ...(kind === "trust"
      ? { shown: ["a".repeat(32), "b".repeat(32)], choices: preferences, ...(role === "check" && { right: 4 }) }
      : { shown: ["a".repeat(32)], choices: ["cat", "dog"], right: picture.length % 2 }),
  });
  const several = (count: number, name: string) => Array.from({ length: count }, (_, i) => `${name}${i}`);
  return {
    ...{ format: 1, gradcam: "0", kind, conditions, models: [], dataset: "made up", seed: 0, ratings, trials },
    consent: ["Made up."],
    items: [
      ...several(practice, "practice").map((picture) => item("practice", picture, conditions[0])),
      ...several(checks, "check").map((picture) => item("check", picture, conditions[0])),
      ...several(pictures, "p").flatMap((picture) => conditions.map((condition) => item("trial", picture, condition))),
    ],
  };
}

/** The study as a file, with a picture for its keys. */
export async function written(file: string, study: Study): Promise<string> {
  const webp = await encodeWebp({ width: 8, height: 8, data: new Uint8Array(192).fill(128) });
  await Store.create(file, study, [
    ["a".repeat(32), webp],
    ["b".repeat(32), webp],
  ]);
  return file;
}

const names = ["ant", "bee", "cow", "dog", "elk"];

/** Pictures of two colours each, with a manifest that a kind of study can be made of, and the options of its models. */
export async function datasetFor(kind: KindName, directory: string, pictures = 9): Promise<string[]> {
  const data = path.join(directory, kind);
  mkdirSync(data, { recursive: true });
  writeFileSync(path.join(directory, "gap.onnx"), gap());
  writeFileSync(path.join(directory, "vgg.onnx"), vgg());
  writeFileSync(path.join(directory, "labels.txt"), names.join("\n"));
  const model = await load(path.join(directory, "gap.onnx"), { labels: names });
  const rows = ["picture,label,name,x0,y0,x1,y1"];
  for (let i = 0; i < pictures; i++) {
    const file = `${i}.png`;
    writeFileSync(path.join(data, file), await encodePng(twoColours(i)));
    const label = (await model.explain(path.join(data, file))).predictions[0].label;
    if (kind === "class-discrimination") rows.push(`${file},,ant,0,0,30,40`, `${file},,bee,30,0,60,40`);
    else rows.push(`${file},${label},,,,,`);
  }
  await model.release();
  writeFileSync(path.join(data, "manifest.csv"), `${rows.join("\n")}\n`);
  const models = kinds[kind].models === 2 ? ["vgg.onnx", "gap.onnx"] : ["gap.onnx"];
  return [data, ...models.flatMap((name) => ["--model", path.join(directory, name)])].concat(
    "--labels",
    path.join(directory, "labels.txt"),
  );
}

function twoColours(seed: number) {
  const [width, height] = [60, 40];
  const random = randomFor("two colours", seed);
  const colours = [0, 1].map(() => [0, 1, 2].map(() => random.below(256)));
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const x = Math.floor(i / 3) % width;
    return Math.max(0, Math.min(255, colours[x < width / 2 ? 0 : 1][i % 3] + 24 * random.normal()));
  });
  return { width, height, data };
}
