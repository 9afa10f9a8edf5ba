/** @file Operators that only put values elsewhere: the same numbers in another order, or under other axes. */
export const rearranging = ["Identity", "Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose"] as const;
