/** @file How maps are placed on a sample: what counts as a map's peak, and where the cells of its layer lie. */
import { UserError } from "../errors.ts";
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
    if (value !== usual)
      throw new UserError(
        "invalid-option",
        `invalid ${name}: "${value}"; maps of words are placed by "${usual}" alone`,
      );
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
    checked("peak", options.peak, peakRules);
    checked("align", options.align, alignments);
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

function checked(name: string, value: string | undefined, allowed: readonly string[]): void {
  if (value !== undefined && !allowed.includes(value))
    throw new UserError("invalid-option", `invalid ${name}: "${value}"; allowed are ${allowed.join(", ")}`);
}
