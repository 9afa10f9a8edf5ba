import type { Values } from "../models.ts";
import { checkRule } from "./rules.ts";

/** Far from singular: 3 on the diagonals of matrices of so many rows. */
const regular =
  (n: number): Values =>
  (normal) =>
    normal.map((v, i) => v / 2 + (Math.floor((i % (n * n)) / n) === i % n ? 3 : 0));

checkRule(
  "com.microsoft.Inverse",
  { opsets: [11, 17, 20], free: ["x"], step: 1e-3 },
  {
    "one row": [{ x: [2, 1, 1] }, {}, { values: regular(1) }],
    "two rows": [{ x: [3, 2, 2] }, {}, { values: regular(2) }],
    "five rows": [{ x: [2, 5, 5] }, {}, { values: regular(5) }],
    "a batch of batches": [{ x: [2, 3, 3, 3] }, {}, { values: regular(3) }],
    "one matrix": [{ x: [4, 4] }, {}, { values: regular(4), free: [] }],
  },
);
