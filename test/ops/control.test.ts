/** @file Graphs inside nodes: If, Loop and Scan. */
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { type CheckOptions, checkVjp } from "../../src/autodiff/check.ts";
import { vjp } from "../../src/autodiff/vjp.ts";
import {
  type AttributeValue,
  changed,
  DataType,
  type GraphProto,
  makeGraph,
  makeTensor,
  makeValueInfo,
  type NodeProto,
} from "../../src/onnx/proto.ts";
import {
  bools,
  floats,
  ints,
  model,
  type Numbers,
  node,
  randomFeeds,
  type Sources,
  tensor,
  type Wanted,
} from "../models.ts";
import { session } from "./rules.ts";

/** A graph inside a node; inputs without a type, as they may be. Its weights are float32. */
const inside = (
  inputs: string,
  nodes: readonly NodeProto[],
  outputs: string,
  weights: Readonly<Record<string, Numbers>> = {},
): AttributeValue => ({
  graph: makeGraph({
    name: "inside",
    node: [...nodes],
    input: inputs.split(" ").filter(Boolean).map(typed),
    output: outputs.split(" ").map(typed),
    initializer: Object.entries(weights).map(([name, { dims, values }]) =>
      makeTensor(name, DataType.FLOAT, dims, Float32Array.from(values)),
    ),
  }),
});

/** `i` counts steps, `on` says whether there is another, all else is float32. */
const typed = (name: string) =>
  /^i\d?$|^on/.test(name)
    ? makeValueInfo(name, name.startsWith("on") ? DataType.BOOL : DataType.INT64, [])
    : makeValueInfo(name, DataType.FLOAT);

interface Checked extends Omit<Partial<Wanted>, "nodes">, Pick<CheckOptions, "wrt" | "step"> {
  readonly nodes: readonly NodeProto[];
  readonly most?: number;
}

/** Checks every float32 input and each output, on several feeds: a condition holds on some of them. */
async function expectRight(sources: Sources, { most = 1e-2, wrt, step = 3e-3, ...wanted }: Checked) {
  const bytes = model({ opset: 13, inputs: sources, ...wanted });
  for (const output of wanted.outputs ?? wanted.nodes.at(-1)?.output ?? [])
    for (const seed of [1000, 1001, 1002]) {
      const feeds = randomFeeds(sources, (normal) => normal.map((v) => v / 2), seed);
      const checks = await checkVjp(ort, bytes, { feeds, output, wrt, session, directions: 1, step });
      for (const { input, error } of checks) expect(error, `d ${output} / d ${input}`).toBeLessThan(most);
    }
}

/** Whether the sum of x is positive: known at run time only. */
const condition = [node("ReduceSum", "x", "sum", { keepdims: 0 }), node("Greater", "sum zero", "on")];
const zero = floats(0);

/** The steps of a Loop as a scalar. */
const steps = (count: number) => ({ ...ints(count), fed: true });

