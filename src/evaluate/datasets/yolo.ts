/**
 * @file YOLO's text files: `images/.../x.jpg` and `labels/.../x.txt` with a line `class cx cy w h` for each thing, or `class x y x y ...` for
 * its outline, all in parts of the picture; the names of the classes in data.yaml or classes.txt.
 */
import { UserError } from "../../errors.ts";
import type { Marked, Sample } from "../sample.ts";
import type { Source } from "../source.ts";
import { type Format, isPicture, Remarks, stem } from "./dataset.ts";

const yaml = /(^|\/)[^/]+\.ya?ml$/;
const lines = /(^|\/)(classes\.txt|[^/]+\.names)$/;
const isLabels = (file: string) => /(^|\/)labels\//.test(file) && file.endsWith(".txt") && !lines.test(file);

export const yolo: Format = {
  name: "yolo",
  layout: "images/*.jpg, labels/*.txt, data.yaml or classes.txt (YOLO), in any folder",
  recognises: (files) => files.some(isLabels) && files.some((file) => yaml.test(file) || lines.test(file)),
  async read(source, files, classes) {
    const remarks = new Remarks();
    const names = await namesIn(source, files);
    const pictures = new Map(files.filter(isPicture).map((file) => [stem(file), file]));
    const samples: Sample[] = [];
    for (const file of files.filter(isLabels)) {
      const picture = pictures.get(stem(file));
      pictures.delete(stem(file));
      if (!picture) {
        remarks.add("annotations without a picture", file);
        continue;
      }
      const text = new TextDecoder().decode(await source.read(file));
      const rows = text
        .split(/\r?\n/)
        .flatMap((line, i) => (line.trim() ? [{ line, at: `${file}, line ${i + 1}` }] : []));
      const objects = rows.map(({ line, at }): Marked => {
        const { index, shape } = parse(line, at);
        const name = names.get(index);
        if (name === undefined)
          throw new UserError("invalid-input", `invalid annotation ${at}: class ${index} has no name`);
        const meant = classes.of(name);
        if (!meant?.length) remarks.add(`things of a class that the model does not know: ${name}`, picture);
        return { name, classes: meant ?? [], inParts: true, ...shape };
      });
      samples.push({ id: picture, picture, objects });
    }
    for (const picture of pictures.values()) remarks.add("pictures without annotations", picture);
    return { samples, remarks: remarks.list() };
  },
};

function parse(line: string, at: string): { readonly index: number; readonly shape: Pick<Marked, "box" | "shape"> } {
  const [index, ...values] = line.trim().split(/\s+/).map(Number);
  const outline = values.length >= 6 && values.length % 2 === 0;
  if (!Number.isInteger(index) || !(values.length === 4 || outline))
    throw new UserError(
      "invalid-input",
      `invalid annotation ${at}: expected "class cx cy w h", or a class and an outline`,
    );
  if (!values.every((v) => v >= 0 && v <= 1))
    throw new UserError("invalid-input", `invalid annotation ${at}: expected parts of the picture, 0 to 1`);
  if (outline) {
    const [xs, ys] = [0, 1].map((side) => values.filter((_, i) => i % 2 === side));
    const box = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)] as const;
    return { index, shape: { box, shape: { polygons: [values] } } };
  }
  const [cx, cy, w, h] = values;
  return { index, shape: { box: [cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2] } };
}

/** Names by index: of data.yaml (a list, or a map), else a line each. */
async function namesIn(source: Source, files: readonly string[]): Promise<ReadonlyMap<number, string>> {
  const file = files.find((name) => yaml.test(name)) ?? files.find((name) => lines.test(name)) ?? "data.yaml";
  const text = new TextDecoder().decode(await source.read(file));
  if (!yaml.test(file)) return new Map(text.split(/\r?\n/).map((line, i) => [i, line.trim()]));
  const { parse: parseYaml } = await loadYaml();
  let root: { names?: unknown } | null;
  try {
    root = parseYaml(text);
  } catch (cause) {
    throw new UserError("invalid-input", `invalid ${file}: not YAML (${(cause as Error).message.split("\n")[0]})`);
  }
  const { names } = root ?? {};
  if (typeof names !== "object" || names === null)
    throw new UserError("invalid-input", `invalid ${file}: no "names", a list or a map of the classes`);
  return new Map(Object.entries(names).map(([index, name]) => [Number(index), String(name)]));
}

async function loadYaml(): Promise<typeof import("yaml")> {
  try {
    return await import("yaml");
  } catch (cause) {
    throw new UserError("missing-package", "missing package yaml, which reads data.yaml: npm i yaml", { cause });
  }
}
