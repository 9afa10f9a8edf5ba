/** @file A map where it belongs: on the pixels, the samples or the voxels of what it explains; worked out when it is read. */
import type { Dense } from "../array/dense.ts";
import { UserError } from "../errors.ts";
import type { Alignment } from "../image/geometry.ts";
import type { Placing } from "./placing.ts";

/** What maps are laid over: `Name` is how an explanation calls the values, `Where` what is read off them. */
export interface Surface<Name extends string, Values, Where> {
  readonly name: Name;
  readonly where: readonly (keyof Where)[];
  /** How many axes it has. */
  readonly axes: number;
  /** A map's values on the surface's own pixels. */
  spread(map: Dense, alignment?: Alignment): Values;
  /** Where such values are largest, and what surrounds them. */
  locate(values: Values, map: Dense, placing: Placing): Where;
}

/** A raw map, and why it shows nothing where it does not. */
export interface Placeable {
  readonly map: Dense;
  readonly blank?: string;
}

/**
 * Lays maps over a surface: values are made anew each time that they are read, for they may be large, and located once, a blank map nowhere.
 * @throws UserError `invalid-option` for a map on a grid of another number of axes than the surface has.
 */
export const layOn =
  <Name extends string, Values, Where extends object>(surface: Surface<Name, Values, Where>) =>
  <E extends Placeable>(explanation: E, placing: Placing = {}): E & Readonly<Record<Name, Values>> & Where => {
    const { map, blank } = explanation;
    const { axes } = surface;
    if (map.dims.length !== axes)
      throw new UserError(
        "invalid-option",
        `invalid layer: its grid has ${map.dims.length} axes, the input's has ${axes}`,
      );
    const values = () => surface.spread(map, placing.alignment);
    let found: Where | undefined;
    const located = () => {
      if (blank === undefined) found ??= surface.locate(values(), map, placing);
      return found;
    };
    const laid = Object.defineProperty({ ...explanation }, surface.name, { enumerable: true, get: values });
    for (const key of surface.where)
      Object.defineProperty(laid, key, { enumerable: true, get: () => located()?.[key] });
    return laid as E & Readonly<Record<Name, Values>> & Where;
  };
