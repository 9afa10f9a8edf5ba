/** @file A canvas that is drawn anew when what it shows has changed. */
import { useEffect, useRef } from "preact/hooks";

interface Props {
  readonly class?: string;
  /** What a screen reader says; without it the canvas is decoration. */
  readonly label?: string;
  readonly draw: (canvas: HTMLCanvasElement) => void;
  /** Drawn again when one of these changes. */
  readonly on: readonly unknown[];
}

export function Canvas({ class: name, label, draw, on }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (canvas.current) draw(canvas.current);
  }, on);
  return label ? (
    <canvas ref={canvas} class={name} role="img" aria-label={label} />
  ) : (
    <canvas ref={canvas} class={name} />
  );
}

/** A bitmap at its own size. */
export const drawBitmap = (bitmap: ImageBitmap) => (canvas: HTMLCanvasElement) => {
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  canvas.getContext("2d")?.drawImage(bitmap, 0, 0);
};
