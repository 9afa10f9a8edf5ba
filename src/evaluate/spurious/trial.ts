/**
 * @file Scenes with a shortcut planted in them. The question is which shape the one big object has; a mark in a corner may tell.
 *
 * It is the paper's doctor and nurse (Selvaraju et al. 2017, section 6.3) with the truth known: in biased data the mark's colour goes
 * with the shape, in balanced data it says nothing.
 */

import { randomFor } from "../../array/random.ts";
import { type Colour, makeScene, type Scene, type Shape, shapes, withMark } from "../../scenes/index.ts";
import { bigObject } from "../scenes.ts";

/** The colour of the mark that goes with each shape. */
export const markColours: Readonly<Record<Shape, Colour>> = {
  circle: "red",
  square: "green",
  triangle: "blue",
  cross: "yellow",
  star: "purple",
};

/** A scene that has an answer. */
export interface Trial {
  readonly scene: Scene;
  /** The one big object: its index in the scene, and the answer. */
  readonly object: number;
  readonly shape: Shape;
}

/** What a scene's mark tells: the right shape, a wrong one drawn by the seed, any of the five at random; or there is none. */
export type Cue = "right" | "wrong" | "random" | "none";

/** The trial of a seed; undefined for scenes without a big object or with several, and without room for a mark. */
export function trialOf(seed: number): Trial | undefined {
  const scene = makeScene(seed);
  const big = bigObject(scene);
  if (!big || !withMark(scene, "red")) return undefined;
  return { scene, object: scene.objects.indexOf(big), shape: big.shape };
}

/** The trial's scene with its mark. */
export function withCue({ scene, shape }: Trial, cue: Cue): Scene {
  if (cue === "none") return scene;
  const random = randomFor("mark", cue, scene.seed);
  const others = shapes.filter((other) => other !== shape);
  const told = {
    right: shape,
    wrong: others[random.below(others.length)],
    random: shapes[random.below(shapes.length)],
  };
  return withMark(scene, markColours[told[cue]]) as Scene;
}
