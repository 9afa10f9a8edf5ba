/**
 * @file Reads the `preprocessor_config.json` that lies beside a model in Hugging Face layout.
 *
 * The file leaves out what its image processor takes for granted, so the processors' own rules and defaults are a table here.
 */

import { UserError } from "../errors.ts";
import { type Framing, type Padding, type Resize, roundHalfToEven } from "./framing.ts";
import type { Size } from "./geometry.ts";
import type { Preprocess } from "./preprocess.ts";
import type { FilterName } from "./resample.ts";

/** What an image processor of transformers takes for granted. */
interface Family {
  /** A `size` that is one number means the shortest edge, not a square. */
  readonly edge?: boolean;
  /** When `resample` is not given; bilinear unless told. */
  readonly filter?: FilterName;
  /** When `crop_pct` is not given. */
  readonly cropShare?: number;
  /** The shortest edge is resized to this multiple of what the file states. */
  readonly enlarge?: number;
  /** Pads, where `do_pad` is not given. */
  readonly pads?: boolean;
  /** Divides by std a second time, where `include_top` is not given. */
  readonly squares?: boolean;
  /** Swaps red and blue, where `do_flip_channel_order` is not given, and normalises nothing, whatever the file states. */
  readonly turns?: boolean;
  /** The padding is around the picture. */
  readonly padsAround?: boolean;
}

/** By the beginning of `image_processor_type`, formerly `feature_extractor_type`. */
const families: readonly (readonly [prefix: string, family: Family])[] = [
  ["Beit", { filter: "bicubic" }],
  ["Bit", { edge: true, filter: "bicubic" }],
  ["CLIP", { edge: true, filter: "bicubic" }],
  ["ConditionalDetr", { edge: true, pads: true }],
  ["DeformableDetr", { edge: true, pads: true }],
  ["Detr", { edge: true, pads: true }],
  ["DPT", { filter: "bicubic", padsAround: true }],
  ["ChineseCLIP", { edge: true, filter: "bicubic" }],
  // ConvNextImageProcessor crops although its files state no crop_size; a crop_pct of null is its default.
  ["ConvNext", { edge: true, filter: "bicubic", cropShare: 224 / 256 }],
  ["DeiT", { filter: "bicubic" }],
  ["EfficientNet", { filter: "nearest", squares: true }],
  // LevitImageProcessor resizes to 256/224 of the size that its file states.
  ["Levit", { edge: true, filter: "bicubic", enlarge: 256 / 224 }],
  ["MobileNet", { edge: true }],
  ["MobileViT", { edge: true, turns: true }],
  ["PoolFormer", { edge: true, filter: "bicubic" }],
  ["PromptDepthAnything", { filter: "bicubic", padsAround: true }],
  ["Sam", { pads: true }],
  ["Siglip", { filter: "bicubic" }],
  ["Yolos", { edge: true, pads: true }],
];

/** `resample` by number, Pillow's enumeration. */
const resampling: readonly FilterName[] = ["nearest", "lanczos", "bilinear", "bicubic"];

type Config = Readonly<Record<string, unknown>>;

/** Processors that do more than a configuration says of them: tiles, other padding and resizing, sizes by the number of pixels. */
const others =
  /^(Donut|Flava|Fuyu|GLPN|Idefics|ImageGPT|Llava|Mllama|Nougat|Owlv2|Pixtral|Qwen2VL|Siglip2|SmolVLM|Swin2SR|TimmWrapper|Vilt|Vivit|Vitmatte|VitPose|ZoeDepth)/;

/**
 * The preprocessing that a `preprocessor_config.json` states, for a network with inputs in NCHW.
 *
 * A `size` of one number is the shortest edge or a square as the file's `image_processor_type` has it; without a type, the shortest
 * edge if a crop follows. `crop_pct` is ConvNeXt's: below 384 pixels, resize to size / crop_pct and crop to size.
 *
 * @param json the file's content, parsed
 * @throws {UserError} `invalid-input`, naming the key
 */
export function fromHuggingFace(json: unknown): Preprocess {
  if (!isObject(json)) throw invalid("content", json, "an object");
  const type = String(json.image_processor_type ?? json.feature_extractor_type ?? "");
  if (others.test(type))
    throw new UserError(
      "invalid-input",
      `unsupported preprocessor_config.json: the configuration alone does not define what ${type} does; give a prepared .npy file, or remove the configuration and set --size, --fit, --mean and --std`,
    );
  const family = families.find(([prefix]) => type.startsWith(prefix))?.[1] ?? { edge: type === "" && crops(json) };

  const again = flag(json, "include_top", family.squares ?? false) && "image_std" in json;
  const normalises = (key: string) => !family.turns && flag(json, "do_normalize", key in json);
  const mean = normalises("image_mean") ? channelValues(json, "image_mean") : [0, 0, 0];
  const std = normalises("image_std") ? channelValues(json, "image_std") : mean.map(() => 1);
  if (mean.length !== std.length)
    throw invalid("image_std", json.image_std, `${mean.length} numbers, as image_mean has`);
  return {
    ...framing(json, family),
    filter: filterOf(json.resample, family.filter ?? "bilinear"),
    scale: flag(json, "do_rescale", true) ? (optionalNumber(json, "rescale_factor") ?? 1 / 255) : 1,
    // EfficientNetImageProcessor: rescale_offset moves pixels to -1..1, include_top divides by std a second time.
    mean: flag(json, "rescale_offset", false) ? mean.map((m) => m + 1) : mean,
    std: again ? channelValues(json, "image_std").map((s, i) => s * std[i]) : std,
    channels: mean.length === 1 ? 1 : 3,
    order: flag(json, "do_flip_channel_order", family.turns ?? false) ? "BGR" : "RGB",
    layout: "NCHW",
  };
}

