/** @file How the sizes of a model's inputs are given, shown with those that its file states. */
import type { IndexedGraph } from "./model.ts";
import { declaredDims } from "./proto.ts";

/** An example for the first input whose sizes are free: what the file states as it is, and one picture of three colours, 224 x 224, for the rest. */
export function sizesAsked({ inputs }: Pick<IndexedGraph, "inputs">): string {
  const open = inputs.find((info) => declaredDims(info)?.some((d, i) => i > 0 && typeof d === "string"));
  const declared = (open && declaredDims(open)) ?? ["", "", "", ""];
  const usual = declared.length === 4 ? [1, 3, 224, 224] : declared.map((_, i) => (i === 0 ? 1 : 224));
  const shape = declared.map((d, i) => (typeof d === "number" ? d : usual[i])).join("x");
  const example = open && inputs.length > 1 ? `${open.name}=${shape}` : shape;
  return `--input-shape ${example}, or inputShapes in the library`;
}
