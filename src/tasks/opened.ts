/** @file An open model and how it was read, from the parts that it comes in; nothing is asked of it yet. */
import { type Notes, notesOf, originalBytes } from "../explain/compiled.ts";
import { type Explainer, openExplainer } from "../explain/explainer.ts";
import type { Model } from "../onnx/model.ts";
import type { Runtime } from "../onnx/runtime.ts";
import type { TokenGrid } from "../read/layout.ts";
import { openOptions } from "./asking.ts";
import type { FileNotes } from "./formats/ultralytics.ts";
import type { ModelOptions, ModelParts } from "./open.ts";
import { noted } from "./preparation.ts";
import { labelsOf, type ModelReading, readingOf, taskFor } from "./reading.ts";
import type { Said } from "./said.ts";
import { detects } from "./task.ts";

export interface OpenModel {
  readonly explainer: Explainer;
  readonly reading: ModelReading;
  readonly notes: Notes | undefined;
}

/** @throws UserError for what is no model, names that it does not have, and broken configurations. */
export async function openParts(ort: Runtime, parts: ModelParts, options: ModelOptions): Promise<OpenModel> {
  const { name, file, model, config, stated, labels, labelsFrom } = parts;
  const notes = notesOf(model);
  // A compiled model is asked as the model that it was: its own explanation need not run.
  const bytes = (notes && originalBytes(model, notes)) ?? model.bytes;
  const explainer = await openExplainer(ort, bytes, {
    ...openOptions(options),
    output: options.output ?? notes?.output,
    layer: options.layer ?? (options.output === undefined ? notes?.layer : undefined),
    tokens: options.tokens ?? (noted(notes, "tokens", file) as TokenGrid | undefined),
    // What ONNX Runtime would print comes as an exception too, and is told in one line.
    session: { logSeverityLevel: 4, ...options.session },
  });
  return orRelease(explainer, async () => {
    const fileNotes = await notedIn(explainer.model);
    const said = { ...options, name, labels, labelsFrom, config, stated, notes, file, fileNotes };
    const head = await headFor(explainer, said);
    const masks = head.detector ? {} : await masksFor(explainer, said, options.layer);
    const text = await textFor(ort, explainer, said, options.layer);
    return { explainer, reading: readingOf(explainer, { ...said, ...head, ...masks, ...text }), notes };
  });
}

/** What the file notes of itself; few files do. */
async function notedIn(model: Model): Promise<FileNotes | undefined> {
  const noted = model.proto.metadataProps.some(({ key }) => ["names", "imgsz", "character"].includes(key));
  return noted ? (await import("./formats/ultralytics.ts")).notesOfFile(model) : undefined;
}

/** Whether there are boxes to look for: of keypoints too, where the file says whose. */
function findsBoxes(explainer: Explainer, said: Said): boolean {
  const { task } = taskFor(explainer, said);
  return detects(task) || (task === "keypoints" && (said.fileNotes?.names.length ?? 0) > 0);
}

/** The head of a detector, fetched when there is one. */
async function headFor(explainer: Explainer, said: Said): Promise<Pick<Said, "detector" | "headDecision" | "usual">> {
  const { explained } = explainer.reading;
  if (explained?.axes.grid.length !== 2 || !findsBoxes(explainer, said)) return {};
  const [{ recogniseHead }, { usualFor }, { levelsOf }, { readHead }] = await Promise.all([
    import("./detect/recognise.ts"),
    import("./detect/usual.ts"),
    import("./detect/levels.ts"),
    import("./detect/reading.ts"),
  ]);
  const { model, sized } = explainer;
  const [height = 0, width = 0] = explained.axes.grid.map((axis) => sized.get(explained.name)?.dims[axis] ?? 0);
  const labels = labelsOf(said).names;
  const found = recogniseHead({ model, tensors: sized, input: { width, height }, config: said.config, labels });
  const levels = found ? levelsOf(explainer, sized, found.head) : [];
  return {
    ...readHead({ model, tensors: explainer.tensors }, found, levels),
    ...(found && { usual: usualFor(found.head) }),
  };
}

/** The masks of a segmenter, fetched when there is one. */
async function masksFor(
  explainer: Explainer,
  said: Said,
  layer: string | undefined,
): Promise<Pick<Said, "segmenter" | "headDecision" | "usual">> {
  const { task } = taskFor(explainer, said);
  const segments = task === "segmentation" || task === "instance-segmentation";
  if (explainer.reading.explained?.axes.grid.length !== 2 || !segments) return {};
  const { recogniseMasks, usualOfMasks } = await import("./segment/recognise.ts");
  const found = recogniseMasks(explainer, labelsOf(said).names);
  return found ? { ...found, segmenter: unlessNamed(found.segmenter, layer), usual: usualOfMasks } : {};
}

/** The text of a recogniser, fetched when there is one. */
async function textFor(
  ort: Runtime,
  explainer: Explainer,
  said: Said,
  layer: string | undefined,
): Promise<Pick<Said, "recogniser" | "headDecision" | "usual">> {
  const { task } = taskFor(explainer, said);
  if (explainer.reading.explained?.axes.grid.length !== 2 || task !== "text-recognition") return {};
  const { recogniseText } = await import("./text/recognise.ts");
  const found = await recogniseText(ort, explainer, labelsOf(said).names);
  return found ? { ...found, recogniser: unlessNamed(found.recogniser, layer) } : {};
}

/** The layers that a head's maps lie on; one that the caller has named stands. */
const unlessNamed = <H extends { readonly levels: readonly string[] }>(head: H, layer: string | undefined): H =>
  layer === undefined ? head : { ...head, levels: [] };

/** What comes of an open model, which is released where nothing does. */
export async function orRelease<T>(
  open: { readonly release: () => Promise<void> },
  work: () => T | Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await open.release();
    throw error;
  }
}
