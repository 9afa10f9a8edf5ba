/** @file A map where it belongs: on the pixels, the samples or the voxels of what it explains; worked out when it is read. */
import type { Dense } from "../array/dense.ts";
import { UserError } from "../errors.ts";
import type { Alignment } from "../image/geometry.ts";
import type { Placing } from "./placing.ts";

/** What maps are laid over. */
export interface Surface<Values, Where> {
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

export class PlacedMap<Values, Where extends object> {
  #where: Where | undefined;

  /** @throws UserError `invalid-option` for a map on a grid of another number of axes than the surface has. */
  constructor(
    private readonly shown: Placeable,
    private readonly surface: Surface<Values, Where>,
    private readonly placing: Placing = {},
  ) {
    const { length } = shown.map.dims;
    const { axes } = surface;
    if (length !== axes)
      throw new UserError("invalid-option", `invalid layer: its grid has ${length} axes, the input's has ${axes}`);
  }

  /** Made anew each time, for they may be large. */
  get values(): Values {
    return this.surface.spread(this.shown.map, this.placing.alignment);
  }

  /** Nowhere, for a blank map. */
  get where(): Partial<Where> {
    if (this.shown.blank !== undefined) return {};
    this.#where ??= this.surface.locate(this.values, this.shown.map, this.placing);
    return this.#where;
  }
}
