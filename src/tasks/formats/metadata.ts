/** @file What Ultralytics' exporter notes in a file: the task, the classes' names, sizes and strides, as texts of Python. */
import type { Model } from "../../onnx/model.ts";
import { parsePython } from "./python-literal.ts";

/** The value of a note; undefined where there is none, or one that is not read. */
export function noteOf({ proto }: Model, key: string): unknown {
  const text = proto.metadataProps.find((entry) => entry.key === key)?.value;
  return text === undefined ? undefined : parsePython(text);
}

/** A note that is a text itself. */
export const textNote = ({ proto }: Model, key: string): string | undefined =>
  proto.metadataProps.find((entry) => entry.key === key)?.value;

/** The names of the classes: `names`, a dictionary from their index. */
export function namesNoted(model: Model): readonly string[] {
  const names = noteOf(model, "names");
  if (names instanceof Map) {
    const list: string[] = [];
    for (const [index, name] of names)
      if (Number.isInteger(index) && index >= 0 && index < 100_000) list[index] = String(name);
    return Array.from(list, (name) => name ?? "");
  }
  if (Array.isArray(names)) return names.map(String);
  // Paddle's exporters: a name a line.
  const lines = textNote(model, "character")?.replace(/\n$/, "").split("\n") ?? [];
  return lines.length > 1 ? lines : [];
}
