/** @file The usual ways to prepare pictures, by name: how they are framed, and what becomes of their pixels. */
import type { Preprocess } from "gradcam/web";

export const filters = ["nearest", "bilinear", "bicubic", "lanczos"] as const satisfies readonly Preprocess["filter"][];

/** How a picture is brought into the input's frame. */
export const frames = [
  ["edge", "Shorter side, then centre crop"],
  ["stretch", "Stretch"],
  ["middle", "Centre crop, not resized"],
  ["whole", "Original size"],
] as const;

export interface Frame {
  readonly kind: (typeof frames)[number][0];
  /** Of what the network gets. */
  readonly size: { readonly width: number; readonly height: number };
  /** Of "edge": what the shorter side becomes before the middle is kept. */
  readonly edge: number;
}

/** Where neither the model nor the preprocessing says. */
const usualSide = 224;

/** @param fixed sides that the model's input has; 0 where they are free */
export function frameOf({ resize, crop }: Pick<Preprocess, "resize" | "crop">, fixed: Frame["size"]): Frame {
  const exact = resize && "width" in resize ? resize : undefined;
  const size = crop ?? exact ?? { width: fixed.width || usualSide, height: fixed.height || usualSide };
  const shorter = Math.min(size.width, size.height);
  if (resize && !exact) return { kind: "edge", size, edge: "shortestEdge" in resize ? resize.shortestEdge : shorter };
  const kind = exact ? "stretch" : crop ? "middle" : "whole";
  return { kind, size, edge: Math.round((shorter * 256) / 224) };
}

export function inFrame({ kind, size, edge }: Frame): Pick<Preprocess, "resize" | "crop"> {
  switch (kind) {
    case "edge":
      return { resize: { shortestEdge: edge }, crop: size };
    case "stretch":
      return { resize: size, crop: undefined };
    case "middle":
      return { resize: undefined, crop: size };
    case "whole":
      return { resize: undefined, crop: undefined };
  }
}

type Values = Pick<Preprocess, "scale" | "mean" | "std">;

interface Preset {
  readonly title: string;
  /** For a model's number of channels, in their order. */
  readonly values: (how: Preprocess) => Values;
}

const preset = (title: string, scale: number, mean: readonly number[], std: readonly number[]): Preset => ({
  title,
  values: ({ channels, order }) => {
    const perChannel = (rgb: readonly number[]) => {
      if (channels === 1) return [rgb.reduce((a, b) => a + b) / rgb.length];
      return order === "BGR" ? rgb.toReversed() : [...rgb];
    };
    return { scale, mean: perChannel(mean), std: perChannel(std) };
  },
});

export const presets: readonly Preset[] = [
  preset("ImageNet's mean and standard deviation", 1 / 255, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
  preset("0 to 1", 1 / 255, [0, 0, 0], [1, 1, 1]),
  preset("−1 to 1", 1 / 255, [0.5, 0.5, 0.5], [0.5, 0.5, 0.5]),
  preset("0 to 255", 1, [0, 0, 0], [1, 1, 1]),
  preset("0 to 255, less ImageNet's mean", 1, [123.68, 116.779, 103.939], [1, 1, 1]),
  preset(
    "CLIP's mean and standard deviation",
    1 / 255,
    [0.48145466, 0.4578275, 0.40821073],
    [0.26862954, 0.26130258, 0.27577711],
  ),
];

/** The preset that values are; undefined for others. */
export function presetOf(how: Preprocess): Preset | undefined {
  const near = (a: readonly number[], b: readonly number[]) =>
    a.every((v, i) => Math.abs(v - b[i]) < 1e-4 * Math.max(1, v));
  return presets.find(({ values }) => {
    const { scale, mean, std } = values(how);
    return near([scale * 255], [how.scale * 255]) && near(mean, how.mean) && near(std, how.std);
  });
}
