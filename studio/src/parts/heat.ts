/** @file Answers as pixels: what lies over the picture on the stage. */
import { type ColormapName, colormap, guidedImage, normalise, opacityAt, toImageData } from "gradcam/web";
import { smooth } from "../engine/box.ts";
import type { Answer, Numbers } from "../engine/contract.ts";

/** The signed image of a method at the pixels, or the map's colours with as much of them as its values. */
export function layerOf({ map, pixels }: Answer, colours: ColormapName, opacity: number): ImageData {
  if (pixels?.dims[0] === 3) return toImageData(guidedImage(pixels.data, pixels.dims[2], pixels.dims[1]));
  return tinted(smooth(map), colours, (value) => opacityAt(value, opacity));
}

/** A map on its own grid, in colours without a picture. */
export function thumbnail({ data, dims: [height, width] }: Numbers, colours: ColormapName): ImageData {
  return tinted(normalise({ width, height, data }), colours, () => 1);
}

/** Made once each: the strip of all layers is drawn in one go. */
const tables = new Map<ColormapName, Uint8Array>();

function tinted(
  { width, height, data }: { width: number; height: number; data: Float32Array },
  name: ColormapName,
  alpha: (value: number) => number,
): ImageData {
  const table = tables.get(name) ?? colormap(name);
  tables.set(name, table);
  const alphas = Uint8Array.from({ length: 256 }, (_, i) => Math.round(255 * alpha(i / 255)));
  const out = new ImageData(width, height);
  for (let i = 0, at = 0; i < data.length; i++, at += 4) {
    const step = (data[i] * 255 + 0.5) | 0;
    out.data[at] = table[step * 3];
    out.data[at + 1] = table[step * 3 + 1];
    out.data[at + 2] = table[step * 3 + 2];
    out.data[at + 3] = alphas[step];
  }
  return out;
}

/** Puts pixels on a canvas of their size. */
export function draw(canvas: HTMLCanvasElement | null, pixels: ImageData): void {
  if (!canvas) return;
  if (canvas.width !== pixels.width || canvas.height !== pixels.height) {
    canvas.width = pixels.width;
    canvas.height = pixels.height;
  }
  canvas.getContext("2d")?.putImageData(pixels, 0, 0);
}
