/**
 * @file A CSV manifest: the columns `picture`, and any of `label`, `question`, `name`, `x0`, `y0`, `x1`, `y1`, `mask`, `difficult`, `attention`;
 * a line for each thing, or for each picture, or each question, whose label is the answer.
 */
import { UserError } from "../../errors.ts";
import { asking, type Marked, type Sample } from "../sample.ts";
import { type Format, Remarks } from "./dataset.ts";

const columns = [
  "picture",
  "label",
  "question",
  "name",
  "x0",
  "y0",
  "x1",
  "y1",
  "mask",
  "difficult",
  "attention",
] as const;
type Column = (typeof columns)[number];

export const manifest: Format = {
  name: "manifest",
  layout: `manifest.csv with the columns ${columns.join(", ")} (the first is needed)`,
  recognises: (files) => files.includes("manifest.csv"),
  async read(source, _files, classes) {
    const remarks = new Remarks();
    const samples = new Map<string, Sample>();
    for (const [i, row] of parse(new TextDecoder().decode(await source.read("manifest.csv"))).entries()) {
      const { picture, label, question, name = label, x0, y0, x1, y1, mask, difficult, attention } = row;
      if (!picture) throw new UserError("invalid-input", `invalid manifest.csv: line ${i + 2} names no picture`);
      const labels = label ? classes.of(label) : undefined;
      if (label && !labels) remarks.add(`pictures of the unknown class "${label}"`, picture);
      const id = question ? asking(picture, question) : picture;
      const before = samples.get(id) ?? { id, picture, ...(question && { question }), objects: [] };
      const objects: Marked[] = [];
      const corners = [x0, y0, x1, y1].map((text) => (text ? Number(text) : undefined));
      if (name && (mask || corners.some((v) => v !== undefined))) {
        const meant = classes.of(name);
        if (!mask && !corners.every((v) => v !== undefined && Number.isFinite(v)))
          throw new UserError("invalid-input", `invalid manifest.csv: line ${i + 2} has no whole box (x0, y0, x1, y1)`);
        const box = corners.every((v) => v !== undefined) && { box: corners as [number, number, number, number] };
        if (!meant?.length) remarks.add(`things of a class that the model does not know: ${name}`, picture);
        objects.push({
          ...{ name, classes: meant ?? [], difficult: difficult === "1" },
          ...box,
          ...(mask && { shape: { file: mask } }),
        });
      }
      samples.set(id, {
        ...before,
        ...(labels && { labels }),
        ...(attention && { attention }),
        objects: [...before.objects, ...objects],
      });
    }
    return { samples: [...samples.values()], remarks: remarks.list() };
  },
};

/** Rows by column: RFC 4180, quotes included. */
function parse(text: string): Partial<Record<Column, string>>[] {
  const rows: string[][] = [[]];
  let [cell, quoted] = ["", false];
  const end = () => rows[rows.length - 1].push(cell);
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (quoted && c === '"' && text[i + 1] === '"') cell += text[i++];
    else if (c === '"') quoted = !quoted;
    else if (quoted || !",\n\r".includes(c)) cell += c;
    else if (c !== "\r") {
      end();
      cell = "";
      if (c === "\n") rows.push([]);
    }
  }
  if (cell || rows[rows.length - 1].length) end();
  const [head, ...body] = rows.filter((row) => row.some(Boolean));
  if (!head?.includes("picture"))
    throw new UserError("invalid-input", `invalid manifest.csv: no column "picture" in its first line`);
  const strange = head.find((name) => !(columns as readonly string[]).includes(name));
  if (strange)
    throw new UserError(
      "invalid-input",
      `invalid manifest.csv: unknown column "${strange}"; allowed are ${columns.join(", ")}`,
    );
  return body.map((row) => Object.fromEntries(head.map((name, i) => [name, row[i]]).filter(([, value]) => value)));
}
