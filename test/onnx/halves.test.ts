/** @file Half precision is handed over as the runtime reads it: the real ones on whatever Node.js runs this, and ones made up here. */

import * as native from "onnxruntime-node";
import * as wasm from "onnxruntime-web";
import { beforeAll, describe, expect, test } from "vitest";
import { numberToHalf } from "../../src/array/half.ts";
import {
  DataType,
  encodeModel,
  makeGraph,
  makeImport,
  makeModel,
  makeNode,
  makeValueInfo,
} from "../../src/onnx/proto.ts";
import { type Feeds, openSession, type Runtime, run, type Tensor } from "../../src/onnx/runtime.ts";
import { toDense, toTensor } from "../../src/onnx/tensors.ts";

beforeAll(() => {
  wasm.env.wasm.numThreads = 1;
  wasm.env.logLevel = "error";
});

const twice = encodeModel(
  makeModel({
    irVersion: 7n,
    opsetImport: [makeImport("", 13)],
    graph: makeGraph({
      name: "twice",
      node: [makeNode("Add", ["x", "x"], ["y"])],
      input: [makeValueInfo("x", DataType.FLOAT16, ["n"])],
      output: [makeValueInfo("y", DataType.FLOAT16, ["n"])],
    }),
  }),
);

describe.each<[string, Runtime]>([
  ["onnxruntime-node", native],
  ["onnxruntime-web", wasm],
])("%s", (_, ort) => {
  const numbers = [0.5, -3, 2 ** -24, 65504 / 2, 1 / 3];
  const nearest = [0.5, -3, 2 ** -24, 32752, 0.333251953125];

  test("numbers, bit patterns and its own results are fed alike", async () => {
    const session = await openSession(ort, twice);
    const bits = Uint16Array.of(0x3800, 0xc200, 1, 0x77ff, 0x3555);
    const feeds = [
      toTensor(ort, { data: Float32Array.from(numbers), dims: [5] }, "float16"),
      new ort.Tensor("float16", bits, [5]),
    ];
    for (const x of feeds) {
      const { y } = await run(session, { x });
      expect([...toDense(y).data]).toEqual(nearest.map((v) => 2 * v));
      const { y: again } = await run(session, { x: y });
      expect([...toDense(again).data]).toEqual(nearest.map((v) => (4 * v > 65504 ? Number.POSITIVE_INFINITY : 4 * v)));
    }
    await session.release();
  });
});

/** An array of the platform's own: 16 bits a number, and no Uint16Array. */
class Own extends Int16Array {
  static override from(numbers: ArrayLike<unknown> | Iterable<unknown>): Own {
    return Own.of(...Array.from(numbers, (v) => numberToHalf(Number(v))));
  }
}

/** A runtime that gives back what it reads, and notes it; `reads` says which arrays it can. */
function runtime(reads: (data: unknown) => boolean) {
  const fed: string[] = [];
  let made = 0;
  class MadeTensor {
    constructor(
      readonly type: string,
      readonly data: unknown,
      readonly dims: readonly number[],
    ) {}
  }
  const create = async () => {
    made++;
    return {
      outputNames: ["y"],
      async run({ x }: Feeds) {
        fed.push(x.data.constructor.name);
        if (!reads(x.data)) throw new Error("not enough space: expected 4, got 0");
        const { buffer } = x.data as Int16Array<ArrayBuffer>;
        return { y: new MadeTensor("float16", new Uint16Array(buffer), x.dims) };
      },
      release: async () => {},
    };
  };
  const ort = { InferenceSession: { create }, Tensor: MadeTensor } as unknown as Runtime;
  return { ort, fed, sessions: () => made };
}

describe("a runtime that", () => {
  const isBits = (data: unknown) => data instanceof Uint16Array;
  test.each<[string, (data: unknown) => boolean, string[]]>([
    ["reads bit patterns alone", isBits, ["Own", "Uint16Array", "Uint16Array", "Uint16Array"]],
    ["reads the platform's own array alone", (data) => !isBits(data), ["Own", "Own", "Own"]],
    ["reads both", () => true, ["Own", "Own", "Own"]],
  ])("%s is asked once, and given that", async (_, reads, want) => {
    const { ort, fed, sessions } = runtime(reads);
    const session = await openSession(ort, twice);
    const data = Own.from([1, -2, 1]);
    for (let i = 0; i < 2; i++) {
      const { y } = await run(session, { x: new ort.Tensor("float16", data as object as Uint16Array, [3]) });
      expect([...toDense(y as Tensor).data]).toEqual([1, -2, 1]);
    }
    expect(fed).toEqual(want);
    expect(sessions()).toBe(2);
  });

  test("reads neither says so itself", async () => {
    const { ort } = runtime(() => false);
    const session = await openSession(ort, twice);
    const x = new ort.Tensor("float16", Own.from([1]) as object as Uint16Array, [1]);
    await expect(run(session, { x })).rejects.toThrow(/not enough space/);
  });

  test("is given bit patterns by the user is not asked", async () => {
    const { ort, fed, sessions } = runtime(isBits);
    const session = await openSession(ort, twice);
    await run(session, { x: new ort.Tensor("float16", Uint16Array.of(0x3c00), [1]) });
    expect([fed, sessions()]).toEqual([["Uint16Array"], 1]);
  });
});
