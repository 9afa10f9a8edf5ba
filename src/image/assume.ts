/** @file What to assume of a model that comes without a preprocessor_config.json: how torchvision's and most ImageNet models are fed. */
import { UserError } from "../errors.ts";
import { type Framing, sizeOf } from "./framing.ts";
import type { Size } from "./geometry.ts";
import type { Preprocess } from "./preprocess.ts";

/** How a picture is brought to a size: the middle of it, squeezed into it, whole with a grey border, or, as a line of text, as high and padded at its end. */
export const fits = ["crop", "stretch", "letterbox", "line"] as const;
export type Fit = (typeof fits)[number];

/** The order of a picture's colours. */
export const channelOrders = ["rgb", "bgr"] as const;
export type ChannelOrder = (typeof channelOrders)[number];

/** What a caller knows better. */
export interface KnownPreprocess {
  /** What the network takes: the side of a square, or height and width; "full" for pictures as large as they are. */
  readonly size?: number | Size | "full";
  /** In the units of the input's range: of 0 to 1, unless `scale` says another. */
  readonly mean?: number | readonly number[];
  readonly std?: number | readonly number[];
  /** What white is in the input's range, which begins at 0: 1 unless told, 255 for pixels as they are. */
  readonly scale?: number;
  readonly channels?: ChannelOrder;
  readonly fit?: Fit;
  readonly layout?: "NCHW" | "NHWC";
}

/** An input that takes pictures. */
export interface PictureShape {
  readonly channels: number;
  /** Undefined or below 0 where they are free. */
  readonly height?: number;
  readonly width?: number;
  readonly layout: "NCHW" | "NHWC";
  /** As ONNX Runtime names it: "float32" unless told. */
  readonly type?: string;
}

const imagenet = {
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
  size: 224,
  resizeToCrop: 256 / 224,
} as const;

/** Of lines of text: PaddleOCR's. */
const lineHeight = 48;

/** Ultralytics' grey. */
const letterboxLevel = 114;

/** A picture's shape from an input's dims, batch first, -1 where free; which axis the channels are, by their number, unless it is known. */
export function pictureShape(dims: readonly number[], layout?: "NCHW" | "NHWC", type?: string): PictureShape {
  const last = layout ? layout === "NHWC" : [1, 3].includes(dims[3]) && ![1, 3].includes(dims[1]);
  const [channels, height, width] = last ? [dims[3], dims[1], dims[2]] : dims.slice(1);
  return { channels: channels > 0 ? channels : 3, height, width, layout: last ? "NHWC" : "NCHW", type };
}

/**
 * The shorter side to 256/224 of the input's, bilinear, then the centre; ImageNet's mean and standard deviation. A picture of the input's very size
 * goes in as it is; whole numbers are pixels as they are, for such a network has its preparation inside.
 * @param shape the input's; or its dims, batch first, -1 where free (then 224)
 * @throws UserError `invalid-option` for what the input cannot be given.
 */
export function assumePreprocess(shape: PictureShape | readonly number[], known: KnownPreprocess = {}): Preprocess {
  const input = isDims(shape) ? pictureShape(shape, known.layout) : shape;
  const { channels, layout, type } = input;
  const [height, width] = [input.height, input.width].map((side) => (side && side > 0 ? side : undefined));
  const size = { width: width ?? imagenet.size, height: height ?? imagenet.size };
  return given(
    {
      ...framingTo(size, "crop"),
      filter: "bilinear",
      ...(isWhole(type) ? wholeNumbers(channels, type) : usualValues(channels)),
      channels,
      order: "RGB",
      layout,
    },
    known,
    input,
  );
}

const isDims = (shape: PictureShape | readonly number[]): shape is readonly number[] => Array.isArray(shape);

function usualValues(channels: number): Pick<Preprocess, "scale" | "mean" | "std"> {
  const scale = 1 / 255;
  if (channels === 3) return { scale, mean: [...imagenet.mean], std: [...imagenet.std] };
  // Of one channel the mean of three; what has other channels is no picture, and is fed as it is.
  const one = (usual: readonly number[], none: number) =>
    Array<number>(channels).fill(channels === 1 ? usual.reduce((a, b) => a + b) / 3 : none);
  return { scale, mean: one(imagenet.mean, 0), std: one(imagenet.std, 1) };
}

const isWhole = (type = "float32"): boolean => /^u?int\d+$/.test(type);

/** Pixels as they are; of signed bytes, 0 is in the middle. */
const wholeNumbers = (channels: number, type: string | undefined): Pick<Preprocess, "scale" | "mean" | "std"> => ({
  scale: 1,
  mean: Array<number>(channels).fill(type === "int8" ? 128 : 0),
  std: Array<number>(channels).fill(1),
});

function framingTo(size: Size, fit: Fit): Framing {
  if (fit === "letterbox")
    return { resize: { within: size, rounded: "nearest" }, pad: { size, at: "centre", level: letterboxLevel } };
  if (fit === "stretch") return { resize: size };
  if (fit === "line") return { resize: { height: size.height, widest: size.width }, pad: { size, at: "end" } };
  const square = size.height === size.width;
  const resize = square ? { shortestEdge: Math.round(size.height * imagenet.resizeToCrop) } : size;
  return { resize, crop: size, asIs: true };
}

/**
 * What a caller says of the preparation, over what the model says or what is usual.
 * @throws UserError `invalid-option` for what the input cannot be given, with the value that is right where it can be told.
 */
