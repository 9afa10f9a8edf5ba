/** @file Class names from files: a name a line, a list in JSON, or a configuration's `id2label`. */
import { isRecord, UserError } from "../../errors.ts";
import { boundedJson, boundedSize } from "./json.ts";

/** Class names from a file's content: a name a line or, where its name ends with .json, a list or `id2label`. */
export function parseLabels(bytes: Uint8Array, file: string): readonly string[] {
  boundedSize(bytes.length, file, "labels");
  const names = file.endsWith(".json") ? labelsFrom(boundedJson(bytes, file, "labels")) : linesOf(textOf(bytes, file));
  if (names.every((name) => name.trim() === "")) throw noLabels(file, "no name is in it");
  return names;
}

/** Its lines, without those at the end that hold nothing. One blank by itself is a name: the character that lists of characters often end with. */
function linesOf(text: string): readonly string[] {
  const lines = text.split(/\r?\n/);
  const last = lines.findLastIndex((line) => line.trim() !== "" || line.length === 1);
  return lines.slice(0, last + 1);
}

/** What JSON and web pages begin with. A list of characters may begin with a bracket, or with "<blank>". */
const noList = /^\s*(\[\s*["\d[{\]]|\{\s*["\d}]|<([!?]|html\b))/i;

/** The largest vocabularies of pictures have some ten thousand classes; a name's index far beyond is a mistake, and costs memory. */
const mostClasses = 1_000_000;

const longestName = 1000;

/** @throws UserError `invalid-input` for what is no text with a name a line. */
function textOf(bytes: Uint8Array, file: string): string {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw noLabels(file, "it is no text (UTF-8)", cause);
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what no text has tells a picture or a model from names.
  if (/[\u0000-\u0008\u000e-\u001a\u001c-\u001f]/.test(text)) throw noLabels(file, "it is no text");
  if (noList.test(text)) throw noLabels(file, "it is JSON or a web page; a name ending with .json is read as JSON");
  if (text.split("\n").some((line) => line.length > longestName))
    throw noLabels(file, `a line has more than ${longestName} characters`);
  return text;
}

const noLabels = (file: string, why: string, cause?: unknown): UserError =>
  new UserError(
    "invalid-input",
    `invalid labels: ${file}: ${why}; expected class names, one a line, or JSON (a list, or id2label)`,
    { cause },
  );

/** A list of names, a map from index to name, or a configuration with such a map under `id2label`. */
export function labelsFrom(json: unknown): readonly string[] {
  const map = isRecord(json) && "id2label" in json ? json.id2label : json;
  if (Array.isArray(map)) return map.map(String);
  if (!isRecord(map)) return [];
  const names: string[] = [];
  for (const [index, name] of Object.entries(map)) {
    if (!/^\d+$/.test(index)) continue;
    if (Number(index) >= mostClasses)
      throw new UserError(
        "invalid-input",
        `invalid labels: a class ${index} is named; models of ${mostClasses} classes at most are read`,
      );
    names[Number(index)] = String(name);
  }
  return Array.from(names, (name) => name ?? "");
}
