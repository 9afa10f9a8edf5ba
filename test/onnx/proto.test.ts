import { expect, test } from "vitest";
import {
  DataType,
  decodeModel,
  encodeModel,
  halfToNumber,
  makeGraph,
  makeModel,
  makeTensor,
  numberToHalf,
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
