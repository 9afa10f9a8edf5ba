/**
 * @file A CSV manifest: the columns `picture`, and any of `label`, `question`, `name`, `x0`, `y0`, `x1`, `y1`, `mask`, `difficult`, `attention`;
 * a line for each thing, or for each picture, or each question, whose label is the answer.
 */
import { UserError } from "../../errors.ts";
import { asking, type Marked, type Sample } from "../sample.ts";
import { passesOver } from "../source.ts";
import { type Format, most, Remarks, unknownObjects } from "./dataset.ts";

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
    const entries = new Map<string, Entry>();
    const pass = await passesOver(source, file, most.annotations);
    let line = 1;
    for await (const row of rowsOf(pass())) {
      line++;
      const { label, question, name = label, attention } = row;
      const picture = normal(row.picture ?? "");
      if (!picture) throw invalid(`line ${line} names no picture`);
      const labels = label ? classes.of(label) : undefined;
      if (label && !labels) remarks.add("pictures of classes that the model does not have", picture, label);
      const id = question ? asking(picture, question) : picture;
      const entry: Entry = entries.get(id) ?? { id, picture, ...(question && { question }), objects: [], said: {} };
      entries.set(id, entry);
      const place = name ? placeOf(row, line) : undefined;
      if (name && place) {
        const meant = classes.of(name);
        if (!meant?.length) remarks.add(unknownObjects, picture, name);
        entry.objects.push({ name, classes: meant ?? [], difficult: row.difficult === "1", ...place });
      }
      // Things have their own labels; what is said of the whole picture is said once.
      if (!place && label) once(entry, "label", label, line);
      if (attention) once(entry, "attention", attention, line);
      if (labels) entry.labels = [...new Set([...(entry.labels ?? []), ...labels])];
      if (attention) entry.attention = attention;
    }
    const samples = [...entries.values()].map(({ said: _, ...sample }): Sample => sample);
    return { samples, remarks: remarks.list() };
  },
};

type Row = Partial<Record<Column, string>>;

/** A sample that is being put together, and what lines said of the whole of it. */
interface Entry extends Sample {
  labels?: readonly number[];
  attention?: string;
  readonly objects: Marked[];
  readonly said: Partial<Record<"label" | "attention", { readonly value: string; readonly line: number }>>;
}

const file = "manifest.csv";
const invalid = (what: string) => new UserError("invalid-input", `invalid ${file}: ${what}`);

/** "./a//b.png" is "a/b.png". */
const normal = (picture: string): string =>
  picture
    .split("/")
    .filter((part, i) => part !== "." && (part !== "" || i === 0))
    .join("/");

function once({ id, said }: Entry, column: "label" | "attention", value: string, line: number): void {
  const before = said[column];
  if (before && before.value !== value)
    throw invalid(
      `${id} has the ${column} "${before.value}" in line ${before.line} and "${value}" in line ${line}; give one, or each with its box or mask`,
    );
  said[column] = { value, line };
}

/** The box and the mask of a thing; undefined for a line without either. */
function placeOf({ x0, y0, x1, y1, mask }: Row, line: number): Pick<Marked, "box" | "shape"> | undefined {
  const corners = [x0, y0, x1, y1].map((text) => (text ? Number(text) : undefined));
  if (!mask && corners.every((v) => v === undefined)) return undefined;
  const whole = corners.every((v): v is number => v !== undefined && Number.isFinite(v));
  if (!mask && !whole) throw invalid(`line ${line} has no whole box (x0, y0, x1, y1)`);
  const [left, top, right, bottom] = corners as number[];
  if (whole && (right < left || bottom < top))
    throw invalid(`line ${line} has a box from ${left}, ${top} to ${right}, ${bottom}`);
  return { ...(whole && { box: [left, top, right, bottom] as const }), ...(mask && { shape: { file: mask } }) };
}

/** Lines by column, as they are read. */
async function* rowsOf(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Row> {
  let head: readonly string[] | undefined;
  for await (const cells of linesOf(pieces)) {
    if (head) {
      const row: Row = {};
      for (const [i, name] of head.entries()) if (cells[i]) row[name as Column] = cells[i];
      yield row;
    } else head = checkedHead(cells);
  }
  if (!head) throw invalid(`no column "picture" in its first line`);
}

function checkedHead(head: readonly string[]): readonly string[] {
  if (!head.includes("picture")) throw invalid(`no column "picture" in its first line`);
  const strange = head.find((name) => !(columns as readonly string[]).includes(name));
  if (strange) throw invalid(`unknown column "${strange}"; allowed are ${columns.join(", ")}`);
  const twice = head.find((name, i) => head.indexOf(name) < i);
  if (twice) throw invalid(`the column "${twice}" is there twice`);
  return head;
}

/** RFC 4180, quotes included; lines of nothing are none. */
async function* linesOf(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<readonly string[]> {
  const decoder = new TextDecoder();
  let cells: string[] = [];
  // A quote within quotes is their end, or the first of two that stand for one.
  let [cell, quoted, ending] = ["", false, false];
  for await (const piece of pieces) {
    const text = decoder.decode(piece, { stream: true });
    let from = 0;
    for (let i = 0; i < text.length; i++) {
      const c = text[i];
      if (c === '"') {
        // Of two, the second one is text.
        cell += text.slice(from, i) + (ending ? '"' : "");
        from = i + 1;
        [quoted, ending] = [!quoted, quoted && !ending];
        continue;
      }
      ending = false;
      if (quoted || (c !== "," && c !== "\n" && c !== "\r")) continue;
      cell += text.slice(from, i);
      from = i + 1;
      if (c === "\r") continue;
      cells.push(cell);
      cell = "";
      if (c === ",") continue;
      if (cells.some(Boolean)) yield cells;
      cells = [];
    }
    cell += text.slice(from);
  }
  if (quoted) throw invalid("a quote is opened and not closed");
  cells.push(cell);
  if (cells.some(Boolean)) yield cells;
}
