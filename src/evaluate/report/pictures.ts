/** @file Pictures in a page, small and as part of it: with a map over them, and what is said of them below. */

import { quantile } from "../../array/statistics.ts";
import type { Picture, PixelMap } from "../../image/picture.ts";
import { thumbnail } from "../../image/sharp.ts";
import { type Html, html } from "../../render/html.ts";
import { overlay } from "../../render/overlay.ts";

/** Pixels of a picture's longer side. */
const side = 260;

export async function figure(picture: Picture, caption: Html): Promise<Html> {
  const uri = `data:image/jpeg;base64,${Buffer.from(await thumbnail(picture, side)).toString("base64")}`;
  return html`<figure><span class="picture"><img alt="" src="${uri}"></span><figcaption>${caption}</figcaption></figure>`;
}

/** The picture under a map; alone where the map is blank. */
export const under = (picture: Picture, map: PixelMap): Picture =>
  map.data.some((v) => v > 0) ? overlay(picture, calmed(map)) : picture;

/** A few extreme pixels must not decide how bright the rest is drawn: cut at the 99.5th percentile of what is above 0. */
function calmed({ data, ...size }: PixelMap): PixelMap {
  const most = quantile(data.filter((v) => v > 0).sort(), 0.995);
  return { ...size, data: data.map((v) => Math.min(v, most)) };
}
