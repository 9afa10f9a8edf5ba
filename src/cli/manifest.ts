/** @file What is needed to make the same maps again, and what had to be assumed. */

import type { MethodName } from "../methods/by-name.ts";
import type { LoadedClassifier } from "../node/load.ts";
import { type DetectOptions, usual } from "../tasks/detect/detections.ts";
import { packageVersion } from "./about.ts";
import type { DrawingFlags, ModelFlags } from "./options.ts";
import type { Settings } from "./output-folder.ts";
import type { ExplainFlags } from "./report.ts";

/** A model that was loaded, whatever it is for. */
interface Loaded {
  readonly sha256: string;
  readonly runtimeVersion: string;
  /** Where it is made of several. */
  readonly files?: readonly string[];
}

/** What every manifest begins with: versions, and the model. */
export const madeBy = (
  { sha256, runtimeVersion, files }: Loaded,
  name: string,
  { model }: Pick<ModelFlags, "model">,
): Settings => ({
  ...{ gradcam: packageVersion, onnxruntime: runtimeVersion, node: process.version },
  model: { name, sha256, ...(files && { files }) },
  source: model ?? null,
});

/** What every manifest ends with, in front of the results: how maps were made and drawn. */
export const drawnBy = ({ method, option, colormap }: Pick<DrawingFlags, "method" | "option" | "colormap">) => ({
  ...{ methods: method ?? ["grad-cam"], colormap },
  ...(option && { options: option }),
  normalisation: "none in .npy; pictures divide a map by its maximum, and 0 stays 0",
});

export function settingsOf(model: LoadedClassifier, flags: ExplainFlags): Settings {
  const { subject, sha256, runtimeVersion } = model;
  const { kind, explainer } = subject;
  const { name } = model.reading;
  const { score, head, layers } = model.reading;
  return {
    ...madeBy({ sha256, runtimeVersion }, name, flags),
    preprocess: kind === "picture" ? (model.reading.preparation ?? null) : null,
    task: model.reading.task,
    decisions: model.reading.decisions,
    peak: flags.peak ?? "centre",
    align: flags.align ?? "bilinear",
    score: score.name,
    scoreIsBefore: score.before ?? null,
    layer: (head ? layers.find((layer) => layer.default) : explainer.layers[0])?.name ?? null,
    ...(head && { found: { ...usual, ...foundBy(flags) } }),
    targets: flags.target ?? [],
    classes: flags.class ?? (flags.target || model.reading.head ? [] : ["top1"]),
    against: flags.against ?? null,
    counterfactual: flags.counterfactual ?? false,
    inputs: flags.input ?? {},
    similarTo: flags.similarTo ?? null,
    reference: flags.reference ?? null,
    ...drawnBy({ ...flags, method: flags.method ?? (head && usualMethods(flags)) }),
  };
}

/** What is said of which detections count. */
export const foundBy = ({ score, iou, maxDetections }: ExplainFlags): DetectOptions => ({
  ...(score !== undefined && { score }),
  ...(iou !== undefined && { iou }),
  ...(maxDetections && { maxDetections }),
});

/** By what a detector's questions are answered where nobody says. */
function usualMethods({ class: classes = [], target }: ExplainFlags): MethodName[] {
  const targets = target ?? (classes.length ? [] : ["box:0"]);
  const own = targets.map((one): MethodName => (/^(not:)?box:/.test(one) ? "hires-cam" : "grad-cam"));
  return [...new Set<MethodName>([...classes.map(() => "grad-cam" as const), ...own])];
}

/** How pictures are prepared, in words. */
export function assumption({ reading: { preparation } }: LoadedClassifier): string {
  if (!preparation) return "none";
  const { resize, crop, pad, mean, std, scale, order, channels, layout } = preparation;
  const sizes = [
    resize && "shortestEdge" in resize && `shorter side to ${resize.shortestEdge}`,
    resize && "width" in resize && `resize to ${resize.width} x ${resize.height}`,
    resize && "height" in resize && !("width" in resize) && `${resize.height} high, the width follows`,
    resize && "within" in resize && `resize to fit into ${resize.within.width} x ${resize.within.height}`,
    crop && `centre ${crop.width} x ${crop.height}`,
    pad?.size && `padded to ${pad.size.width} x ${pad.size.height}`,
  ].filter(Boolean);
  const range = Number((scale * 255).toPrecision(6));
  const pixels = `pixels in 0..${range}, mean ${mean}, standard deviation ${std}`;
  const colours = channels === 3 ? `${order}, ` : "";
  return `${sizes.join(", ") || "the image's own size"}, ${pixels}, ${colours}${layout} (change with --size, --fit, --mean, --std, --scale, --channels, --layout)`;
}
