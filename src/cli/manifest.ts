/** @file What is needed to make the same maps again, and what had to be assumed. */
import type { LoadedClassifier } from "../node/load.ts";
import { packageVersion } from "./about.ts";
import type { ExplainFlags, ImageResult } from "./report.ts";

export function manifest(model: LoadedClassifier, results: readonly ImageResult[], flags: ExplainFlags): string {
  const { classifier, sha256, runtimeVersion } = model;
  const { name, kind, score } = classifier;
  const content = {
    gradcam: packageVersion(),
    onnxruntime: runtimeVersion,
    node: process.version,
    model: { name, sha256 },
    preprocess: kind === "picture" ? (model.reading.preparation ?? null) : null,
    task: model.reading.task,
    decisions: model.reading.decisions,
    peak: flags.peak ?? "centre",
    align: flags.align ?? "bilinear",
    score: score.name,
    scoreIsBefore: score.before ?? null,
    layer: classifier.explainer.layers[0]?.name ?? null,
    classes: flags.class ?? ["top1"],
    against: flags.against ?? null,
    counterfactual: flags.counterfactual ?? false,
    inputs: flags.input ?? {},
    similarTo: flags.similarTo ?? null,
    methods: flags.method ?? ["grad-cam"],
    normalisation: "none in .npy; pictures divide a map by its maximum, and 0 stays 0",
    images: results.map(({ image, explanations, panel }) => ({ image, explanations, panel })),
  };
  return `${JSON.stringify(content, null, 2)}\n`;
}

/** How pictures are prepared, in words. */
export function assumption({ classifier }: LoadedClassifier): string {
  const { resize, crop, mean, std, layout } = classifier.preprocess;
  const sizes =
    resize && crop
      ? [
          "shortestEdge" in resize
            ? `shorter side to ${resize.shortestEdge}`
            : `resize to ${resize.width} x ${resize.height}`,
          `centre ${crop.width} x ${crop.height}`,
        ]
      : ["the picture's own size"];
  return `${sizes.join(", ")}, mean ${mean}, deviation ${std}, ${layout} (change with --size, --mean, --std, --layout)`;
}
