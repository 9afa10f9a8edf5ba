import { expect, test } from "vitest";
import { halfToNumber, numberToHalf } from "../../src/array/half.ts";
import { Builder } from "../../src/onnx/build.ts";
import {
  changed,
  DataType,
  decodeModel,
  encodeModel,
  type ModelProto,
  makeGraph,
  makeModel,
  makeNode,
  makeTensor,
  tensorValues,
} from "../../src/onnx/proto.ts";

test("constants of a model that was read into a Buffer, whose slices are views", () => {
  const initializer = [makeTensor("axes", DataType.INT64, [2], BigInt64Array.of(1n, -2n))];
  const bytes = encodeModel(makeModel({ graph: makeGraph({ initializer }) }));
  const [tensor] = decodeModel(Buffer.from(bytes)).graph?.initializer ?? [];
  expect(tensorValues(tensor)).toEqual([1, -2]);
});

test.each([0, 1, -2.5, 65504, 2 ** -24, 2 ** -14, 1 / 3, 1e5, -1e-9])("%d to half precision and back", (value) => {
  const back = halfToNumber(numberToHalf(value));
  if (Math.abs(value) >= 65520) expect(back).toBe(Math.sign(value) * Number.POSITIVE_INFINITY);
  else expect(Math.abs(back - value)).toBeLessThanOrEqual(Math.max(2 ** -25, Math.abs(value) * 2 ** -11));
});

test("a copy keeps what is unset, and the compiler takes no spread for a message", () => {
  const model = makeModel({ irVersion: 8n });
  const copy = changed(model, { producerName: "copy" });
  expect([copy.irVersion, copy.producerName, copy.domain, copy.graph]).toEqual([8n, "copy", "", undefined]);
  expect(encodeModel(copy)).toEqual(encodeModel(makeModel({ irVersion: 8n, producerName: "copy" })));
  expect(model.producerName).toBe("");
  // @ts-expect-error This is what a spread loses: the default of a field that is unset.
  const spread: ModelProto = { ...model };
  expect(spread.domain).toBeUndefined();
  // @ts-expect-error Nor may one make a message.
  makeGraph({ ...makeGraph({}), node: [] });
  // @ts-expect-error Nor be a part of one.
  makeGraph({ node: [{ ...makeNode("Relu", ["x"], ["y"]) }] });
});

test("the largest int64, which is no number of JavaScript's, stays the largest", () => {
  const largest = 2n ** 63n - 1n;
  const { attribute } = makeNode("Slice", [], [], { axis: Number(largest), ends: [Number(largest), Number(-largest)] });
  expect(attribute.map(({ i, ints }) => [i, ints])).toEqual([
    [largest, []],
    [0n, [largest, -(2n ** 63n)]],
  ]);
  const build = new Builder(13);
  const ends = build.ints([Number(largest), 1]);
  const { initializers } = build.collect([ends]);
  expect(new BigInt64Array(initializers[0].rawData.slice().buffer)).toEqual(BigInt64Array.of(largest, 1n));
});