/** What to resize to, what to crop, and what to pad to. */
function framing(json: Config, family: Family): Framing {
  const pad = paddingOf(json, family);
  return { ...resizing(json, family), ...(pad && { pad }) };
}

function resizing(json: Config, family: Family): Framing {
  const crop = crops(json) ? square(json, "crop_size") : undefined;
  if (!flag(json, "do_resize", true)) return { crop };
  const size = json.size;
  const edge = typeof size === "number" ? family.edge && side(size, "size") : edgeOf(size, "shortest_edge");
  const longest = edgeOf(size, "longest_edge") ?? (edge ? edgeOf(json, "max_size", "") : undefined);
  if (longest) return { resize: edge ? { shortestEdge: edge, longestEdge: longest } : { longestEdge: longest }, crop };
  if (isObject(size) && "max_height" in size && "max_width" in size) {
    const frame = { width: side(size.max_width, "size.max_width"), height: side(size.max_height, "size.max_height") };
    return { resize: { within: frame }, crop };
  }
  if (!edge) return { resize: inMultiples(json, square(json, "size")), crop };
  const cropShare = optionalNumber(json, "crop_pct") ?? family.cropShare;
  const shortestEdge = Math.trunc(cropShare ? edge / cropShare : edge * (family.enlarge ?? 1));
  if (!cropShare) return { resize: { shortestEdge }, crop };
  const whole = { width: edge, height: edge };
  if (crop) return { resize: { shortestEdge }, crop };
  return edge < 384 ? { resize: { shortestEdge }, crop: whole } : { resize: whole };
}

/** DPT's: in multiples, and in one scale for both sides where the aspect is kept. */
function inMultiples(json: Config, size: Size): Resize {
  const multipleOf = edgeOf(json, "ensure_multiple_of", "") ?? 1;
  if (flag(json, "keep_aspect_ratio", false)) return { nearly: size, multipleOf };
  const rounded = (length: number) => Math.max(1, roundHalfToEven(length / multipleOf)) * multipleOf;
  return { width: rounded(size.width), height: rounded(size.height) };
}

/** Zeros behind the pixels, after normalising, as the batches of transformers are padded: to `pad_size`, or what the network takes. */
function paddingOf(json: Config, family: Family): Padding | undefined {
  const stated = json.pad_size ?? undefined;
  const pads = flag(json, "do_pad", family.pads ?? stated !== undefined);
  if (!pads) return undefined;
  const divisor = edgeOf(json, "size_divisor", "");
  if (family.padsAround) return divisor === undefined ? undefined : { divisor, at: "centre" };
  return { ...(stated !== undefined && { size: square(json, "pad_size") }), at: "end" };
}

function crops(json: Config): boolean {
  return flag(json, "do_center_crop", "crop_size" in json);
}

/** A length under a key; undefined where there is none. */
function edgeOf(size: unknown, key: string, within = "size."): number | undefined {
  const value = isObject(size) ? (size[key] ?? undefined) : undefined;
  return value === undefined ? undefined : side(value, `${within}${key}`);
}

/** A size given as one number or as {height, width}. */
function square(json: Config, key: "size" | "crop_size" | "pad_size"): Size {
  const value = json[key];
  if (typeof value === "number") return { width: side(value, key), height: side(value, key) };
  if (isObject(value) && "height" in value && "width" in value)
    return { width: side(value.width, `${key}.width`), height: side(value.height, `${key}.height`) };
  throw invalid(
    key,
    value,
    key === "size" ? "a number, {shortest_edge}, {longest_edge} or {height, width}" : "a number or {height, width}",
  );
}

function side(value: unknown, key: string): number {
  if (typeof value === "number" && Number.isInteger(value) && value > 0) return value;
  throw invalid(key, value, "an integer of at least 1");
}

function filterOf(value: unknown, otherwise: FilterName): FilterName {
  if (value === undefined || value === null) return otherwise;
  const filter = typeof value === "number" ? resampling[value] : undefined;
  if (filter) return filter;
  throw invalid("resample", value, `${resampling.map((name, i) => `${i} (${name})`).join(", ")}`);
}

function channelValues(json: Config, key: "image_mean" | "image_std"): number[] {
  // A single number is every channel's.
  const value = typeof json[key] === "number" ? [json[key], json[key], json[key]] : json[key];
  const fits = Array.isArray(value) && (value.length === 3 || value.length === 1);
  if (fits && value.every((v) => Number.isFinite(v) && (key === "image_mean" || v !== 0))) return value;
  throw invalid(key, value, key === "image_mean" ? "1 or 3 numbers" : "1 or 3 numbers other than 0");
}

function flag(json: Config, key: string, otherwise: boolean): boolean {
  const value = json[key] ?? otherwise;
  if (typeof value === "boolean") return value;
  throw invalid(key, value, "true or false");
}

function optionalNumber(json: Config, key: string): number | undefined {
  const value = json[key] ?? undefined;
  if (value === undefined || (typeof value === "number" && Number.isFinite(value) && value > 0)) return value;
  throw invalid(key, value, "a number above 0");
}

function isObject(value: unknown): value is Config {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(key: string, seen: unknown, allowed: string): UserError {
  return new UserError(
    "invalid-input",
    `invalid preprocessor_config.json: ${key} is ${JSON.stringify(seen)}, expected ${allowed}`,
  );
}
