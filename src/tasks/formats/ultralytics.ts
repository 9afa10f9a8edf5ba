/** @file What files of Ultralytics say of themselves in their metadata: names of classes, and how pictures are prepared. */
import type { KnownPreprocess } from "../../image/assume.ts";
import type { Model } from "../../onnx/model.ts";
import { namesNoted, noteOf, textNote } from "./metadata.ts";

/** How pictures are prepared, and why. */
export interface UsualPreparation {
  readonly known: KnownPreprocess;
  /** In words, where nobody says so. */
  readonly words?: string;
  readonly because: string;
  /** Whether nobody says so. */
  readonly guess?: true;
}

export interface FileNotes {
  readonly names: readonly string[];
  readonly preparation?: UsualPreparation;
}

const unit = { mean: 0, std: 1 } as const;

export function notesOfFile(model: Model): FileNotes {
  const names = namesNoted(model);
  const task = textNote(model, "task");
  const sizes = noteOf(model, "imgsz");
  if (task === undefined || !Array.isArray(sizes)) return { names };
  const [height = Number.NaN, width = height] = sizes.map(Number);
  const known = Number.isInteger(height) && Number.isInteger(width) && !declaresSize(model);
  const fixed = known ? { size: { height, width } } : {};
  const stretched = /RTDETR/i.test(textNote(model, "head") ?? "");
  const fit = task === "classify" ? ("crop" as const) : stretched ? ("stretch" as const) : ("letterbox" as const);
  const because = `the file's metadata says that its task is "${task}", as Ultralytics' exporter does`;
  return { names, preparation: { known: { ...unit, fit, ...fixed }, because } };
}

/** Whether the file itself fixes the size of its pictures. */
const declaresSize = ({ inputs: [first] }: Model): boolean => {
  const value = first?.type?.value;
  const dims = value?.case === "tensorType" ? (value.value.shape?.dim ?? []) : [];
  return dims.slice(-2).every(({ value: size }) => size.case === "dimValue" && Number(size.value) > 0);
};