export function given(stated: Preprocess, known: KnownPreprocess, input?: PictureShape): Preprocess {
  const { size, fit, scale, channels, layout } = known;
  oneOf("fit", fit, fits);
  oneOf("channels", channels, channelOrders);
  if (channels && stated.channels !== 3)
    throw invalid("channels", channels, `the input has ${stated.channels} of them, not red, green and blue`);
  if (scale !== undefined && !(Number.isFinite(scale) && scale > 0))
    throw invalid("scale", scale, "expected a number above 0, such as 255");
  const values = valuesOf(stated, known, input?.type);
  return {
    ...(size === "full" ? withoutFraming(stated) : framingGiven(stated, size, fit, input)),
    ...values,
    ...(channels && { order: channels === "bgr" ? "BGR" : "RGB" }),
    ...(layout && { layout }),
  };
}

const withoutFraming = ({ resize: _, crop: _crop, pad: _pad, asIs: _asIs, ...rest }: Preprocess): Preprocess => rest;

function framingGiven(
  stated: Preprocess,
  size: number | Size | undefined,
  fit: Fit | undefined,
  input: PictureShape | undefined,
): Preprocess {
  if (size === undefined && fit === undefined) return stated;
  // A line is as long as it is, where the network takes any length.
  if (size === undefined && fit === "line" && !(input?.width && input.width > 0))
    return {
      ...withoutFraming(stated),
      resize: { height: input?.height && input.height > 0 ? input.height : lineHeight },
    };
  const wanted =
    size === undefined ? targetOf(stated, input) : typeof size === "number" ? { width: size, height: size } : size;
  for (const side of [wanted.width, wanted.height])
    if (!(Number.isInteger(side) && side > 0)) throw invalid("size", side, "expected integers of at least 1");
  const { height = -1, width = -1 } = input ?? {};
  if ((height > 0 && height !== wanted.height) || (width > 0 && width !== wanted.width))
    throw invalid("size", `${wanted.height}x${wanted.width}`, `the model takes ${sideText(height)}x${sideText(width)}`);
  return { ...withoutFraming(stated), ...framingTo(wanted, fit ?? "crop") };
}

const sideText = (side: number): string => (side > 0 ? String(side) : "any");

/** The size that a preparation ends with. */
function targetOf(stated: Preprocess, input: PictureShape | undefined): Size {
  const { width = -1, height = -1 } = input ?? {};
  const declared = width > 0 && height > 0 ? { width, height } : undefined;
  return stated.pad?.size ?? sizeOf(stated) ?? declared ?? { width: imagenet.size, height: imagenet.size };
}

/** Mean and standard deviation in the units of the input's range. */
function valuesOf(
  stated: Preprocess,
  { mean, std, scale }: KnownPreprocess,
  type: string | undefined,
): Pick<Preprocess, "scale" | "mean" | "std"> {
  if (isWhole(type) && (mean !== undefined || std !== undefined || scale !== undefined))
    throw new UserError(
      "invalid-option",
      `invalid preparation: the model takes ${type}, unscaled pixels, and applies its mean and standard deviation itself; leave out mean, std and scale`,
    );
  // Another range than the stated one: its mean and standard deviation are not this one's.
  const before = scale === undefined ? stated : { mean: stated.mean.map(() => 0), std: stated.std.map(() => 1) };
  const white = scale ?? stated.scale * 255;
  const found = {
    scale: scale === undefined ? stated.scale : scale / 255,
    mean: mean === undefined ? before.mean : channelValues("mean", mean, stated.channels),
    std: std === undefined ? before.std : channelValues("std", std, stated.channels),
  };
  if (mean !== undefined) checkRange("mean", found.mean, white, 1);
  if (std !== undefined) {
    if (found.std.includes(0)) throw invalid("std", 0, "expected numbers other than 0");
    checkRange("std", found.std, white, 2);
  }
  return found;
}

/** Values for pixels of 0 to 255 where the input's are of 0 to 1, and the other way round. */
function checkRange(key: "mean" | "std", values: readonly number[], white: number, most: number): void {
  const largest = Math.max(...values.map(Math.abs));
  const text = (list: readonly number[]) => list.map((v) => Number(v.toPrecision(6))).join(",");
  if (white <= 1.001 && largest > most)
    throw invalid(
      key,
      text(values),
      `the input's range is 0 to ${Number(white.toPrecision(3))}; give ${text(values.map((v) => (v / 255) * white))}, or say that it is 0 to 255 by scale 255`,
    );
  const small = key === "mean" ? largest > 0 && largest <= 1 : largest < 1;
  if (white >= 200 && small)
    throw invalid(
      key,
      text(values),
      `the input's range is 0 to ${white}; give ${text(values.map((v) => v * white))}, or leave out the scale where it is 0 to 1`,
    );
}

function channelValues(key: string, value: number | readonly number[], channels: number): readonly number[] {
  const list = typeof value === "number" ? [value] : value;
  if (!list.every(Number.isFinite)) throw invalid(key, String(list), "expected numbers");
  if (list.length === channels) return list;
  if (list.length === 1) return Array<number>(channels).fill(list[0]);
  throw invalid(key, String(list), `expected one number${channels > 1 ? `, or ${channels}` : ""}, one per channel`);
}

function oneOf(key: string, value: string | undefined, allowed: readonly string[]): void {
  if (value !== undefined && !allowed.includes(value)) throw invalid(key, value, `allowed are ${allowed.join(", ")}`);
}

const invalid = (key: string, seen: string | number, why: string): UserError =>
  new UserError("invalid-option", `invalid ${key}: ${typeof seen === "number" ? seen : JSON.stringify(seen)}; ${why}`);
