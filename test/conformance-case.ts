/** @file A reference case by PyTorch autograd: its files, and how far results are from them. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Target } from "../src/index.ts";
import type { Feeds, Tensor } from "../src/onnx/runtime.ts";
import { cosine, distance, leastCorrelation, numbersOf, readNpy } from "./arrays.ts";

export const committed = fileURLToPath(new URL("conformance", import.meta.url));
/** Beside the repository, on some machines. */
export const shared = fileURLToPath(new URL("../../shared/conformance", import.meta.url));

export interface Case {
  readonly inputs: readonly { readonly name: string; readonly file: string }[];
  readonly image_input: string;
  readonly output: string;
  readonly classes: readonly number[] | null;
  readonly reduction: { readonly kind: string };
  readonly layer: string;
  readonly expected: Readonly<Record<string, string | null>>;
  readonly tolerance: Readonly<Record<string, number | null | string>>;
}

export interface Opened {
  readonly c: Case;
  readonly bytes: Uint8Array;
  readonly feeds: Feeds;
  readonly seeds: Feeds;
  /** What was found wrong, a line each. */
  readonly found: readonly string[];
  /** Holds a result against the reference of this name, where there is one. */
  compare(what: string, got: Tensor): void;
}

export function openCase(folder: string): Opened {
  const file = (name: string) => path.join(folder, name);
  const c: Case = JSON.parse(readFileSync(file("case.json"), "utf8"));
  const bytes = new Uint8Array(readFileSync(file("model.onnx")));
  const feeds: Feeds = Object.fromEntries(c.inputs.map((input) => [input.name, readNpy(file(input.file))]));
  const seeds: Feeds = { [c.output]: readNpy(file(c.expected.output_gradient ?? "")) };
  const found: string[] = [];
  const compare = (what: string, got: Tensor) => {
    const name = c.expected[what];
    if (!name) return;
    const reference = readNpy(file(name));
    const measured = [
      { key: what, value: distance(got, reference), sign: 1 },
      { key: `${what}_min_cosine`, value: cosine(numbersOf(got), numbersOf(reference)), sign: -1 },
      { key: `${what}_min_correlation`, value: leastCorrelation(got, reference), sign: -1 },
    ];
    for (const { key, value, sign } of measured) {
      const limit = c.tolerance[key];
      if (typeof limit === "number" && !(sign * value <= sign * limit))
        found.push(`${key}: ${value}, limit ${limit}, shape [${got.dims}] for [${reference.dims}]`);
    }
  };
  return { c, bytes, feeds, seeds, found, compare };
}

/** A map asked for by cotangents is that asked for by classes, where the scalar is the sum of the classes' scores. */
export function targets({ classes, reduction }: Case, seeds: Feeds, before: string | undefined): Target[] {
  const byClass = classes && !before && ["class_logit", "spatial_mean"].includes(reduction.kind);
  return byClass ? [{ seeds }, classes] : [{ seeds }];
}