describe("If", () => {
  const then_branch = inside("", [node("MatMul", "x w", "m"), node("Tanh", "m", "r")], "r");
  const else_branch = inside("", [node("MatMul", "x v", "m"), node("Add", "m b", "r")], "r", {
    b: floats([1, 2, 3, 4]),
  });
  const choice = node("If", "on", "y", { then_branch, else_branch });
  const inputs = { x: [2, 3], w: [3, 4], v: [3, 4], zero };

  test.each([8, 9, 11, 13, 19])("on a condition of the run, opset %i", async (opset) => {
    await expectRight(inputs, { opset, nodes: [...condition, choice] });
  });

  test("with a free batch, and nodes around it", async () => {
    const nodes = [...condition, changed(choice, { output: ["h"] }), node("Sigmoid", "h", "y")];
    await expectRight(inputs, { nodes, free: ["x"] });
  });

  test("what the branch that is not taken reads gets zeros of its shape", async () => {
    const bytes = model({ opset: 13, inputs, nodes: [...condition, choice] });
    const feeds = { ...randomFeeds(inputs), x: tensor([1, 1, 1, 1, 1, 1], [2, 3]) };
    const seeds = { y: tensor(Array(8).fill(1), [2, 4]) };
    const { gradients } = await vjp(ort, bytes, { feeds, seeds, wrt: ["w", "v"], session });
    expect(gradients.v.dims).toEqual([3, 4]);
    expect([...gradients.v.data]).toEqual(Array(12).fill(0));
    expect([...gradients.w.data]).not.toContain(0);
  });

  test("of branches with results of different shapes and several outputs", async () => {
    const branches = {
      then_branch: inside("", [node("Relu", "x", "a"), node("Mul", "x w", "b")], "a b"),
      else_branch: inside("", [node("Concat", "x w x", "a", { axis: 1 }), node("Exp", "w", "b")], "a b"),
    };
    const nodes = [
      ...condition,
      node("If", "on", "a b", branches),
      node("ReduceMean", "a", "mean", { axes: [1], keepdims: 0 }),
      node("Sigmoid", "b", "y"),
    ];
    await expectRight({ x: [2, 3], w: [2, 3], zero }, { nodes, outputs: ["mean", "y"], free: ["x", "w"] });
  });

  test("of a branch that gives a constant, and one that hands through what it reads", async () => {
    const branches = {
      then_branch: inside("", [node("Identity", "x", "r")], "r"),
      else_branch: inside("", [node("Identity", "c", "r")], "r", { c: floats([1, 2, 3, 4, 5, 6], [2, 3]) }),
    };
    await expectRight(
      { x: [2, 3], zero },
      { nodes: [...condition, node("If", "on", "h", branches), node("Mul", "h x", "y")] },
    );
  });

  test("of a branch without a node", async () => {
    const branches = {
      then_branch: inside("", [node("Sin", "x", "r")], "r"),
      else_branch: inside("", [], "r", { r: floats([1, 2, 3, 4, 5, 6], [2, 3]) }),
    };
    const nodes = [...condition, node("If", "on", "h", branches), node("Mul", "h x", "y")];
    await expectRight({ x: [2, 3], zero }, { nodes });
  });

  test("guided backpropagation goes through the rectifiers of a branch", async () => {
    const rectify = [node("Relu", "x", "h"), node("Mul", "h w", "r")];
    const other = inside("", [node("Neg", "x", "r")], "r");
    const branches = { then_branch: inside("", rectify, "r"), else_branch: other };
    const sources = { x: [2, 3], w: floats([1, -1, 2]), zero };
    const plain = [rectify[0], node("Mul", "h w", "y")];
    const [branched, straight] = await Promise.all(
      [[...condition, node("If", "on", "y", branches)], plain].map(async (nodes) => {
        const feeds = { x: tensor([1, 2, 3, 4, -1, 6], [2, 3]) };
        const seeds = { y: tensor(Array(6).fill(1), [2, 3]) };
        const bytes = model({ opset: 13, inputs: sources, nodes });
        return [...(await vjp(ort, bytes, { feeds, seeds, wrt: ["x"], rules: "guided", session })).gradients.x.data];
      }),
    );
    expect(branched).toEqual([1, 0, 2, 1, 0, 2]);
    expect(straight).toEqual(branched);
  });

  test("a branch that draws random numbers is refused", async () => {
    const draw = inside("", [node("RandomNormalLike", "x", "noise"), node("Mul", "x noise", "r")], "r");
    const nodes = [...condition, node("If", "on", "y", { then_branch: draw, else_branch: draw })];
    await expect(expectRight({ x: [2, 3], zero }, { nodes })).rejects.toThrow("draws random numbers");
  });

  test("a branch on a tensor whose rank only the run knows is refused", async () => {
    const branches = {
      then_branch: inside("", [node("Exp", "z", "r")], "r"),
      else_branch: inside("", [node("Neg", "z", "r")], "r"),
    };
    const nodes = [
      ...condition,
      node("Squeeze", "shape", "given"),
      node("Reshape", "x given", "z"),
      node("If", "on", "h", branches),
      node("Reshape", "h flat", "y"),
    ];
    const sources = { x: [2, 3], zero, flat: ints([6]), shape: { ...ints([3, 2]), fed: true } };
    await expect(expectRight(sources, { nodes })).rejects.toMatchObject({
      code: "unsupported-operator",
      message: expect.stringContaining('If node "h": ONNX Runtime cannot infer the shapes inside its then_branch'),
    });
  });

  test("in an If", async () => {
    const inner = [
      node("ReduceMax", "x", "max", { keepdims: 0 }),
      node("Sin", "x", "s"),
      node("Greater", "max half", "on2"),
      node("If", "on2", "r", {
        then_branch: inside("", [node("Mul", "s w", "m"), node("Mul", "m x", "t")], "t"),
        else_branch: inside("", [node("Add", "s w", "t")], "t"),
      }),
    ];
    const branches = {
      then_branch: inside("", inner, "r"),
      else_branch: inside("", [node("Exp", "x", "r")], "r"),
    };
    const nodes = [...condition, node("If", "on", "y", branches)];
    await expectRight({ x: [2, 3], w: [2, 3], zero, half: floats(0.5) }, { nodes });
  });

  test("twice, with the same names inside", async () => {
    const nodes = [
      ...condition,
      choice,
      node("ReduceSum", "y", "sum2", { keepdims: 0 }),
      node("Less", "sum2 zero", "on2"),
      changed(choice, { input: ["on2"], output: ["z"] }),
      node("Mul", "y z", "r"),
    ];
    await expectRight(inputs, { nodes });
  });

  test.each([true, false])("on a constant: %s", async (on) => {
    const branch = node("If", "on", "y", { then_branch, else_branch });
    const sources = { ...inputs, on: bools([Number(on)], []) };
    await expectRight(sources, { nodes: [branch], wrt: ["x", on ? "w" : "v"] });
    await expect(expectRight(sources, { nodes: [branch], wrt: [on ? "v" : "w"] })).rejects.toThrow("no path");
  });

  test("on a constant, where the other branch has no gradient", async () => {
    const never = inside("", [node("MatMul", "x w", "m"), node("Hardmax", "m", "h"), node("Det", "h", "r")], "r");
    const taken = inside("", [node("ReduceSum", "x", "r", { keepdims: 0 })], "r");
    const branch = node("If", "on", "y", { then_branch: never, else_branch: taken });
    await expectRight({ x: [2, 3], w: [3, 2], on: bools([0], []) }, { nodes: [branch], wrt: ["x"] });
  });

  test("on the shape of its input, as exporters write it", async () => {
    const nodes = [
      node("Shape", "x", "shape"),
      node("Gather", "shape first", "n"),
      node("Equal", "n two", "on"),
      choice,
    ];
    for (const two of [2, 3]) await expectRight({ ...inputs, first: ints(0), two: ints(two) }, { nodes, free: ["x"] });
  });
});

