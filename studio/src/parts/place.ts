/** @file Places on the picture, in shares of its sides: by the pointer, and in steps of the arrow keys. */

/** How far each arrow key goes, across and down. */
export const arrows = (step: number): Readonly<Record<string, readonly [number, number]>> => ({
  ArrowLeft: [-step, 0],
  ArrowRight: [step, 0],
  ArrowUp: [0, -step],
  ArrowDown: [0, step],
});

export const inside = (v: number): number => Math.min(1, Math.max(0, v));

/** Where a pointer is on the element that listens; beyond it, below 0 or above 1. */
export function placeOf(event: PointerEvent): { x: number; y: number } {
  const { left, top, width, height } = (event.currentTarget as HTMLElement).getBoundingClientRect();
  return { x: (event.clientX - left) / width, y: (event.clientY - top) / height };
}
