import { floats, ints } from "../models.ts";
import { checkRule } from "./rules.ts";

checkRule(
  "DFT",
  { linear: true, opsets: [17] },
  {
    real: [{ x: [2, 6, 1] }, { axis: 1 }, { free: ["x"] }],
    complex: [{ x: [2, 5, 2] }, { axis: 1 }],
    inverse: [{ x: [2, 6, 2] }, { axis: 1, inverse: 1 }],
    "one side": [{ x: [2, 6, 1] }, { axis: 1, onesided: 1 }],
    "longer than the signal": [{ x: [2, 5, 1], length: ints(8) }, { axis: 1 }],
    "shorter than the signal": [{ x: [2, 6, 2], length: ints(4) }, { axis: 1 }],
    "another axis": [{ x: [2, 3, 4, 1] }, { axis: 2 }],
  },
);
checkRule(
  "DFT",
  { linear: true, opsets: [20] },
  {
    "the default axis": [{ x: [2, 6, 1] }],
    "a given axis": [{ x: [4, 3, 2], length: undefined, axis: ints(0) }],
    "one side": [{ x: [2, 3, 7, 1], length: undefined, axis: ints(-2) }, { onesided: 1 }],
    inverse: [{ x: [2, 6, 2], length: undefined, axis: ints(1) }, { inverse: 1 }],
    "the inverse of one side": [
      { x: [2, 5, 2], length: undefined, axis: ints(1) },
      { inverse: 1, onesided: 1 },
    ],
    "the inverse of one side, an odd length": [
      { x: [2, 4, 2], length: ints(7), axis: ints(1) },
      { inverse: 1, onesided: 1 },
    ],
  },
);

const hann = floats([0, 0.5, 1, 0.5]);
checkRule(
  "STFT",
  { linear: true, opsets: [17, 20] },
  {
    "a window": [{ x: [2, 12, 1], step: ints(3), window: hann }],
    "a length": [{ x: [2, 12, 1], step: ints(4), window: undefined, length: ints(4) }],
    "both sides": [{ x: [1, 10, 1], step: ints(2), window: hann }, { onesided: 0 }],
    "the window's own": [{ x: [1, 8, 1], step: ints(2), window: [4] }],
  },
);
