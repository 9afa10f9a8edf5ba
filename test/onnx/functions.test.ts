/** @file Functions of a model's own: inlined, they give what ONNX Runtime gives with them, and the gradients are right. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { checkVjp } from "../../src/autodiff/check.ts";
import { prepared } from "../../src/autodiff/prepare.ts";
import { vjp } from "../../src/index.ts";
import type { Fields } from "../../src/onnx/message.ts";
import { readModel } from "../../src/onnx/model.ts";
import {
  type AttributeProto,
  changed,
  DataType,
  decodeModel,
  encodeModel,
  type FunctionProto,
  float,
  makeFunction,
  makeGraph,
  makeImport,
  makeNode,
  makeValueInfo,
  type NodeProto,
} from "../../src/onnx/proto.ts";
import { openSession, run } from "../../src/onnx/runtime.ts";
import { distance, readNpy } from "../arrays.ts";
import { type Attributes, floats, model, node, randomFeeds } from "../models.ts";

const session = { intraOpNumThreads: 1 };
const domain = "local";

/** A call of a function. */
const call = (name: string, inputs: string, outputs: string, attributes: Attributes = {}, overload = ""): NodeProto =>
  changed(node(name, inputs, outputs, attributes), { domain, overload });

/** The node with an attribute that is one of the function it stands in. */
function referring(plain: NodeProto, name: string, to: string): NodeProto {
  const [attribute] = makeNode("", [], [], { [name]: float(0) }).attribute;
  return changed(plain, { attribute: [...plain.attribute, changed(attribute, { refAttrName: to })] });
}

const attributeOf = (attributes: Attributes): AttributeProto[] => makeNode("", [], [], attributes).attribute;

function fn(name: string, inputs: string, outputs: string, node: NodeProto[], more: Fields<FunctionProto> = {}) {
  const names = (text: string) => text.split(" ").filter(Boolean);
  const opsetImport = [makeImport("", 17), makeImport(domain, 1)];
  return makeFunction({ name, domain, input: names(inputs), output: names(outputs), node, opsetImport, ...more });
}

const x = { x: [2, 3] };
function withFunctions(nodes: NodeProto[], functions: FunctionProto[], outputs = ["y"], inputs = {}): Uint8Array {
  const proto = decodeModel(model({ opset: 17, inputs: { ...x, ...inputs }, nodes, outputs }));
  const imports = proto.opsetImport.some((o) => o.domain === domain) ? [] : [makeImport(domain, 1)];
  return encodeModel(changed(proto, { functions, opsetImport: [...proto.opsetImport, ...imports] }));
}

/** What ONNX Runtime makes of the file, and of the same with its functions inlined; and the gradients by differences. */
async function expectRight(bytes: Uint8Array): Promise<NodeProto[]> {
  const feeds = randomFeeds(x);
  const written = await prepared(readModel(bytes));
  expect(written.rewritten).toEqual(["functions inlined"]);
  const [right, got] = await Promise.all(
    [bytes, written.bytes].map(async (file) => run(await openSession(ort, file, session), feeds)),
  );
  expect(Object.keys(got)).toEqual(Object.keys(right));
  for (const name of Object.keys(right)) expect(distance(got[name], right[name])).toBeLessThan(1e-6);
  for (const check of await checkVjp(ort, bytes, { feeds, step: 3e-3, session }))
    expect(check.error).toBeLessThan(1e-2);
  return written.graph.node;
}

const silu = fn("Silu", "a", "b", [node("Sigmoid", "a", "t"), node("Mul", "a t", "b")]);

