/** @file What a page or a client is told of a failure of ONNX Runtime: our words; the runtime's own stand apart, for the log. */
import * as ort from "onnxruntime-node";
import { expect, test } from "vitest";
import { UserError } from "../../src/errors.ts";
import { openSession, run } from "../../src/onnx/runtime.ts";
import { told } from "../../src/server/problems.ts";
import { plainWords } from "../../src/tasks/plain-words.ts";
import { model, node } from "../models.ts";
import { gap, images } from "../nets.ts";

/** How ONNX Runtime speaks. */
const jargon = /ONNX Runtime|onnxruntime|\.cc\b|Non-zero status|Node ?\(|Error Code|Type Error|tensor\(|fetches/i;

const failure = (work: Promise<unknown>) =>
  work.then(
    () => expect.fail("it should have failed"),
    (error: unknown) => error as UserError,
  );
const quiet = { logSeverityLevel: 4 } as const;

test.each([
  [
    "a model that it refuses",
    () => openSession(ort, model({ opset: 13, inputs: { x: [2] }, nodes: [node("Nix", "x", "y")] }), quiet),
  ],
  ["a run that fails", async () => run(await openSession(ort, gap(), quiet), images(), ["nix"])],
  [
    "a shape that does not fit",
    async () =>
      run(await openSession(ort, gap(), quiet), { x: new ort.Tensor("float32", new Float32Array(12), [1, 12]) }),
  ],
])("%s", async (_, work) => {
  const error = await failure(work());
  expect(error).toBeInstanceOf(UserError);
  const { words, technical } = plainWords(error.message);
  expect(error.message).toMatch(jargon);
  expect(words).toMatch(/^invalid (model|input): the program that runs the network /);
  expect(words).not.toMatch(jargon);
  expect(technical?.length).toBeGreaterThan(10);
  const answer = told(new UserError("invalid-input", error.message));
  expect(answer?.problem.detail).toBe(words);
  expect(answer?.technical).toBe(technical);
  expect(JSON.stringify(answer?.problem)).not.toMatch(jargon);
});

test("other lines are told as they are", () => {
  for (const line of ['unknown class: "wombat"; allowed are 0 to 4', "invalid image a.jpg: empty, expected a JPEG"]) {
    expect(plainWords(line)).toEqual({ words: line });
    expect(told(new UserError("unknown-name", line))).not.toHaveProperty("technical");
  }
});
