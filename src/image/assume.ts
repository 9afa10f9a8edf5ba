/** @file What to assume of a model that comes without a preprocessor_config.json: how torchvision's and most ImageNet models are fed. */
import type { Preprocess } from "./preprocess.ts";

/** What a caller knows better. */
export interface KnownPreprocess {
  /** The side of the square that the network takes; "full" for pictures as large as they are. */
  readonly size?: number | "full";
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
  readonly layout?: "NCHW" | "NHWC";
}

const imagenet = {
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
  size: 224,
  resizeToCrop: 256 / 224,
} as const;

/**
 * The shorter side to 256/224 of the input's, bilinear, then the centre; ImageNet's mean and deviation.
 * @param dims of the model's input, batch first; -1 where free (then 224).
 */
export function assumePreprocess(dims: readonly number[], known: KnownPreprocess = {}): Preprocess {
  const last = [1, 3].includes(dims[3]) && ![1, 3].includes(dims[1]);
  const layout = known.layout ?? (last ? "NHWC" : "NCHW");
  const channels = (layout === "NHWC" ? dims[3] : dims[1]) === 1 ? 1 : 3;
  const [h, w] = layout === "NHWC" ? [dims[1], dims[2]] : [dims[2], dims[3]];
  const { size } = known;
  const side = (declared: number) => (typeof size === "number" ? size : declared > 0 ? declared : imagenet.size);
  const crop = { height: side(h), width: side(w) };
  const resize =
    crop.height === crop.width ? { shortestEdge: Math.round(crop.height * imagenet.resizeToCrop) } : { ...crop };
  const values = (given: readonly number[] | undefined, usual: readonly number[]) => {
    const list = given ?? (channels === 1 ? [usual.reduce((a, b) => a + b) / 3] : usual);
    return list.length === 1 ? Array<number>(channels).fill(list[0]) : [...list];
  };
  return {
    ...(size !== "full" && { resize, crop }),
    filter: "bilinear",
    scale: 1 / 255,
    mean: values(known.mean, imagenet.mean),
    std: values(known.std, imagenet.std),
    channels,
    order: "RGB",
    layout,
  };
}
