import * as ort from "onnxruntime-node";
import { expect, test } from "vitest";
import { compose } from "../../src/onnx/compose.ts";
import { readModel } from "../../src/onnx/model.ts";
import { changed, DataType, declaredDims, encodeModel, makeValueInfo } from "../../src/onnx/proto.ts";
import { raise } from "../../src/onnx/raise.ts";
import { openSession, run } from "../../src/onnx/runtime.ts";
import { unroll, unrolled } from "../../src/onnx/unroll.ts";
import { floats, ints, model, node, tensor } from "../models.ts";
import { session } from "../ops/rules.ts";

/** The model with types and shapes declared on its outputs, as exporters write them. */
function declaring(bytes: Uint8Array, outputs: Readonly<Record<string, readonly (number | string)[]>>) {
  const { proto, graph } = readModel(bytes);
  const output = graph.output.map(({ name }) => makeValueInfo(name, DataType.FLOAT, outputs[name]));
  return readModel(encodeModel(changed(proto, { graph: changed(graph, { output }) })));
}

/** f = relu(x) w, with a width of 3. */
const encoder = (width = 3, opset = 13) =>
  declaring(
    model({
      opset,
      inputs: {
        x: [1, 2],
        w: floats(
          Array.from({ length: 2 * width }, (_, i) => i + 1),
          [2, width],
        ),
      },
      nodes: [node("Relu", "x", "r"), node("MatMul", "r w", "f")],
      outputs: ["f"],
      free: ["x"],
    }),
    { f: ["batch", width] },
  );
/** y = f w, with a weight of the same name as the encoder's. */
const decoder = (opset = 13) =>
  declaring(
    model({
      opset,
      inputs: { f: [1, 3], w: floats([1, 0, -1], [3, 1]) },
      nodes: [node("MatMul", "f w", "y")],
      free: ["f"],
    }),
    { y: ["batch", 1] },
  );
const named = (first: ReturnType<typeof encoder>, second: ReturnType<typeof decoder>) => [
  { name: "encoder", model: first },
  { name: "decoder", model: second },
];

test("names are kept apart, weights of one name too", async () => {
  const whole = compose(named(encoder(), decoder()), { "decoder/f": "encoder/f" });
  expect(whole.inputs.map(({ name }) => name)).toEqual(["encoder/x"]);
  expect(whole.outputs).toEqual(["decoder/y"]);
  expect([...whole.initializers.keys()]).toEqual(["encoder/w", "decoder/w"]);
  const runner = await openSession(ort, whole.bytes, session);
  const results = await run(runner, { "encoder/x": tensor([1, 2, -1, 1], [2, 2]) });
  // [1 2] [[1 2 3] [4 5 6]] = [9 12 15]; [0 1] gives [4 5 6]
  expect([...(results["decoder/y"].data as Float32Array)]).toEqual([-6, -2]);
});

test("a shape that does not fit is named, with both ends", () => {
  expect(() => compose(named(encoder(4), decoder()), { "decoder/f": "encoder/f" })).toThrow(
    'invalid models: they do not fit: the encoder gives "f" float32 [batch,4], the decoder takes "f" float32 [N,3]',
  );
});

test("unknown ends of a connection list those that are there", () => {
  expect(() => compose(named(encoder(), decoder()), { "decoder/g": "encoder/f" })).toThrow(
    'unknown input: "decoder/g"; the models take encoder/x, decoder/f',
  );
  expect(() => compose(named(encoder(), decoder()), { "decoder/f": "encoder/g" })).toThrow(
    'unknown output: "encoder/g"; the models give encoder/x, encoder/f, decoder/f, decoder/y',
  );
});

test("operator sets are brought together upwards where nothing changes its meaning", async () => {
  const mean = declaring(
    model({
      opset: 13,
      inputs: { x: [1, 2, 3] },
      nodes: [node("ReduceMean", "x", "f", { axes: [1], keepdims: 0 })],
      free: ["x"],
    }),
    { f: ["batch", 3] },
  );
  const whole = compose(named(mean, decoder(18)), { "decoder/f": "encoder/f" });
  expect(whole.opset).toBe(18);
  const runner = await openSession(ort, whole.bytes, session);
  const { "decoder/y": y } = await run(runner, { "encoder/x": tensor([1, 2, 3, 5, 6, 9], [1, 2, 3]) });
  expect([...(y.data as Float32Array)]).toEqual([3 - 6]);
});

test("operator sets that cannot be brought together are refused", () => {
  expect(() => compose(named(encoder(3, 11), decoder(13)), { "decoder/f": "encoder/f" })).toThrow(
    "invalid models: the encoder has operator set 11, another part 13, and only 13 and newer can be converted; export them with one version",
  );
  const sampling = readModel(
    model({ opset: 16, inputs: { x: [1, 1, 2, 2], g: [1, 2, 2, 2] }, nodes: [node("GridSample", "x g", "y")] }),
  );
  expect(() => raise(sampling, 20, "encoder")).toThrow('GridSample node "y" changed its meaning in between');
});

