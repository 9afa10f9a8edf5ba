/**
 * @file What a compiled model says of itself: metadata under keys that start with "gradcam.", and names that start with "gradcam_".
 * A program in any language reads them through its runtime; this package reads them back here.
 */
import { UserError } from "../errors.ts";
import { append, type Extension } from "../onnx/append.ts";
import type { Builder, Value } from "../onnx/build.ts";
import { type Model, readModel } from "../onnx/model.ts";
import { makeNode, makeValueInfo } from "../onnx/proto.ts";

/** Inputs and outputs of a compiled model. */
export const names = {
  /** int64 [1] or [n]: the class to explain; negative for the best one. */
  target: "gradcam_target",
  /** int64 [n]: the class that is explained. */
  class: "gradcam_class",
  /** float32 [n, ...grid], raw. */
  map: "gradcam_map",
  /** float32 [n, C, ...], for methods in pixel space. */
  pixels: "gradcam_pixels",
} as const;

/** What a compiled captioner has beside `names.map`. */
export const sentenceNames = {
  /** int64 [1, T]: the word that is scored at each place. */
  words: "gradcam_words",
  /** float32 [1, T]. */
  logProbability: "gradcam_log_probability",
} as const;

/** What a compiled detector has: a row for each of the m boxes that it found, the best first. */
export const detectionNames = {
  /** float32 [m, 4]: corners, in pixels of the network's input. */
  boxes: "gradcam_boxes",
  /** float32 [m]: probabilities. */
  scores: "gradcam_scores",
  /** int64 [m]: classes. */
  labels: "gradcam_labels",
  /** int64 [m]: the levels that the boxes come from. */
  levels: "gradcam_levels",
  /** float32 [m, ...grid], raw, on the finest level's grid. */
  maps: "gradcam_maps",
} as const;

/** What is told of a compiled model, by key without the prefix. */
export type Notes = Readonly<Record<string, string>>;

const keyPrefix = "gradcam.";

/**
 * A model's file with results as further outputs, by their names.
 * @param added inputs, and initializers for those that have defaults
 * @param images what the number of its images is called where that is free
 */
export function withResults(
  model: Model,
  build: Builder,
  results: Readonly<Record<string, Value>>,
  added: Pick<Extension, "inputs"> & Partial<Extension>,
  notes: Notes,
  images = "gradcam_images",
): Uint8Array {
  const entries = Object.entries(results);
  const { nodes, initializers } = build.collect(Object.values(results));
  const sizes = (name: string, dims: readonly number[]) =>
    dims.map((d, i) => (d >= 0 ? d : i === 0 ? images : `${name}:${i}`));
  const said = Object.entries({ model_bytes: String(model.bytes.length), ...notes });
  return append(model.bytes, {
    nodes: [...nodes, ...entries.map(([name, value]) => makeNode("Identity", [value.name], [name]))],
    initializers: [...initializers, ...(added.initializers ?? [])],
    inputs: added.inputs,
    outputs: entries.map(([name, { type, dims = [] }]) => makeValueInfo(name, type, sizes(name, dims))),
    metadata: Object.fromEntries(said.map(([key, value]) => [keyPrefix + key, value])),
  });
}

/** The notes of a compiled model; undefined for any other. */
export function notesOf({ proto }: Model): Notes | undefined {
  const own = proto.metadataProps.filter(({ key }) => key.startsWith(keyPrefix));
  return own.length ? Object.fromEntries(own.map(({ key, value }) => [key.slice(keyPrefix.length), value])) : undefined;
}

export const alreadyCompiled = (): UserError =>
  new UserError("invalid-model", "invalid model: it is compiled already; compile the model that it was made from");

/** @throws UserError `invalid-model` for a model that is compiled already, or that has tensors of the names that would be added. */
export function checkNotCompiled(model: Model): void {
  if (notesOf(model)) throw alreadyCompiled();
  const taken = [...model.graph.input.map(({ name }) => name), ...model.initializers.keys(), ...model.producer.keys()];
  const own = new Set<string>([names, sentenceNames, detectionNames].flatMap((some) => Object.values(some)));
  const clash = taken.find((name) => own.has(name));
  if (clash)
    throw new UserError(
      "invalid-model",
      `invalid model: it has a tensor "${clash}", a name that a compiled model gives its own inputs and outputs`,
    );
}

/**
 * The bytes that a model was compiled from, as a view: they are the first of the compiled ones. Undefined where they are not, as after
 * another program has written the file anew.
 */
export function originalBytes({ bytes }: Model, notes: Notes): Uint8Array | undefined {
  const length = Number(notes.model_bytes);
  if (!Number.isInteger(length) || length <= 0 || length >= bytes.length) return undefined;
  const original = bytes.subarray(0, length);
  try {
    return notesOf(readModel(original)) ? undefined : original;
  } catch {
    return undefined;
  }
}
