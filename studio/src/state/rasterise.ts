/** @file Figures as PNG: the library draws them as SVG, and only a page, no worker, can make pixels of that. */
import type { Exported } from "../engine/contract.ts";

/** Pixels to a unit of the drawing, as `gradcam explain` has them. */
const scale = 2;

export async function toPng({ name, bytes }: Exported): Promise<Exported> {
  const type = "image/png";
  const image = new Image();
  image.src = URL.createObjectURL(new Blob([bytes as BlobPart], { type: "image/svg+xml" }));
  try {
    await image.decode();
    const size = { resizeWidth: image.naturalWidth * scale, resizeHeight: image.naturalHeight * scale };
    const bitmap = await createImageBitmap(image, size);
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
    canvas.getContext("bitmaprenderer")?.transferFromImageBitmap(bitmap);
    const file = await canvas.convertToBlob({ type });
    return { name: name.replace(/svg$/, "png"), type, bytes: new Uint8Array(await file.arrayBuffer()) };
  } finally {
    URL.revokeObjectURL(image.src);
  }
}