describe("a function on the path", () => {
  test("called twice: its tensors have names of their own", async () => {
    const nodes = await expectRight(withFunctions([call("Silu", "x", "h"), call("Silu", "h", "y")], [silu]));
    expect(nodes.map(({ opType, output: [name] }) => `${opType} ${name}`)).toEqual([
      "Sigmoid h/t",
      "Mul h",
      "Sigmoid y/t",
      "Mul y",
    ]);
  });

  test("a tensor of the model that has the name already", async () => {
    const nodes = [node("Neg", "x", "y/t"), call("Silu", "y/t", "y")];
    expect((await expectRight(withFunctions(nodes, [silu]))).map(({ output }) => output[0])).toContain("y/t_2");
  });

  test("functions that call functions, and an attribute handed through both", async () => {
    const leaky = fn("Leaky", "a", "b", [referring(node("LeakyRelu", "a", "b"), "alpha", "slope")], {
      attribute: ["slope"],
    });
    const twice = fn(
      "Twice",
      "p",
      "q",
      [
        referring(call("Leaky", "p", "r"), "slope", "first"),
        call("Leaky", "r", "s", { slope: float(0.25) }),
        call("Silu", "s", "q"),
      ],
      { attribute: ["first"] },
    );
    const nodes = await expectRight(
      withFunctions([call("Twice", "x", "y", { first: float(0.5) })], [twice, leaky, silu]),
    );
    expect(nodes.slice(0, 2).map(({ attribute: [a] }) => [a.name, a.f, a.refAttrName])).toEqual([
      ["alpha", 0.5, ""],
      ["alpha", 0.25, ""],
    ]);
  });

  test.each([
    ["its default", {}, 0.25],
    ["what is given", { slope: float(0.75) }, 0.75],
  ])("an attribute with a default: %s", async (_, attributes, alpha) => {
    const leaky = fn("Leaky", "a", "b", [referring(node("LeakyRelu", "a", "b"), "alpha", "slope")], {
      attributeProto: attributeOf({ slope: float(0.25) }),
    });
    const [made] = await expectRight(withFunctions([call("Leaky", "x", "y", attributes)], [leaky]));
    expect(made.attribute.map(({ f }) => f)).toEqual([alpha]);
  });

  test("an attribute that is not given is that of the operator", async () => {
    const leaky = fn("Leaky", "a", "b", [referring(node("LeakyRelu", "a", "b"), "alpha", "slope")], {
      attribute: ["slope"],
    });
    const [made] = await expectRight(withFunctions([call("Leaky", "x", "y")], [leaky]));
    expect(made.attribute).toEqual([]);
  });

  test("an output that is left out, and one that nothing reads", async () => {
    const two = fn("Two", "a", "b c", [node("Exp", "a", "b"), node("Tanh", "a", "c")]);
    await expectRight(withFunctions([call("Two", "x", "- y")], [two]));
    await expectRight(withFunctions([call("Two", "x", "y rest")], [two]));
  });

  test("an input that is left out is left out inside", async () => {
    const clip = fn("Clamp", "a lo hi", "b", [node("Clip", "a lo hi", "b")]);
    await expectRight(withFunctions([call("Clamp", "x - top", "y")], [clip], ["y"], { top: floats(0.5) }));
  });

  test("overloads", async () => {
    const [one, two] = ["one", "two"].map((overload, i) =>
      fn("F", "a", "b", [node(i ? "Tanh" : "Sigmoid", "a", "b")], { overload }),
    );
    const proto = decodeModel(
      withFunctions([call("F", "x", "h", {}, "two"), call("F", "h", "y", {}, "one")], [one, two]),
    );
    const nodes = await expectRight(encodeModel(changed(proto, { irVersion: 10n })));
    expect(nodes.map(({ opType }) => opType)).toEqual(["Tanh", "Sigmoid"]);
  });

  test("a graph inside the function, and a call inside a graph", async () => {
    const inside = (...nodes: NodeProto[]) => ({
      graph: makeGraph({ name: "inside", node: nodes, output: [makeValueInfo("o", DataType.FLOAT)] }),
    });
    const choose = fn(
      "Choose",
      "a on",
      "b",
      [
        node("Tanh", "a", "t"),
        node("If", "on", "b", {
          then_branch: inside(call("Silu", "t", "o")),
          else_branch: inside(referring(node("LeakyRelu", "a", "o"), "alpha", "slope")),
        }),
      ],
      { attribute: ["slope"] },
    );
    const condition = [node("ReduceSum", "x", "sum", { keepdims: 0 }), node("Greater", "sum zero", "on")];
    const bytes = (flip: boolean) =>
      withFunctions(
        [
          ...condition,
          node("Not", "on", "off"),
          call("Choose", `x ${flip ? "on" : "off"}`, "y", { slope: float(0.5) }),
        ],
        [choose, silu],
        ["y"],
        { zero: floats(0) },
      );
    await expectRight(bytes(true));
    await expectRight(bytes(false));
  });

  test("a domain that only the function imports", async () => {
    const gelu = fn("MyGelu", "a", "b", [changed(node("Gelu", "a", "b"), { domain: "com.microsoft" })], {
      opsetImport: [makeImport("", 17), makeImport("com.microsoft", 1)],
    });
    await expectRight(withFunctions([call("MyGelu", "x", "y")], [gelu]));
  });

  test("in a file of others", async () => {
    const file = (of: string) => fileURLToPath(new URL(`../cases/files/function_on_path/${of}`, import.meta.url));
    const [feeds, seeds] = [{ x: readNpy(file("x.npy")) }, { logits: readNpy(file("seed.npy")) }];
    const { gradients } = await vjp(ort, new Uint8Array(readFileSync(file("model.onnx"))), {
      feeds,
      seeds,
      wrt: ["x"],
    });
    expect(distance(gradients.x, readNpy(file("right_gradient.npy")))).toBeLessThan(6e-3);
  });
});

describe("left as they are", () => {
  test("a function that has the name of an operator of the runtime: the runtime takes its own", async () => {
    const gelu = fn("Gelu", "a", "b", [node("Neg", "a", "b")], { domain: "com.microsoft" });
    const bytes = withFunctions([changed(node("Gelu", "x", "y"), { domain: "com.microsoft" })], [gelu]);
    const read = readModel(bytes);
    expect(await prepared(read)).toBe(read);
    for (const { error } of await checkVjp(ort, bytes, { feeds: randomFeeds(x), session }))
      expect(error).toBeLessThan(1e-2);
  });

  test("a function that no input comes to, and one that nothing calls", async () => {
    const nodes = [call("Silu", "w", "c"), node("Mul", "x c", "y")];
    const bytes = withFunctions(nodes, [silu, fn("Other", "a", "b", [node("Neg", "a", "b")])], ["y"], {
      w: floats([1, 2, 3]),
    });
    const read = readModel(bytes);
    expect(await prepared(read)).toBe(read);
    for (const { error } of await checkVjp(ort, bytes, { feeds: randomFeeds(x), session }))
      expect(error).toBeLessThan(1e-2);
  });
});

describe("refused in one line", () => {
  test("a function that calls itself", async () => {
    const loop = fn("F", "a", "b", [call("F", "a", "b")]);
    await expect(prepared(readModel(withFunctions([call("F", "x", "y")], [loop])))).rejects.toThrow(
      /^invalid model: local\.F node "b" is a function that calls itself$/,
    );
  });

  test("functions that double thirty times over", async () => {
    const functions = Array.from({ length: 30 }, (_, i) =>
      fn(`F${i}`, "a", "b", i ? [call(`F${i - 1}`, "a", "t"), call(`F${i - 1}`, "t", "b")] : [node("Relu", "a", "b")]),
    );
    await expect(prepared(readModel(withFunctions([call("F29", "x", "y")], functions)))).rejects.toThrow(
      /^invalid model: .* more than 1000000 nodes when its functions are inlined$/,
    );
  });
});
