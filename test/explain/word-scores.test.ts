import { expect, test } from "vitest";
import { wordScores } from "../../src/explain/word-scores.ts";

test("the gradient of a word's log-probability is one-hot less softmax", () => {
  const scores = { data: Float32Array.of(0, Math.log(2), Math.log(5)), dims: [1, 1, 3] };
  const { logProbabilities, cotangent } = wordScores(scores, [1], 0);
  expect(logProbabilities[0]).toBeCloseTo(Math.log(2 / 8), 6);
  expect([...cotangent.data].map((v) => v.toFixed(6))).toEqual(["-0.125000", "0.750000", "-0.625000"]);
});

test("that of a nearly certain word keeps its digits", () => {
  const { cotangent } = wordScores({ data: Float32Array.of(0, 20), dims: [1, 1, 2] }, [1], 0);
  const rest = 1 / (1 + Math.exp(20));
  expect(cotangent.data[1] / rest).toBeCloseTo(1, 6);
  expect(cotangent.data[0] / -rest).toBeCloseTo(1, 6);
});

test("a token beyond those that the model scores is refused, not NaN", () => {
  const scores = { data: new Float32Array(6), dims: [1, 2, 3] };
  const mistake = { code: "invalid-input", message: "invalid token: 3; the model scores tokens 0 to 2" };
  expect(() => wordScores(scores, [3], 0)).toThrow(expect.objectContaining(mistake));
});
