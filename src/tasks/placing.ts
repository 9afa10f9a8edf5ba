/** @file How maps are placed on a sample: where the cells of a layer lie, what counts as a peak; worked out when it is read. */
import type { Dense } from "../array/dense.ts";
import { expects, UserError } from "../errors.ts";
import type { Explainer } from "../explain/explainer.ts";
import type { Alignment } from "../image/geometry.ts";
import { type PeakRule, peakRules } from "../image/locate.ts";

/** Where cells lie: evenly over the network's input, or at the centres of their receptive fields. */
export const alignments = ["bilinear", "receptive-field"] as const;
export type AlignName = (typeof alignments)[number];

export interface PlacingOptions {
  /** What counts as a map's peak: the centre of its maximum's plateau ("centre"), or the first maximum, row by row ("first"). */
  readonly peak?: PeakRule;
  /** Where a layer's cells lie on the input: evenly over it ("bilinear"), or at the centres of their receptive fields ("receptive-field"). */
  readonly align?: AlignName;
}

/** Maps of words are placed in the usual way alone; @throws UserError `invalid-option` for another. */
export function onlyUsual({ peak = peakRules[0], align = alignments[0] }: PlacingOptions): void {
  for (const [name, value, usual] of [["peak", peak, peakRules[0]] as const, ["align", align, alignments[0]] as const])
    expects(value === usual, name, value, `"${usual}" alone for maps of words`);
}

/** Settled for one map. */
export interface Placing {
  readonly rule?: PeakRule;
  /** Undefined: evenly. */
  readonly alignment?: Alignment;
}

export class Placements {
  readonly #known = new Map<string, Alignment>();

  /** @throws UserError `invalid-option` for what is not among the choices. */
  constructor(
    private readonly explainer: Explainer,
    /** With those of its axes that run across the sample. */
    private readonly input: { readonly name: string; readonly axes: readonly number[] },
    private readonly options: PlacingOptions,
  ) {
    const { peak = peakRules[0], align = alignments[0] } = options;
    expects(peakRules.includes(peak), "peak", peak, peakRules.join(" or "));
    expects(alignments.includes(align), "align", align, alignments.join(" or "));
  }

  get rule(): PeakRule | undefined {
    return this.options.peak;
  }

  /**
   * How maps of a layer, or of none (in pixel space), are placed.
   * @throws UserError `invalid-option` where the layer has no receptive field that can be computed.
   */
  async of(layer: string | undefined): Promise<Placing> {
    const { rule } = this;
    if (layer === undefined || this.options.align !== "receptive-field") return { rule };
    const { receptiveField } = await import("../explain/receptive-field.ts");
    const { model, tensors } = this.explainer;
    const alignment = this.#known.get(layer) ?? receptiveField(model, tensors, this.input, layer);
    this.#known.set(layer, alignment);
    return { rule, alignment };
  }
}

/** What maps are laid over: `Name` is how an explanation calls the values, `Where` what is read off them. */
export interface Surface<Name extends string, Values, Where> {
  readonly name: Name;
  readonly where: readonly (keyof Where)[];
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
