/**
 * @file Descriptions of objects, such as "small striped red circle", and which objects they fit.
 */

import type { Random } from "./random.ts";
import type { Scene, SceneObject } from "./scene.ts";
import {
  type Colour,
  colours,
  plural,
  type Relation,
  type Shape,
  type Size,
  shapes,
  sizes,
  type Texture,
  textures,
} from "./words.ts";

/** What is said of an object; what is left out may be anything. */
export interface Description {
  readonly size?: Size;
  readonly texture?: Exclude<Texture, "plain">;
  readonly colour?: Colour;
  readonly shape?: Shape;
}

/** `small striped red circle`; "object" where no shape is said. */
export function phrase({ size, texture, colour, shape }: Description): string {
  return [size, texture, colour, shape ?? "object"].filter(Boolean).join(" ");
}

/** `small striped red circles`. */
export function phraseOfMany(description: Description): string {
  const words = phrase(description).split(" ");
  return [...words.slice(0, -1), plural(words[words.length - 1])].join(" ");
}

/** The description that words form in their fixed order, or undefined where they form none. */
export function parsePhrase(words: readonly string[], many = false): Description | undefined {
  const rest = [...words];
  const take = <T extends string>(list: readonly T[]) =>
    (list as readonly string[]).includes(rest[0]) ? (rest.shift() as T) : undefined;
  const size = take(sizes);
  const texture = take(textures.filter((name) => name !== "plain"));
  const colour = take(colours);
  const name = (noun: string) => (many ? plural(noun) : noun);
  const noun = rest.shift();
  const shape = shapes.find((one) => name(one) === noun);
  if (rest.length > 0 || (!shape && noun !== name("object"))) return undefined;
  return { ...(size && { size }), ...(texture && { texture }), ...(colour && { colour }), ...(shape && { shape }) };
}

/** Whether everything that is said holds. */
export function fits(object: SceneObject, { size, texture, colour, shape }: Description): boolean {
  return (
    (!size || size === object.size) &&
    (!texture || texture === object.texture) &&
    (!colour || colour === object.colour) &&
    (!shape || shape === object.shape)
  );
}

export const fitting = (scene: Scene, description: Description): SceneObject[] =>
  scene.objects.filter((object) => fits(object, description));

/** The one object that fits, or undefined where none or several do. */
export function only(scene: Scene, description: Description): SceneObject | undefined {
  const found = fitting(scene, description);
  return found.length === 1 ? found[0] : undefined;
}

/** How many parts of 1024 of the side two centres must differ for "left of" and its like to hold. */
const margin = 64;

/** Whether `a` is e.g. left of `b`: its centre is, by a sixteenth of the picture's side at least. */
export function related(a: SceneObject, relation: Relation, b: SceneObject): boolean {
  switch (relation) {
    case "left of":
      return b.x - a.x >= margin;
    case "right of":
      return a.x - b.x >= margin;
    case "above":
      return b.y - a.y >= margin;
    case "below":
      return a.y - b.y >= margin;
  }
}

/** The relation of `a` to `b` along the axis on which they differ more. */
export function mainRelation(a: SceneObject, b: SceneObject): Relation {
  const [dx, dy] = [a.x - b.x, a.y - b.y];
  if (Math.abs(dx) >= Math.abs(dy)) return dx < 0 ? "left of" : "right of";
  return dy < 0 ? "above" : "below";
}

/** A description that fits the object: each of size and texture said or left out by chance, of colour and shape as asked. */
export function describe(
  object: SceneObject,
  random: Random,
  say: { readonly colour: boolean; readonly shape: boolean } = { colour: true, shape: true },
): Description {
  const { size, texture, colour, shape } = object;
  return {
    ...(random.chance(50) && { size }),
    ...(texture !== "plain" && random.chance(70) && { texture }),
    ...(say.colour && { colour }),
    ...(say.shape && { shape }),
  };
}
