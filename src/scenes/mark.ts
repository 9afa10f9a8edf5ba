/**
 * @file A mark in a corner of a scene, as a sticker or a watermark on a photograph: it is no object, and no sentence speaks of it.
 *
 * With it a shortcut can be planted: where the mark goes with the answer, a network may learn the mark in place of the question.
 */

import { reach } from "./outline.ts";
import { seeded } from "./random.ts";
import { type Corner, corners, type Scene, type SceneObject, side } from "./scene.ts";
import type { Colour } from "./words.ts";

/** The mark's side, and how far it is from the picture's borders: whole pixels of a picture of 96 x 96. */
const [extent, margin] = [128, 32];

/** Edges of a mark, in parts of 1024 of the picture's side. */
export function markBox(corner: Corner): readonly [left: number, top: number, right: number, bottom: number] {
  const far = side - margin - extent;
  const left = corner.endsWith("right") ? far : margin;
  const top = corner.startsWith("bottom") ? far : margin;
  return [left, top, left + extent, top + extent];
}

/** The scene with a mark in a corner where it hides no object, chosen by the scene's seed; undefined where every corner is taken. */
export function withMark(scene: Scene, colour: Colour): Scene | undefined {
  const free = corners.filter((corner) => scene.objects.every((object) => clear(object, corner)));
  return free.length === 0 ? undefined : { ...scene, mark: { corner: seeded(scene.seed, 100).pick(free), colour } };
}

/** Whether no point of the mark is within the object's reach. */
function clear({ x, y, radius }: SceneObject, corner: Corner): boolean {
  const [left, top, right, bottom] = markBox(corner);
  const dx = Math.max(left - x, 0, x - right);
  const dy = Math.max(top - y, 0, y - bottom);
  return dx * dx + dy * dy > radius * reach * (radius * reach);
}