describe("Loop", () => {
  const body = (over: readonly NodeProto[], outputs: string, inputs = "i on v") => inside(inputs, over, outputs);
  /** v <- tanh(v w) + b, and each v is stacked. */
  const step = [
    node("MatMul", "v w", "m"),
    node("Tanh", "m", "t"),
    node("Add", "t b", "next"),
    node("Identity", "next", "s"),
    node("Identity", "on", "on1"),
  ];
  const recurrent = node("Loop", "M - x", "y ys", { body: body(step, "on1 next s") });
  const inputs = { x: [2, 3], w: [3, 3], b: [3] };

  test.each([8, 9, 11, 13, 19])("of a constant number of steps, opset %i", async (opset) => {
    await expectRight({ ...inputs, M: ints(3) }, { opset, nodes: [recurrent] });
  });

  test.each([0, 1, 4])("of a number that the run knows: %i", async (count) => {
    await expectRight({ ...inputs, M: steps(count) }, { nodes: [recurrent], free: ["x"], outputs: ["y"] });
  });

  test("what follows it has a shape", async () => {
    const nodes = [
      recurrent,
      node("ReduceSum", "ys", "sum", { keepdims: 0, axes: [0] }),
      node("Gemm", "y w b", "g"),
      node("Mul", "g sum", "r"),
    ];
    await expectRight({ ...inputs, M: ints(3) }, { opset: 12, nodes, free: ["x"] });
  });

  test("that ends on what it computes", async () => {
    const until = [
      node("Mul", "v w", "next"),
      node("ReduceMax", "next", "max", { keepdims: 0 }),
      node("Less", "max limit", "on1"),
      node("Sin", "next", "s"),
    ];
    const grown = node("Loop", "M - x", "y ys", { body: body(until, "on1 next s") });
    const nodes = [node("Abs", "x0", "x"), grown];
    await expectRight(
      { x0: [2, 3], w: floats([1.5, 1.6, 1.7]), limit: floats(2), M: steps(20) },
      { nodes, outputs: ["y"] },
    );
  });

  test("with several states, one of which counts", async () => {
    const steps2 = [
      node("Cast", "i", "k", { to: DataType.FLOAT }),
      node("Add", "n one", "n1"),
      node("Mul", "n1 u", "nu"),
      node("Add", "v nu", "a"),
      node("Mul", "a k", "v1"),
      node("Mul", "v u", "u1"),
      node("Identity", "on", "on1"),
    ];
    const loop = node("Loop", "M yes n0 x z", "n v u", { body: inside("i on n v u", steps2, "on1 n1 v1 u1") });
    await expectRight(
      { x: [2, 3], z: [2, 3], n0: floats(1), one: floats(1), M: ints(3), yes: bools([1], []) },
      { nodes: [loop], outputs: ["v", "u"] },
    );
  });

  test("of the features' own steps: an If in it, and it in an If", async () => {
    const chosen = [
      node("ReduceSum", "v", "sum1", { keepdims: 0 }),
      node("Less", "sum1 zero", "on2"),
      node("If", "on2", "next", {
        then_branch: inside("", [node("Mul", "v w", "r")], "r"),
        else_branch: inside("", [node("Sub", "v w", "d"), node("Sin", "d", "r")], "r"),
      }),
      node("Identity", "on", "on1"),
    ];
    const loop = node("Loop", "M - x", "r", { body: inside("i on v", chosen, "on1 next") });
    const sources = { x: [2, 3], w: [2, 3], M: ints(3), zero };
    await expectRight(sources, { nodes: [changed(loop, { output: ["y"] })] });
    const branches = { then_branch: inside("", [loop], "r"), else_branch: inside("", [node("Exp", "w", "r")], "r") };
    await expectRight(sources, { nodes: [...condition, node("If", "on", "y", branches)] });
  });

  test("in a Loop", async () => {
    const innerStep = [node("Mul", "u v", "p"), node("Sin", "p", "u1"), node("Identity", "on2", "on3")];
    const outerStep = [
      node("Loop", "M2 - v", "last", { body: inside("i2 on2 u", innerStep, "on3 u1") }),
      node("Add", "last w", "next"),
      node("Identity", "on", "on1"),
    ];
    const loop = node("Loop", "M - x", "y", { body: inside("i on v", outerStep, "on1 next") });
    await expectRight({ x: [2, 3], w: [2, 3], M: ints(2), M2: ints(2) }, { nodes: [loop] });
  });

  test("of steps whose sizes only the run knows", async () => {
    const part = [
      node("Add", "i one", "end"),
      node("Unsqueeze", "i axis", "from"),
      node("Unsqueeze", "end axis", "to"),
      node("Slice", "x from to", "row"),
      node("Mul", "row v", "p"),
      node("Sin", "p", "next"),
      node("Identity", "on", "on1"),
    ];
    const loop = node("Loop", "M - v0", "y", { body: inside("i on v", part, "on1 next") });
    await expectRight({ x: [3, 4], v0: [1, 4], M: ints(3), one: ints(1), axis: ints([0]) }, { nodes: [loop] });
  });

  test("whose state grows is refused", async () => {
    const grow = [node("Concat", "v x", "next", { axis: 0 }), node("Identity", "on", "on1")];
    const loop = node("Loop", "M - x", "y", { body: inside("i on v", grow, "on1 next") });
    const inputs = { x: [2, 3], M: ints(2), shape: ints([18]) };
    const bytes = model({ opset: 13, inputs, nodes: [loop, node("Reshape", "y shape", "s")] });
    const seeds = { s: tensor(Array(18).fill(1)) };
    const asked = { feeds: randomFeeds({ x: [2, 3] }), seeds, wrt: ["x"], session };
    await expect(vjp(ort, bytes, asked)).rejects.toMatchObject({
      code: "unsupported-operator",
      message: expect.stringContaining("changes its shape"),
    });
  });
});

