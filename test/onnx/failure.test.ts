/** @file Whose fault a failure is: the user's where the model by itself fails too, ours where only what was added does. */
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { vjp } from "../../src/index.ts";
import { append } from "../../src/onnx/append.ts";
import { makeNode, makeValueInfo, type NodeProto } from "../../src/onnx/proto.ts";
import { openSession, type Runtime, run } from "../../src/onnx/runtime.ts";
import { expectUserError } from "../explain/ask.ts";
import { floats, ints, model, node, type Sources, tensor } from "../models.ts";
import { gap } from "../nets.ts";
import { session } from "../ops/rules.ts";

/** The model with one node more, "added", of its input "x". */
const extended = (bytes: Uint8Array, added: NodeProto) =>
  append(bytes, { nodes: [added], initializers: [], inputs: [], outputs: [makeValueInfo("added")] });
const plain = (inputs: Sources = { x: [2, 4] }, nodes = [node("Relu", "x", "y")]) =>
  model({ opset: 17, inputs, nodes });

describe("a session of more than the model", () => {
  const bytes = plain();
  test("does not open: ours", async () => {
    const more = extended(bytes, makeNode("Fancy", ["x"], ["added"]));
    await expect(openSession(ort, more, session, { bytes })).rejects.toMatchObject({
      name: "InternalError",
      message: expect.stringMatching(/^internal: .*no operator Fancy.*please report it, with the model/),
    });
  });
  test("does not run: ours", async () => {
    const shape = {
      ...plain({ x: [2, 4], wrong: ints([7, 13]) }, [node("Relu", "x", "y"), node("Identity", "wrong", "w")]),
    };
    const own = model({ opset: 17, inputs: { x: [2, 4], wrong: ints([7, 13]) }, nodes: [node("Relu", "x", "y")] });
    expect(shape).toBeDefined();
    const opened = await openSession(ort, extended(own, makeNode("Reshape", ["x", "wrong"], ["added"])), session, {
      bytes: own,
    });
    await expect(run(opened, { x: tensor(Array(8).fill(1), [2, 4]) })).rejects.toMatchObject({
      name: "InternalError",
      message: expect.stringMatching(/^internal: .*Reshape node.*\{7,13\}/),
    });
    await opened.release();
  });
  test("of a model that does not open either: the user's", async () => {
    const broken = plain({ x: [2, 4] }, [node("Fancy", "x", "y")]);
    const more = extended(broken, makeNode("Relu", ["x"], ["added"]));
    await expectUserError(openSession(ort, more, session, { bytes: broken }), "invalid-model", "no operator Fancy");
  });
  test("of a model that does not run on these feeds either: the user's", async () => {
    const own = model({
      opset: 17,
      free: ["x"],
      inputs: { x: [2, 4], z: floats(Array(12).fill(1), [3, 4]) },
      nodes: [node("Add", "x z", "y")],
    });
    const opened = await openSession(ort, extended(own, makeNode("Relu", ["x"], ["added"])), session, { bytes: own });
    await expectUserError(
      run(opened, { x: tensor(Array(8).fill(1), [2, 4]) }),
      "invalid-input",
      /could not run.*Add node/,
    );
    await opened.release();
  });
});

test("too little memory is neither's", async () => {
  const nodes = [node("Expand", "x shape", "y")];
  const opened = await openSession(ort, plain({ x: [2, 1], shape: ints([2, 9_000_000_000_000]) }, nodes), session);
  await expectUserError(run(opened, { x: tensor([1, 1], [2, 1]) }), "too-large", "not enough memory");
  await opened.release();
});

test("an execution provider that is not there", async () => {
  const options = { ...session, executionProviders: ["dml"] };
  await expectUserError(
    openSession(ort, plain(), options),
    "invalid-option",
    /^UserError: unavailable provider: dml: /,
  );
});

test("no error of a run shows the runtime's source", async () => {
  const nodes = [node("Reshape", "x shape", "y")];
  const bytes = model({ opset: 17, free: ["x"], inputs: { x: [2, 4], shape: ints([7, 13]) }, nodes });
  const error = await vjp(ort, bytes, {
    feeds: { x: tensor(Array(8).fill(1), [2, 4]) },
    seeds: { y: tensor(Array(91).fill(1), [7, 13]) },
    wrt: ["x"],
    session,
  }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ name: "UserError" });
  expect(String(error)).not.toMatch(/\.h:|::|status code/i);
});

test("a runtime that gives no reason", async () => {
  const broken = { ...ort, InferenceSession: { create: async () => Promise.reject(undefined) } } as unknown as Runtime;
  await expectUserError(openSession(broken, gap(), session), "invalid-model", "refuses it");
});
