import * as ort from "onnxruntime-node";
import { expect, test } from "vitest";
import { checkVjp } from "../../src/autodiff/check.ts";
import { DataType } from "../../src/onnx/proto.ts";
import { int32s, ints, model, node, randomFeeds } from "../models.ts";
import { apart, checkRule, type Options, offKinks, positives, type Row, session } from "./rules.ts";

const x = { x: [2, 3, 4, 5] };
const batch: Options = { free: ["x"] };

/** The forms in which axes are given, as an attribute or (`input`) as a second input. */
function forms(input: boolean): Record<string, Row> {
  const over = (axes: number[], attributes = {}, dims = x): Row =>
    input ? [{ ...dims, axes: ints(axes) }, attributes] : [dims, { axes, ...attributes }];
  return {
    "one axis": over([2]),
    "two axes": over([1, 3]),
    "negative axes": over([-1, -3]),
    "without the reduced": over([1, 2], { keepdims: 0 }),
    "space, without the reduced": over([2, 3], { keepdims: 0 }),
    "the batch too": over([0, 2], { keepdims: 0 }),
    "all, by default": [x],
    "all, to a scalar": [x, { keepdims: 0 }],
  };
}

const options: Record<string, Options> = {
  ReduceSum: { linear: true },
  ReduceMean: { linear: true },
  ReduceMax: { values: apart, most: 1e-3 },
  ReduceMin: { values: apart, most: 1e-3 },
  ReduceL1: { values: offKinks, most: 1e-3 },
  ReduceL2: {},
  ReduceLogSum: { values: positives },
  ReduceLogSumExp: {},
  ReduceProd: { values: (v) => v.map((a) => Math.sign(a) + a / 8) },
  ReduceSumSquare: {},
};
for (const [opType, own] of Object.entries(options)) {
  const since = opType === "ReduceSum" ? 13 : 18;
  checkRule(opType, { ...batch, ...own, opsets: [7, 11, ...(since === 18 ? [13] : [])] }, forms(false));
  checkRule(opType, { ...batch, ...own, opsets: since === 13 ? [13, 18] : [18] }, forms(true));
  checkRule(opType, { ...own, opsets: [18] }, { "no axes": [{ ...x, axes: ints([]) }, { noop_with_empty_axes: 1 }] });
  test(`${opType}, axes that are worked out`, async () => {
    const inputs = { ...x, first: ints(1), end: ints(3), step: ints(1) };
    const nodes = [node("Range", "first end step", "axes"), node(opType, "x axes", "y")];
    const feeds = randomFeeds(x, own.values);
    const [{ error }] = await checkVjp(ort, model({ opset: 18, inputs, nodes }), { feeds, session, directions: 2 });
    expect(error).toBeLessThan(1e-2);
  });
}

checkRule(
  "ReduceSum",
  { ...batch, opsets: [13], linear: true },
  {
    "no axes, so nothing": [x, { noop_with_empty_axes: 1 }],
    "empty axes, so nothing": [{ ...x, axes: ints([]) }, { noop_with_empty_axes: 1 }],
    "empty axes, so all": [{ ...x, axes: ints([]) }],
    "half precision": [{ ...x, axes: ints([2, 3]) }, {}, { as: DataType.FLOAT16, most: 1e-2 }],
  },
);
checkRule(
  "ReduceMean",
  { ...batch, opsets: [18], linear: true },
  {
    "no axes, so nothing": [x, { noop_with_empty_axes: 1 }],
  },
);

const zeros = (...at: number[]): Options => ({
  values: (v) => v.map((a, i) => (at.includes(i) ? 0 : Math.sign(a) + a / 8)),
});
for (const opset of [11, 18])
  checkRule(
    "ReduceProd",
    { opsets: [opset] },
    {
      "one zero": [{ x: [2, 6] }, {}, zeros(3)],
      "a zero in one row": [
        { x: [2, 6], ...(opset === 18 && { axes: ints([1]) }) },
        opset === 18 ? {} : { axes: [1] },
        zeros(3),
      ],
      // With two zeros every partial product is 0.
      "two zeros in one row": [
        { x: [2, 6], ...(opset === 18 && { axes: ints([1]) }) },
        opset === 18 ? {} : { axes: [1] },
        zeros(3, 4),
      ],
    },
  );

checkRule(
  "CumSum",
  { ...batch, opsets: [11, 14], linear: true },
  {
    forwards: [{ ...x, axis: ints(2) }],
    "int32 axis": [{ ...x, axis: int32s(1) }],
    "negative axis": [{ ...x, axis: ints(-1) }],
    reverse: [{ ...x, axis: ints(2) }, { reverse: 1 }],
    exclusive: [{ ...x, axis: ints(2) }, { exclusive: 1 }],
    "reverse, exclusive": [
      { ...x, axis: ints(2) },
      { exclusive: 1, reverse: 1 },
    ],
  },
);
