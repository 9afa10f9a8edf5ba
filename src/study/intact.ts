/**
 * @file What a study's file says, made sure of. Disks lose bytes, and other programs write: what does not fit is told as damage, before it
 * is shown to anybody or counted. Text is read as bytes, for the driver ends the process at a text that is not UTF-8.
 */
import { isRecord, isTexts } from "../errors.ts";
import { type Item, kindNames, type Place, type Study } from "./study.ts";

/** A column as the driver hands it over; texts come as bytes. */
export type Column = Uint8Array | ArrayBuffer | number | bigint | string | null;

/** @throws TypeError for what is neither a text nor a file */
export function bytes(column: Column): Uint8Array {
  if (column instanceof Uint8Array) return column;
  if (column instanceof ArrayBuffer) return new Uint8Array(column);
  throw new TypeError("a text is missing");
}

/** @throws TypeError also for what is not UTF-8 */
export const text = (column: Column): string => new TextDecoder("utf-8", { fatal: true }).decode(bytes(column));

/** @throws TypeError for what is no whole number */
export function whole(column: Column): number {
  if (!Number.isSafeInteger(column)) throw new TypeError("a number is missing");
  return column as number;
}

/** @throws Error saying what does not fit */
export function studyOf(json: string | undefined): Study {
  if (json === undefined) throw new Error("no study");
  const study: unknown = JSON.parse(json);
  if (!isRecord(study)) throw new Error("there is no study in it");
  if (study.format !== 1) throw new Error(`format ${study.format}`);
  const counts = [study.ratings, study.trials, study.seed];
  const fits =
    (kindNames as readonly unknown[]).includes(study.kind) &&
    [study.conditions, study.consent].every(isTexts) &&
    counts.every(Number.isSafeInteger) &&
    [study.gradcam, study.dataset].every((one) => typeof one === "string") &&
    Array.isArray(study.models) &&
    study.models.every((model) => isRecord(model) && typeof model.name === "string") &&
    Array.isArray(study.items) &&
    study.items.every(isItem);
  if (!fits) throw new Error("parts of it are missing");
  return study as unknown as Study;
}

const isItem = (item: unknown): boolean =>
  isRecord(item) &&
  ["practice", "trial", "check"].includes(item.role as string) &&
  [item.id, item.condition, item.picture].every((one) => typeof one === "string") &&
  [item.shown, item.choices].every(isTexts) &&
  (item.right === undefined || (item.choices as string[])[item.right as number] !== undefined);

/** A row of the table `slot`. */
export type PlaceRow = Readonly<Record<"position" | "item" | "arrangement" | "answer" | "milliseconds", Column>>;

/** @throws Error saying what does not fit */
export function placeOf(row: PlaceRow, items: ReadonlyMap<string, Item>): Place {
  const position = whole(row.position);
  const item = items.get(text(row.item));
  if (!item) throw new Error(`position ${position} has no question of this study`);
  const arrangement: unknown = JSON.parse(text(row.arrangement));
  if (!Array.isArray(arrangement) || !arrangement.every((i) => Number.isInteger(i) && i >= 0 && i < arrangement.length))
    throw new Error(`position ${position} has no order`);
  const answer = row.answer === null ? null : whole(row.answer);
  if (answer !== null && item.choices[answer] === undefined) throw new Error(`position ${position} has no such answer`);
  return {
    ...{ position, item: item.id, arrangement, answer },
    milliseconds: row.milliseconds === null ? null : whole(row.milliseconds),
  };
}
