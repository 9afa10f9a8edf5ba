/** @file A picture as a page can show it, before any network has seen it: of a stage's size, and in a format that browsers read. */
import { encodePng, type Picture, toImageData } from "gradcam/web";
import type { Developed } from "./contract.ts";

/** The longest side of what lies on the stage; the network sees the picture itself. */
const stagePixels = 1800;

/** TIFF, which this package reads where browsers do not. */
const foreign = /^(?:II|MM\0)\*/;

/** @param picture what the file holds */
export async function develop(file: Blob, picture: Picture): Promise<Developed> {
  const { width, height } = picture;
  const ratio = stagePixels / Math.max(width, height);
  const smaller: ImageBitmapOptions = {
    resizeWidth: Math.max(1, Math.round(width * ratio)),
    resizeHeight: Math.max(1, Math.round(height * ratio)),
    resizeQuality: "high",
  };
  const bitmap = await createImageBitmap(toImageData(picture), ratio < 1 ? smaller : {});
  const shown = foreign.test(await file.slice(0, 4).text())
    ? new Blob([(await encodePng(picture)) as BlobPart], { type: "image/png" })
    : file;
  return { file: shown, bitmap, width, height };
}
