/** @file Where an axis of a tensor comes from: parts of the axes of the picture, or what the network has computed. */

/** Stands for an axis of the picture where an axis holds what the network has computed: channels. */
export const features = -1;

/**
 * A part of an axis of the picture: `size` places (-1 where only the run knows), each `step` places from the next, of an axis of `of`
 * places: windows of 4 on 16 places are a part of 4 places of step 4, and what is in each is a part of 4 places of step 1.
 */
export interface Part {
  readonly axis: number;
  readonly size: number;
  readonly step: number;
  readonly of: number;
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
/** All places of an axis. */
export const whole = (axis: number, size: number): Part => ({ axis, size, step: 1, of: size });
export const feature = (size: number): Origin => ({ parts: [whole(features, size)], before: 0 });

/** Whether a part goes from one end of its axis to the other: a grid, be it a coarser one. */
export const spans = ({ size, step, of }: Part): boolean => size * step === of;

export const isSpatial = ({ parts, mixed: several }: Origin): boolean =>
  several === true || parts.some(({ axis }) => axis !== features);

/** Of every tensor that can be followed, by name. */
export type Origins = ReadonlyMap<string, readonly Origin[]>;
