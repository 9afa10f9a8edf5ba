/** @file Numbers with a shape: the array that everything above the runtime speaks of. */

/** Numbers with a shape, row-major. */
export interface Dense {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}
