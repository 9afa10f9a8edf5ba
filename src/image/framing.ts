/**
 * @file How large a picture becomes and where it lies in a network's input: resizing by an edge, within a frame or to a multiple, as
 * torchvision, the image processors of transformers and Ultralytics' letterbox reckon it; then the crop, then the padding.
 */
import { UserError } from "../errors.ts";
import type { Size } from "./geometry.ts";

/** What a picture is resized to. */
export type Resize =
  /** Both sides, whatever the aspect. */
  | Size
  /** The shorter side (the longer one follows, rounded down), unless the longer one would be above `longestEdge`, which then counts. */
  | { readonly shortestEdge: number; readonly longestEdge?: number }
  /** The height; the width follows, rounded up, and is the widest allowed at most. */
  | { readonly height: number; readonly widest?: number }
  /** The longer side; the shorter one follows, rounded. */
  | { readonly longestEdge: number }
  /** As large as fits into a frame; the other side is rounded down, or to the nearest. */
  | { readonly within: Size; readonly rounded?: "down" | "nearest" }
  /** To that of the two sides which changes the picture less, both rounded to multiples. */
  | { readonly nearly: Size; readonly multipleOf: number };

/** What is put around a picture, after resizing and cropping. */
export interface Padding {
  /** To this size; absent: the size that the network takes, where that is fixed. */
  readonly size?: Size;
  /** To the next multiple of this. */
  readonly divisor?: number;
  /** Where the padding lies: around the picture, or right and below it. */
  readonly at: "centre" | "end";
  /** Pixels of this value, 0 to 255; absent: zeros in the network's input, whatever the mean. */
  readonly level?: number;
}

/** How a picture is framed. */
export interface Framing {
  readonly resize?: Resize;
  /** The part in the centre that is kept after resizing, padded with zero pixels if it is larger than the picture. */
  readonly crop?: Size;
  readonly pad?: Padding;
  /** A picture of the crop's very size is neither resized nor cropped. */
  readonly asIs?: boolean;
}

/** The size that a picture has before it is padded, where the framing says it: that of the crop, or both sides. */
export const sizeOf = ({ crop, resize }: Framing): Size | undefined =>
  crop ?? (resize && "width" in resize ? resize : undefined);

/** Of `have` pixels, `length` from `from` on are kept, and go to `to`. */
export interface Span {
  readonly from: number;
  readonly to: number;
  readonly length: number;
}

/** Where a picture goes. */
export interface Framed {
  readonly resized: Size;
  /** What is kept of the resized picture, and where it lies in the input. */
  readonly across: Span;
  readonly down: Span;
  /** Where the crop lies in the input, its own padding included. */
  readonly cropped: { readonly left: number; readonly top: number } & Size;
  readonly input: Size;
}

/** @throws UserError `invalid-input` where the picture is larger than what it is to be padded to. */
export function framed(picture: Size, { resize, crop, pad, asIs }: Framing): Framed {
  const whole = asIs && crop && picture.width === crop.width && picture.height === crop.height;
  const resized = whole ? { width: picture.width, height: picture.height } : resizedSize(picture, resize);
  const kept = crop ?? resized;
  const input = padded(kept, pad);
  const before = (have: number, want: number) => (pad?.at === "centre" ? Math.floor((want - have) / 2) : 0);
  const [left, top] = [before(kept.width, input.width), before(kept.height, input.height)];
  return {
    resized,
    across: shifted(centre(resized.width, kept.width), left),
    down: shifted(centre(resized.height, kept.height), top),
    cropped: { left, top, ...kept },
    input,
  };
}

function padded(size: Size, pad: Padding | undefined): Size {
  const upTo = (length: number, divisor: number) => Math.ceil(length / divisor) * divisor;
  const wanted = pad?.size ?? size;
  if (wanted.width < size.width || wanted.height < size.height)
    throw new UserError(
      "invalid-input",
      `invalid preparation: the picture becomes ${size.width} x ${size.height}, which cannot be padded to ${wanted.width} x ${wanted.height}`,
    );
  const { divisor = 1 } = pad ?? {};
  return { width: upTo(wanted.width, divisor), height: upTo(wanted.height, divisor) };
}

const shifted = (span: Span, by: number): Span => ({ ...span, to: span.to + by });

function resizedSize(picture: Size, resize: Resize | undefined): Size {
  const { width, height } = picture;
  if (resize === undefined) return { width, height };
  if ("width" in resize) return resize;
  if ("within" in resize)
    return within(picture, resize.within, resize.rounded === "nearest" ? roundHalfToEven : Math.trunc);
  if ("height" in resize) {
    const { height: tall, widest = Number.POSITIVE_INFINITY } = resize;
    return atLeastOne({ width: Math.min(widest, Math.ceil((tall * width) / height)), height: tall });
  }
  if ("nearly" in resize) return nearly(picture, resize.nearly, resize.multipleOf);
  if (!("shortestEdge" in resize)) {
    const scale = resize.longestEdge / Math.max(width, height);
    return atLeastOne({ width: Math.trunc(width * scale + 0.5), height: Math.trunc(height * scale + 0.5) });
  }
  return byEdges(picture, resize.shortestEdge, resize.longestEdge);
}

/** transformers' `get_size_with_aspect_ratio`: the side that follows is reckoned from the edge before it is rounded. */
function byEdges({ width, height }: Size, shortestEdge: number, longestEdge = Number.POSITIVE_INFINITY): Size {
  const [short, long] = [Math.min(width, height), Math.max(width, height)];
  const bounded = (long / short) * shortestEdge > longestEdge;
  const exact = bounded ? (longestEdge * short) / long : shortestEdge;
  const edge = roundHalfToEven(exact);
  if (edge === short && bounded) return { width, height };
  const other = Math.trunc((exact * long) / short);
  return atLeastOne(width <= height ? { width: edge, height: other } : { width: other, height: edge });
}

function within({ width, height }: Size, frame: Size, round: (x: number) => number): Size {
  const scale = Math.min(frame.width / width, frame.height / height);
  return atLeastOne({ width: round(width * scale), height: round(height * scale) });
}

/** DPT's: whichever side has to change less gives the scale of both. */
function nearly({ width, height }: Size, wanted: Size, multiple: number): Size {
  const [across, down] = [wanted.width / width, wanted.height / height];
  const scale = Math.abs(1 - across) < Math.abs(1 - down) ? across : down;
  const to = (length: number) => roundHalfToEven((scale * length) / multiple) * multiple || multiple;
  return { width: to(width), height: to(height) };
}

const atLeastOne = ({ width, height }: Size): Size => ({ width: Math.max(1, width), height: Math.max(1, height) });

/** torchvision's `center_crop`: the offset rounds half to even when cropping, and down when padding. */
function centre(have: number, want: number): Span {
  if (have < want) return { from: 0, to: Math.floor((want - have) / 2), length: have };
  return { from: roundHalfToEven((have - want) / 2), to: 0, length: want };
}

/** Python's `round`. */
export function roundHalfToEven(x: number): number {
  const nearest = Math.round(x);
  return nearest - x === 0.5 && nearest % 2 === 1 ? nearest - 1 : nearest;
}