describe("Scan", () => {
  const step = [
    node("MatMul", "h r", "hr"),
    node("Add", "s hr", "a"),
    node("Tanh", "a", "next"),
    node("Mul", "next q", "o"),
  ];
  const body = inside("h s q", step, "next o");
  const inputs = { x: [2, 3], ss: [4, 2, 3], qs: [4, 2, 3], r: [3, 3] };

  test.each([9, 11, 16])("with states, slices and an outer tensor, opset %i", async (opset) => {
    await expectRight(inputs, { opset, nodes: [node("Scan", "x ss qs", "y ys", { body, num_scan_inputs: 2 })] });
  });

  test.each([
    [[0, 1], [1]],
    [[1, 0], [0]],
    [[1, 1], [1]],
  ])("directions %j and %j", async (ins, outs) => {
    const directions = { scan_input_directions: ins, scan_output_directions: outs };
    await expectRight(inputs, {
      nodes: [node("Scan", "x ss qs", "y ys", { body, num_scan_inputs: 2, ...directions })],
    });
  });

  test.each([
    [[1, -1], [-1]],
    [[2, 0], [1]],
  ])("axes %j and %j", async (ins, outs) => {
    const laidOut = (dims: number[], axis: number) =>
      axis ? [2, 3, 4].map((_, i, all) => (axis < 0 || axis === 2 ? all[i] : [2, 4, 3][i])) : dims;
    const sources = { ...inputs, ss: laidOut([4, 2, 3], ins[0]), qs: laidOut([4, 2, 3], ins[1]) };
    const scan = node("Scan", "x ss qs", "y ys", {
      body,
      num_scan_inputs: 2,
      scan_input_axes: ins,
      scan_output_axes: outs,
      scan_input_directions: [0, 1],
    });
    await expectRight(sources, { nodes: [scan] });
  });

  test("of operator set 8 is refused", async () => {
    const scan = node("Scan", "- x ss", "y", {
      body: inside("h s", [node("Add", "h s", "next")], "next"),
      num_scan_inputs: 1,
    });
    const bytes = model({ opset: 8, inputs: { x: [1, 3], ss: [1, 4, 3] }, nodes: [scan] });
    const asked = {
      feeds: randomFeeds({ x: [1, 3], ss: [1, 4, 3] }),
      seeds: { y: tensor([1, 1, 1], [1, 3]) },
      wrt: ["x"],
    };
    await expect(vjp(ort, bytes, { ...asked, session })).rejects.toThrow("before operator set 9");
  });

  test("without states", async () => {
    const each = inside("s", [node("MatMul", "s r", "m"), node("Sin", "m", "o")], "o");
    await expectRight(
      { ss: [4, 2, 3], r: [3, 3] },
      { nodes: [node("Scan", "ss", "y", { body: each, num_scan_inputs: 1 })] },
    );
  });

  test("in half precision", async () => {
    const half = (text: string) => text.split(" ");
    const names = ["x", "ss", "qs", "r"];
    const typedHalf = changed((body as { graph: GraphProto }).graph, {
      input: half("h s q").map((name) => makeValueInfo(name, DataType.FLOAT16)),
      output: half("next o").map((name) => makeValueInfo(name, DataType.FLOAT16)),
    });
    const nodes = [
      ...names.map((name) => node("Cast", name, `${name}h`, { to: DataType.FLOAT16 })),
      node("Scan", "xh ssh qsh", "yh ysh", {
        body: {
          graph: changed(typedHalf, {
            node: typedHalf.node.map((n) => changed(n, { input: n.input.map((name) => (name === "r" ? "rh" : name)) })),
          }),
        },
        num_scan_inputs: 2,
      }),
      node("Cast", "ysh", "y", { to: DataType.FLOAT }),
    ];
    await expectRight(inputs, { nodes, step: 0.1, most: 0.1 });
  });
});
