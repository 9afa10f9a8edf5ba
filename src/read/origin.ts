/** @file Where an axis of a tensor comes from: parts of the axes of the picture, or what the network has computed. */

/** Stands for an axis of the picture where an axis holds what the network has computed: channels. */
export const features = -1;

/** A part of an axis of the picture: `size` places (-1 where only the run knows), each `step` places from the next. */
export interface Part {
  readonly axis: number;
  readonly size: number;
  readonly step: number;
}

/** What an axis of a tensor is made of, the slowest part first; nothing for one that was inserted or pooled away. */
export interface Origin {
  readonly parts: readonly Part[];
  /** Places in front of those that the parts make: a class token and its like. NaN where only the run knows. */
  readonly before: number;
  /** Whether places that are not the picture's stand beside them. */
  readonly extended?: true;
  /** Places of several grids one behind the other, or only some of one. */
  readonly mixed?: true;
}

export const nothing: Origin = { parts: [], before: 0 };
export const feature = (size: number): Origin => ({ parts: [{ axis: features, size, step: 1 }], before: 0 });

export const isSpatial = ({ parts, mixed: several }: Origin): boolean =>
  several === true || parts.some(({ axis }) => axis !== features);

/** Of every tensor that can be followed, by name. */
export type Origins = ReadonlyMap<string, readonly Origin[]>;
