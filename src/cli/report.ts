/** @file What `gradcam explain` was asked, and what it says: a line of JSON, or a table. */
import path from "node:path";
import { type ExplanationFile, explanationFiles, type WrittenExplanation, type WrittenMask } from "../node/write.ts";
import type { Warning } from "../read/decision.ts";
import type { Why } from "../tasks/classify/classification.ts";
import { percent } from "../tasks/percent.ts";
import type { DrawingFlags, ModelFlags } from "./options.ts";
import { type ReferenceResult, referenceLine } from "./reference.ts";
import { bold, dim, print, printJson } from "./terminal.ts";

export interface ExplainFlags extends ModelFlags, DrawingFlags {
  readonly class?: string[];
  readonly target?: string[];
  readonly score?: number;
  readonly iou?: number;
  readonly maxDetections?: number;
  readonly against?: string;
  readonly counterfactual?: boolean;
  readonly input?: Readonly<Record<string, string>>;
  readonly similarTo?: string;
  readonly reference?: string;
  readonly write?: readonly OutputFile[];
  readonly maxMemory?: number;
  readonly partial?: boolean;
}

/** What may be written. */
export const outputFiles = [...explanationFiles, "manifest"] as const;
export type OutputFile = (typeof outputFiles)[number];

/** What `--json` prints, a line each. File names are relative to `--out`. */
export interface ImageResult {
  readonly image: string;
  readonly model: { readonly name: string; readonly sha256: string };
  readonly task: string;
  readonly layer: string | null;
  readonly predictions: Why["predictions"];
  readonly detections?: Why["detections"];
  readonly masks?: readonly WrittenMask[];
  readonly text?: string;
  readonly probability?: number;
  readonly characters?: Why["characters"];
  /** What is to be said of the whole. */
  readonly remark?: string;
  readonly explanations: readonly (WrittenExplanation & Partial<Pick<ReferenceResult, "reference">>)[];
  /** Of a detector that found something: all of its boxes in one picture. */
  readonly overlay?: string;
  readonly panel?: string;
  /** Whether Ctrl-C ended it: some maps are estimates, and others may be missing. */
  readonly partial?: true;
  readonly reference?: ReferenceResult["of"];
}

/** Warnings that are of one map; the others are said once, at the end. */
export const ofOneMap: ReadonlySet<string> = new Set([
  "low-probability",
  "class-independent",
  "relu-emptied",
  "class-chosen",
]);

/** The names of a result's files of these kinds; undefined where one was not written. */
export function filesOf(result: ImageResult, kinds: readonly ExplanationFile[]): string[] | undefined {
  const { explanations, detections, masks, overlay, panel } = result;
  const files = kinds.flatMap((kind) => {
    // Where nothing was found there is nothing to draw.
    if (kind === "panel") return explanations.length ? [panel] : [];
    const together = kind === "overlay" && detections?.length ? [overlay] : [];
    const own = kind === "overlay" && masks ? masks.map(({ file }) => file) : [];
    return [...explanations.map((e) => (kind === "map" ? e.map?.file : e[kind])), ...together, ...own];
  });
  return files.every((file) => file !== undefined) ? files : undefined;
}

interface Warned {
  readonly blank?: string;
  readonly warnings: readonly Warning[];
}

/**
 * A kind of warning stands once under its picture, however many maps have it; a blank map has its reason already.
 * @param kinds those that are printed; all by default
 */
export function printWarnings(explanations: readonly Warned[], kinds?: ReadonlySet<string>): void {
  const warnings = explanations
    .filter(({ blank }) => !blank)
    .flatMap(({ warnings }) => warnings.filter(({ code }) => kinds?.has(code) ?? true));
  for (const kind of new Set(warnings.map(({ code }) => code))) {
    const [text, ...more] = new Set(warnings.filter(({ code }) => code === kind).map((warning) => warning.text));
    print(dim(`  ${text}${more.length ? ` (So with ${more.length} more.)` : ""}`));
  }
}

export function report(result: ImageResult, { json, out }: ExplainFlags): void {
  if (json) {
    printJson(result);
    return;
  }
  const explained = new Map(result.explanations.map((e) => [e.class, e]));
  print(bold(result.image));
  for (const { index, label, score, box } of result.detections ?? []) {
    const place = box.map((edge) => Math.round(edge)).join(", ");
    const line = `  ${String(index).padStart(4)}  ${label.padEnd(28)} ${percent(score).padStart(8)}  ${place}`;
    print(result.explanations.some(({ detection }) => detection === index) ? bold(line) : line);
  }
  for (const { index, label, area, score, file } of result.detections ? [] : (result.masks ?? [])) {
    const said = [percent(area).padStart(8), score === undefined ? "" : percent(score).padStart(8), file ?? ""];
    const line = `  ${String(index).padStart(4)}  ${label.padEnd(28)} ${said.filter(Boolean).join("  ")}`;
    print(result.explanations.some(({ mask }) => mask === index) ? bold(line) : line);
  }
  if (result.text) print(`  ${bold(result.text)}  ${percent(result.probability ?? 0)}`);
  for (const { index, character, probability } of result.characters ?? []) {
    const line = `  ${String(index).padStart(4)}  ${character.padEnd(28)} ${percent(probability).padStart(8)}`;
    print(result.explanations.some((e) => e.character === index) ? bold(line) : line);
  }
  if (result.remark) print(`  ${result.remark}`);
  for (const { class: index, label, score, probability } of result.predictions) {
    const percentage = probability === null ? "" : percent(probability).padStart(8);
    const line =
      `  ${String(index).padStart(4)}  ${label.padEnd(28)} ${score.toFixed(2).padStart(7)} ${percentage}`.trimEnd();
    print(explained.has(index) ? bold(line) : line);
  }
  for (const { question, method, overlay, heat, map, blank, reference, partial } of result.explanations) {
    const file = overlay ?? heat ?? map?.file;
    const said = [blank && `blank, ${blank}`, !blank && file && path.join(out, file)].filter(Boolean).join();
    print(`  ${method}, ${question}${partial ? ", partial" : ""}${said && `: ${said}`}`);
    if (reference) print(`    ${referenceLine(reference)}`);
  }
  printWarnings(result.explanations, ofOneMap);
  if (result.reference) {
    const { label, sameClass, warnings } = result.reference;
    print(`  reference: ${sameClass ? "the same class" : `another class, ${label}`}`);
    for (const { text } of warnings) print(`    ${text}`);
  }
  if (result.overlay) print(`  all boxes: ${path.join(out, result.overlay)}`);
  if (result.panel) print(`  panel: ${path.join(out, result.panel)}`);
}