test("a split into equal parts says into how many from operator set 18 on", async () => {
  const split = readModel(model({ opset: 13, inputs: { x: [4] }, nodes: [node("Split", "x", "a b", { axis: 0 })] }));
  const runner = await openSession(ort, raise(split, 18, "encoder").bytes, session);
  expect([...((await run(runner, { x: tensor([1, 2, 3, 4]) })).b.data as Float32Array)]).toEqual([3, 4]);
});

/** s' = 2 s + c + embedding[word];  logits = [s', -s'] */
const step = (rank: 1 | 2) =>
  readModel(
    encodeModel(
      (() => {
        const base = readModel(
          model({
            opset: 13,
            inputs: {
              word: { type: DataType.INT64, dims: rank === 1 ? [1] : [1, 1], values: [0], fed: true },
              s: [1, 1],
              context: [1, 1],
              e: floats([1, 10, 100], [3, 1]),
              two: floats(2),
            },
            nodes: [
              node("Relu", "context", "c"),
              node("Gather", "e word", rank === 1 ? "w" : "w3", { axis: 0 }),
              ...(rank === 1 ? [] : [node("Squeeze", "w3 axis", "w")]),
              node("Mul", "s two", "s2"),
              node("Add", "s2 c", "sc"),
              node("Add", "sc w", "next"),
              node("Neg", "next", "minus"),
              node("Concat", "next minus", "logits", { axis: 1 }),
            ],
            outputs: ["logits", "next"],
            free: ["s", "context", "word"],
          }),
        );
        const output = [
          makeValueInfo("logits", DataType.FLOAT, ["N", 2]),
          makeValueInfo("next", DataType.FLOAT, ["N", 1]),
        ];
        const axis = readModel(
          model({ opset: 13, inputs: { axis: ints([1]) }, nodes: [node("Identity", "axis", "y")] }),
        ).graph.initializer;
        return changed(base.proto, {
          graph: changed(base.graph, { output, initializer: [...base.graph.initializer, ...axis] }),
        });
      })(),
    ),
  );

test.each([1, 2] as const)("a step decoder over three words, its word of rank %i", async (rank) => {
  const state = [{ input: "s", output: "next", given: false }];
  const whole = unroll({ model: step(rank), token: "word", logits: "logits", state }, 3);
  expect(whole.inputs.map(({ name }) => name)).toEqual([unrolled.ids, "context"]);
  expect(declaredDims(whole.graph.output[0])).toEqual(["batch", 3, 2]);
  expect([...whole.initializers.keys()].filter((name) => name === "e")).toHaveLength(1);
  expect(whole.graph.node.filter(({ opType }) => opType === "Relu")).toHaveLength(1); // once, not for each word
  const runner = await openSession(ort, whole.bytes, session);
  const ids = new ort.Tensor("int64", BigInt64Array.of(0n, 1n, 2n, 2n, 1n, 0n), [2, 3]);
  const { [unrolled.logits]: logits } = await run(runner, { [unrolled.ids]: ids, context: tensor([5, 0], [2, 1]) });
  // s: 0+5+1 = 6, 12+5+10 = 27, 54+5+100 = 159;  100, 200+10 = 210, 420+1 = 421
  expect([...(logits.data as Float32Array)]).toEqual([6, -6, 27, -27, 159, -159, 100, -100, 210, -210, 421, -421]);
});

test("a first state that is given is an input", async () => {
  const state = [{ input: "s", output: "next", given: true }];
  const whole = unroll({ model: step(1), token: "word", logits: "logits", state }, 2);
  const runner = await openSession(ort, whole.bytes, session);
  const ids = new ort.Tensor("int64", BigInt64Array.of(0n, 0n), [1, 2]);
  const { [unrolled.logits]: logits } = await run(runner, {
    [unrolled.ids]: ids,
    s: tensor([3], [1, 1]),
    context: tensor([0], [1, 1]),
  });
  expect([...(logits.data as Float32Array)]).toEqual([7, -7, 15, -15]);
});

test("names that a decoder does not have", () => {
  const state = [{ input: "s", output: "next", given: true }];
  expect(() => unroll({ model: step(1), token: "token", logits: "logits", state }, 2)).toThrow(
    'unknown input: "token"; the decoder has word, s, context',
  );
  expect(() => unroll({ model: step(1), token: "word", logits: "scores", state }, 2)).toThrow(
    'unknown output: "scores"; the decoder has logits, next',
  );
});
