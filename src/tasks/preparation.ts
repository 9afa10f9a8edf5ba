/** @file How pictures become an input: as the caller says, as the files beside the model say, else as most models are fed. */
import { UserError } from "../errors.ts";
import type { Notes } from "../explain/compiled.ts";
import { assumePreprocess, given, type KnownPreprocess, pictureShape } from "../image/assume.ts";
import { fromHuggingFace } from "../image/hugging-face.ts";
import type { Preprocess } from "../image/preprocess.ts";
import type { Observed } from "../onnx/observe.ts";
import { isFloat, typeName } from "../onnx/types.ts";
import { type Axes, plainDims } from "../read/axes.ts";
import type { Decision } from "../read/decision.ts";
import type { Said } from "./said.ts";

export interface Preparation {
  readonly preprocess: Preprocess;
  readonly decision: Decision;
}

const what = "preparation";
const option = { option: "--mean, --std, --scale, --channels, --size, --fit" } as const;

/** What is said, without what is not. */
const definedOf = ({ size, mean, std, scale, channels, fit, layout }: KnownPreprocess): KnownPreprocess =>
  Object.fromEntries(
    Object.entries({ size, mean, std, scale, channels, fit, layout }).filter(([, value]) => value !== undefined),
  );

/**
 * How pictures become an input.
 * @returns undefined where they cannot, as for thirteen bands
 * @throws UserError for broken configurations
 */
export function preparationOf(
  tensors: Observed,
  { name, axes }: { readonly name: string; readonly axes: Axes },
  said: Omit<Said, "name" | "labels">,
): Preparation | undefined {
  const { type = 0, dims: shape = [] } = tensors.get(name) ?? {};
  const dims = plainDims(shape, axes);
  const [n, channels, height = -1, width = -1] = dims;
  if (![-1, 1, 3].includes(channels)) return undefined;
  const layout = axes.channels !== undefined && axes.channels > Math.min(...axes.grid) ? "NHWC" : "NCHW";
  const { preprocess, stated, notes, file } = said;
  const asGiven = { what, value: "as given", because: "it was given" };
  if (preprocess) return { preprocess, decision: asGiven };
  const known = { ...said, layout } as const;
  const ordered = layout === "NCHW" ? [n, channels, height, width] : [n, height, width, channels];
  const from =
    stated !== undefined ? fromHuggingFace(stated) : (noted(notes, "preprocess", file) as Preprocess | undefined);
  if (from) {
    const because = stated !== undefined ? "preprocessor_config.json says so" : "the compiled file says so";
    return {
      // What a compiled file says has been settled for its input.
      preprocess: stated !== undefined ? forInput(from, known, ordered) : given(from, known),
      decision: { what, value: "as stated", because, option: "--mean" },
    };
  }
  const input = pictureShape(ordered, layout, typeName(type));
  const usual = isFloat(type) ? (said.fileNotes?.preparation ?? said.usual) : undefined;
  const assumed = assumePreprocess(input, { ...usual?.known, ...definedOf(known) });
  if ((said.mean !== undefined && said.std !== undefined) || said.scale !== undefined)
    return { preprocess: assumed, decision: asGiven };
  if (usual) {
    const guess = usual.guess && ({ guess: true } as const);
    const value = usual.words ?? (usual.guess ? "as for most ImageNet models" : "as stated");
    return { preprocess: assumed, decision: { what, value, because: usual.because, ...option, ...guess } };
  }
  const itself = `"${name}" takes integers, so the model prepares them itself`;
  const decision: Decision = isFloat(type)
    ? {
        ...{ what, value: "as for most ImageNet models", because: "the model does not specify it" },
        ...{ ...option, guess: true },
      }
    : { what, value: "unscaled pixels", because: itself, option: "--size" };
  return { preprocess: assumed, decision };
}

/** A note in JSON; undefined where the file has none. */
export function noted(notes: Notes | undefined, key: string, file = "(bytes)"): unknown {
  const text = notes?.[key];
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UserError("invalid-model", `invalid model ${file}: its metadata "gradcam.${key}" is not JSON`, { cause });
  }
}

/** The order of a picture's axes; @throws UserError `invalid-option` for another. */
export function pictureLayout(layout: string | undefined): KnownPreprocess["layout"] {
  if (layout === undefined || layout === "NCHW" || layout === "NHWC") return layout;
  throw new UserError("invalid-option", `invalid layout: "${layout}"; allowed are NCHW and NHWC`);
}

/**
 * A stated preparation for an input: laid out as the input is, padded to it, over which goes what the caller says.
 * @param dims of the input, batch first; -1 where free
 */
export function forInput(stated: Preprocess, known: KnownPreprocess, dims: readonly number[]): Preprocess {
  const input = pictureShape(dims, known.layout);
  const { height = -1, width = -1, layout } = input;
  const { pad } = stated;
  const size = height > 0 && width > 0 ? { height, width } : undefined;
  const padded = pad && !pad.size && !pad.divisor && size ? { pad: { ...pad, size } } : {};
  return given({ ...stated, ...padded, layout: known.layout ?? layout }, known, input);
}
