/** @file Fractions as people read them. */

/** 12.3 %, or < 0.1 %. */
export const percent = (p: number): string => (p > 0 && p < 0.001 ? "< 0.1 %" : `${(100 * p).toFixed(1)} %`);
