/** @file How far two maps of one picture are alike: in the order of their values, and in where they peak. */
import { peak, rankCorrelation, upsample } from "gradcam/web";
import type { Likeness, Numbers } from "./contract.ts";

/** @param map on a grid at least as fine as that of `asked` */
export function likenessOf(asked: Numbers, map: Numbers): Likeness {
  const [[h, w], [height, width]] = [asked.dims, map.dims];
  const [a, b] = [peakOf(asked), peakOf(map)];
  const onGrid = h === height && w === width ? asked.data : upsample(asked.data, [h, w], [height, width]);
  return {
    correlation: rankCorrelation(onGrid, map.data),
    apart: Math.max(Math.abs(a.x - b.x) * Math.min(w, width), Math.abs(a.y - b.y) * Math.min(h, height)),
  };
}

/** In shares of the map's sides. */
function peakOf({ data, dims: [height, width] }: Numbers): { readonly x: number; readonly y: number } {
  const { x, y } = peak({ width, height, data }) ?? { x: Number.NaN, y: Number.NaN };
  return { x: (x + 0.5) / width, y: (y + 0.5) / height };
}
