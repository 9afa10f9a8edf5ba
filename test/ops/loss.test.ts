import { floats, ints } from "../models.ts";
import { checkRule, type Row } from "./rules.ts";

const weights = floats([0.5, 2, 1, 0.25]);
const rows: Record<string, Row> = {};
for (const reduction of ["none", "sum", "mean"]) {
  rows[reduction] = [{ x: [3, 4], target: ints([1, 0, 3]) }, { reduction }];
  rows[`${reduction}, weights`] = [{ x: [3, 4], target: ints([1, 0, 3]), weights }, { reduction }];
  rows[`${reduction}, one ignored`] = [
    { x: [3, 4], target: ints([1, -1, 3]), weights },
    { reduction, ignore_index: -1 },
  ];
  rows[`${reduction}, with a grid`] = [
    { x: [2, 4, 3], target: ints([1, 0, 3, 2, 2, 1], [2, 3]) },
    { reduction, ignore_index: 2 },
  ];
}
checkRule("NegativeLogLikelihoodLoss", { linear: true, opsets: [12, 13, 22] }, rows);
checkRule("SoftmaxCrossEntropyLoss", { opsets: [12, 13] }, rows);
checkRule(
  "SoftmaxCrossEntropyLoss",
  { opsets: [13], outputs: 2 },
  { "the logarithms of the probabilities too": [{ x: [3, 4], target: ints([1, 0, 3]) }] },
);
