import { checkRule } from "./rules.ts";

checkRule(
  "Det",
  { opsets: [11, 22], free: ["x"] },
  {
    "one row": [{ x: [2, 1, 1] }],
    "two rows": [{ x: [3, 2, 2] }],
    "four rows": [{ x: [2, 4, 4] }],
    "a batch of batches": [{ x: [2, 3, 3, 3] }],
    "one matrix": [{ x: [3, 3] }, {}, { free: [] }],
    "too many rows": [{ x: [1, 13, 13] }, {}, { free: [], refuses: "more than 12 rows" }],
  },
);
