/** @file Pictures on which something is drawn before they are saved: strokes of the brush, the box that is shown. */
import { UserError } from "gradcam";
import { type Box, fromImageData, type Picture, toImageData } from "gradcam/web";

type Draw = (context: OffscreenCanvasRenderingContext2D) => void;

/** A picture on which something is drawn. */
export function redrawn(picture: Picture, draw: Draw): Picture {
  const { width, height } = picture;
  const context = sheet(width, height);
  context.putImageData(toImageData(picture), 0, 0);
  draw(context);
  return fromImageData(context.getImageData(0, 0, width, height));
}

/** The same for a file, as PNG. */
export async function redrawnPng(file: Uint8Array, draw: Draw): Promise<Uint8Array> {
  const bitmap = await createImageBitmap(new Blob([file as BlobPart]));
  const context = sheet(bitmap.width, bitmap.height);
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  draw(context);
  const made = await context.canvas.convertToBlob({ type: "image/png" });
  return new Uint8Array(await made.arrayBuffer());
}

function sheet(width: number, height: number): OffscreenCanvasRenderingContext2D {
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  if (!context) throw new UserError("too-large", `too large image: no canvas of ${width} x ${height} pixels`);
  return context;
}

/** The box as the stage shows it: white within a dark line, inside its edges. */
export const boxed =
  ([x0, y0, x1, y1]: Box): Draw =>
  (context) => {
    const { width, height } = context.canvas;
    const line = Math.max(1, Math.round(Math.max(width, height) / 300));
    for (const [colour, thick] of [
      ["rgb(0 0 0 / 0.65)", 2 * line],
      ["#fff", line],
    ] as const) {
      context.strokeStyle = colour;
      context.lineWidth = thick;
      context.strokeRect(x0 + line, y0 + line, Math.max(1, x1 - x0 - 2 * line), Math.max(1, y1 - y0 - 2 * line));
    }
  };
