/**
 * @file A scene: two to four objects before clutter, drawn by a seed.
 *
 * Lengths are in parts of 1024 of the picture's side, so that one scene can be painted at any size.
 */

import { type Random, seeded } from "./random.ts";
import { type Colour, colours, type Shape, type Size, shapes, sizes, type Texture, textures } from "./words.ts";

/** The side of a scene in its own unit of length. */
export const side = 1024;

/** One object; `x`, `y` (its centre) and `radius` in parts of 1024 of the picture's side, y downwards. */
export interface SceneObject {
  readonly shape: Shape;
  readonly colour: Colour;
  readonly size: Size;
  readonly texture: Texture;
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  /** Which of the painter's tilts. */
  readonly tilt: number;
}

export const corners = ["top left", "top right", "bottom left", "bottom right"] as const;
export type Corner = (typeof corners)[number];

/** A square of one plain colour in a corner. */
export interface Mark {
  readonly corner: Corner;
  readonly colour: Colour;
}

/** Objects from back to front: a later one hides what it lies over. */
export interface Scene {
  readonly seed: number;
  readonly objects: readonly SceneObject[];
  /** In front of everything; scenes have none until one is put there. */
  readonly mark?: Mark;
}

/** How many tilts {@link SceneObject.tilt} chooses from. */
export const tilts = 5;
/** The least and the greatest radius of each size. */
export const radii: Readonly<Record<Size, readonly [number, number]>> = { small: [98, 116], big: [168, 196] };
/** Centres of two objects are at least this part of the sum of their radii apart: they may overlap, and both stay visible. */
const closest = 0.76;
const border = 16;

/**
 * The scene of a seed: the same in every engine.
 *
 * The models under `models/` never saw the scenes of seeds below 1,000,000 in training.
 */
export function makeScene(seed: number): Scene {
  const random = seeded(seed);
  const count = random.integer(2, 4);
  for (;;) {
    const objects: SceneObject[] = [];
    // Where no place is left, the whole arrangement is drawn again.
    for (let tries = 0; objects.length < count && tries < 60; tries++) {
      const object = draw(random, objects);
      if (objects.every((other) => apart(object, other))) objects.push(object);
    }
    if (objects.length === count) return { seed, objects };
  }
}

/** The scene with one more object in a free place, before the others; undefined where chance finds none. */
export function withOneMore(scene: Scene): Scene | undefined {
  const { seed, objects } = scene;
  const random = seeded(seed, 4 + objects.length);
  for (let tries = 0; tries < 400; tries++) {
    const object = draw(random, objects);
    if (objects.every((other) => apart(object, other))) return { ...scene, objects: [...objects, object] };
  }
  return undefined;
}

/** A random object; it often shares its colour or its shape with one that is there, as questions need some to choose from. */
function draw(random: Random, others: readonly SceneObject[]): SceneObject {
  const like = others.length > 0 ? random.pick(others) : undefined;
  const size = random.pick(sizes);
  const radius = random.integer(...radii[size]);
  const place = () => random.integer(radius + border, side - radius - border);
  return {
    shape: like && random.chance(25) ? like.shape : random.pick(shapes),
    colour: like && random.chance(25) ? like.colour : random.pick(colours),
    size,
    texture: random.pick(textures),
    x: place(),
    y: place(),
    radius,
    tilt: random.integer(0, tilts - 1),
  };
}

function apart(a: SceneObject, b: SceneObject): boolean {
  const [dx, dy, least] = [a.x - b.x, a.y - b.y, closest * (a.radius + b.radius)];
  return dx * dx + dy * dy >= least * least;
}
