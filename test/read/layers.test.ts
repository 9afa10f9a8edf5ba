/** @file The default layer: of every shape of network the last activation in front of its head, and the bottleneck where scores have a grid. */
import { readFileSync } from "node:fs";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { randomNormal } from "../../src/array/random.ts";
import { product } from "../../src/onnx/dims.ts";
import { changed, decodeModel, encodeModel, type NodeProto } from "../../src/onnx/proto.ts";
import { expectClose, expectUserError, gradCam, numbers, open } from "../explain/ask.ts";
import { model, node, type Sources } from "../models.ts";
import { weights } from "../nets.ts";

const file = (name: string) => new Uint8Array(readFileSync(new URL(`../cases/${name}`, import.meta.url)));
const same = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] };
const half = { ...same, strides: [2, 2] };
const twice = { mode: "nearest" } as const;

let seed = 0;
/** Conv and Relu from one tensor to another. */
function block(from: string, to: string, from_: number, channels: number, how: object = same) {
  const w = `${to}_w`;
  return {
    nodes: [node("Conv", `${from} ${w}`, `${to}_c`, how as typeof same), node("Relu", `${to}_c`, to)],
    inputs: { [w]: weights([channels, from_, 3, 3], ++seed) } as Sources,
  };
}
const up = (from: string, to: string) => node("Upsample", `${from} scales`, to, twice);

function net(
  parts: readonly (NodeProto | { readonly nodes: readonly NodeProto[]; readonly inputs: Sources })[],
  inputs: Readonly<Record<string, readonly number[]>> = { x: [1, 3, 16, 16] },
  more: Sources = {},
  outputs?: readonly string[],
) {
  const nodes = parts.flatMap((part) => ("nodes" in part ? part.nodes : [part]));
  const made = Object.assign({}, ...parts.map((part) => ("inputs" in part ? part.inputs : {}))) as Sources;
  const scales: Sources = nodes.some(({ opType }) => opType === "Upsample")
    ? { scales: { type: 1, dims: [4], values: [1, 1, 2, 2] } }
    : {};
  return model({
    opset: 9,
    inputs: { ...inputs, ...made, ...scales, ...more },
    nodes,
    outputs: outputs && [...outputs],
  });
}
const conv1 = (from: string, to: string, a: number, b: number) => ({
  nodes: [node("Conv", `${from} ${to}_w`, to)],
  inputs: { [`${to}_w`]: weights([b, a, 1, 1], ++seed) } as Sources,
});
const headOf = (from: string, channels: number, classes = 3) => ({
  nodes: [
    node("GlobalAveragePool", from, "pooled"),
    node("Flatten", "pooled", "flat"),
    node("MatMul", "flat head_w", "logits"),
  ],
  inputs: { head_w: weights([channels, classes], ++seed, 1) } as Sources,
});

/** A small U inside of one block: down, deep, up, and the sum with its entry. */
const inner = (name: string, from: string, channels: number) => [
  block(from, `${name}_in`, channels, channels),
  block(`${name}_in`, `${name}_down`, channels, 4, half),
  block(`${name}_down`, `${name}_deep`, 4, 4, half),
  up(`${name}_deep`, `${name}_up1`),
  block(`${name}_up1`, `${name}_mid`, 4, 4),
  up(`${name}_mid`, `${name}_up2`),
  block(`${name}_up2`, `${name}_out`, 4, channels),
  node("Add", `${name}_in ${name}_out`, name),
];

const shapes: Readonly<Record<string, readonly [Uint8Array, string, string?]>> = {
  "U-net": [
    net([
      block("x", "e1", 3, 4),
      block("e1", "e2", 4, 6, half),
      block("e2", "e3", 6, 8, half),
      block("e3", "bottom", 8, 8),
      up("bottom", "u2"),
      node("Concat", "u2 e2", "j2", { axis: 1 }),
      block("j2", "d2", 14, 6),
      up("d2", "u1"),
      node("Concat", "u1 e1", "j1", { axis: 1 }),
      block("j1", "d1", 10, 4),
      conv1("d1", "logits", 4, 2),
    ]),
    "bottom",
  ],
  "nested U-nets": [
    net([
      block("x", "s", 3, 8),
      ...inner("stage1", "s", 8),
      block("stage1", "p1", 8, 8, half),
      block("p1", "p2", 8, 8, half),
      block("p2", "stage2", 8, 12),
      block("stage2", "stage3", 12, 12),
      up("stage3", "v1"),
      block("v1", "v2", 12, 8),
      up("v2", "v3"),
      block("v3", "v4", 8, 8),
      node("Add", "v4 stage1", "joined"),
      ...inner("last", "joined", 8),
      conv1("last", "logits", 8, 1),
    ]),
    "stage3",
  ],
  "a feature pyramid": [
    net([
      block("x", "c1", 3, 4),
      block("c1", "c2", 4, 8, half),
      block("c2", "c3", 8, 12, half),
      conv1("c3", "l3", 12, 4),
      conv1("c2", "l2", 8, 4),
      up("l3", "t3"),
      node("Add", "t3 l2", "p2"),
      block("p2", "m2", 4, 4),
      block("l3", "m3", 4, 4),
      up("m3", "m3u"),
      node("Add", "m2 m3u", "sum"),
      conv1("sum", "small", 4, 2),
      up("small", "logits"),
    ]),
    "l3",
  ],
  "a score in front of its bias": [
    model({
      opset: 13,
      inputs: {
        x: [1, 3, 8, 8],
        w: weights([4, 3, 3, 3], 101),
        k: weights([4, 5], 102, 1),
        bias: weights([5], 103),
      },
      nodes: [
        node("Conv", "x w", "c", same),
        node("Relu", "c", "r"),
        node("Transpose", "r", "last", { perm: [0, 2, 3, 1] }),
        node("MatMul", "last k", "mm"),
        node("Add", "mm bias", "logits"),
      ],
    }),
    "r",
  ],
};

describe("the default", () => {
  test.each(Object.keys(shapes))("%s", async (name) => {
    const [bytes, expected] = shapes[name];
    const explainer = await open(bytes);
    expect(explainer.layers[0]?.name).toBe(expected);
    await explainer.release();
  });
  test.each([
    ["files/layer_dropout/model.onnx", "t9_0"],
    ["files/layer_identity/model.onnx", "t9_0"],
    ["files/layer_last_cast_amp/model.onnx", "t8_0"],
    ["files/layer_last_dropout/model.onnx", "t9_0"],
    ["models/ctc_head.onnx", "zr"],
    ["models/nhwc_segmenter.onnx", "r"],
    ["models/uint8_input.onnx", "r"],
    ["pictures/detector/det.onnx", "/r/Mul_output_0"],
  ])("%s: %s", async (name, expected) => {
    const explainer = await open(file(name));
    expect(explainer.layers[0]?.name).toBe(expected);
    await explainer.release();
  });
});

describe("seeds", () => {
  test("of one anchor of a detector: the map is that of the primitive's gradients, on the layer before its head", async () => {
    const bytes = file("pictures/detector/det.onnx");
    const images = new ort.Tensor("float32", Float32Array.from(randomNormal(5)(3 * 32 * 32)), [1, 3, 32, 32]);
    const data = new Float32Array(7 * 64);
    data[5 * 64 + 27] = 1;
    const seeds = { output0: new ort.Tensor("float32", data, [1, 7, 64]) };
    const explainer = await open(bytes);
    const { maps, layer } = await explainer.explain({ images }, { target: { seeds } });
    expect([layer, ...maps.dims]).toEqual(["/r/Mul_output_0", 1, 8, 8]);
    const proto = decodeModel(bytes);
    const output = [
      ...proto.graph!.output,
      changed(proto.graph!.output[0], { name: layer as string, type: undefined }),
    ];
    const shown = encodeModel(changed(proto, { graph: changed(proto.graph!, { output }) }));
    expectClose(numbers(maps), await gradCam(shown, { images }, seeds, layer as string));
    expect(numbers(maps).some((v) => v > 0)).toBe(true);
    await explainer.release();
  });
  test("of another output: the layer lies on the way to that", async () => {
    const bytes = net(
      [
        block("x", "a", 3, 4),
        block("a", "b", 4, 6, half),
        headOf("b", 6),
        node("GlobalMaxPool", "a", "early_p"),
        node("Flatten", "early_p", "early"),
      ],
      undefined,
      {},
      ["logits", "early"],
    );
    const explainer = await open(bytes);
    const x = new ort.Tensor("float32", Float32Array.from(randomNormal(5)(3 * 256)), [1, 3, 16, 16]);
    const ask = async (name: string, size: number) => {
      const seeds = { [name]: new ort.Tensor("float32", new Float32Array(size).fill(1), [1, size]) };
      return (await explainer.explain({ x }, { target: { seeds } })).layer;
    };
    expect([await ask("logits", 3), await ask("early", 4)]).toEqual(["b", "a"]);
    await explainer.release();
  });
});

describe("several pictures", () => {
  const branch = (input: string, name: string) => [
    block(input, `${name}1`, 3, 4),
    block(`${name}1`, `${name}2`, 4, 6, half),
  ];
  const pooled = (name: string) => [
    node("GlobalAveragePool", `${name}2`, `${name}_g`),
    node("Flatten", `${name}_g`, `${name}_e`),
  ];
  const heads: Readonly<Record<string, readonly NodeProto[]>> = {
    difference: [node("Sub", "first_e second_e", "difference"), node("MatMul", "difference head_w", "logits")],
    "fused by concatenation": [
      node("Concat", "first_e second_e", "both", { axis: 1 }),
      node("MatMul", "both head_w", "logits"),
    ],
    cosine: [
      node("Mul", "first_e second_e", "products"),
      node("ReduceSum", "products", "dot", { axes: [1], keepdims: 1 }),
      node("MatMul", "dot head_w", "logits"),
    ],
  };
  const rows: Readonly<Record<string, number>> = { difference: 6, "fused by concatenation": 12, cosine: 1 };
  const pictures = { first: [1, 3, 16, 16], second: [1, 3, 16, 16] };
  const pair = (head: string) =>
    net(
      [
        ...branch("first", "first"),
        ...branch("second", "second"),
        ...pooled("first"),
        ...pooled("second"),
        ...heads[head],
      ],
      pictures,
      {
        head_w: weights([rows[head], 3], 55, 1),
      },
    );
  const feeds = Object.fromEntries(
    Object.entries(pictures).map(([name, dims], i) => [
      name,
      new ort.Tensor("float32", Float32Array.from(randomNormal(i + 1)(product(dims))), dims),
    ]),
  );

  test.each(Object.keys(heads))("%s: each picture has the layers that it reaches", async (head) => {
    const bytes = pair(head);
    for (const [explainInput, other] of [
      ["first", "second"],
      ["second", "first"],
    ]) {
      const explainer = await open(bytes, { explainInput });
      expect(explainer.imageInput).toBe(explainInput);
      expect(explainer.layers.map(({ name }) => name)).toEqual([`${explainInput}2`, `${explainInput}1`]);
      const all = explainer.layersOfAll();
      expect(all.filter((layer) => layer.default).map(({ name, of }) => [name, of])).toEqual([
        [`${explainInput}2`, explainInput],
        [`${other}2`, other],
      ]);
      const { maps, layer } = await explainer.explain(feeds, { target: 1 });
      expect(layer).toBe(`${explainInput}2`);
      const elsewhere = explainer.explain(feeds, { target: 1, layer: `${other}2` });
      await expect(elsewhere).rejects.toThrow(`"${other}2" holds nothing of "${explainInput}"`);
      expect(maps.dims).toEqual([1, 8, 8]);
      const pixels = await explainer.explain(feeds, { target: 1, method: "gradient" });
      expect(pixels.maps.dims).toEqual([1, 16, 16]);
      await explainer.release();
    }
    const usual = await open(bytes);
    expect(usual.imageInput).toBe("first");
    await usual.release();
  });
  test("a trunk that both go through shows the one that is explained", async () => {
    const early = net(
      [
        node("Concat", "first second", "six", { axis: 1 }),
        block("six", "a", 6, 4),
        block("a", "b", 4, 6),
        headOf("b", 6),
      ],
      pictures,
    );
    const explainer = await open(early, { explainInput: "second" });
    expect(explainer.layersOfAll().map(({ name, of }) => [name, of])).toEqual([
      ["b", "second"],
      ["a", "second"],
    ]);
    await explainer.release();
  });
  test("an input that the scores do not depend on is not taken for the picture", async () => {
    const unused = net([block("second", "a", 3, 4), headOf("a", 4), node("Identity", "first", "copy")], pictures, {}, [
      "logits",
      "copy",
    ]);
    const explainer = await open(unused);
    expect(explainer.imageInput).toBe("second");
    await explainer.release();
  });
  test("no input, and one without a grid", async () => {
    await expectUserError(
      open(pair("difference"), { explainInput: "third" }),
      "unknown-name",
      /unknown input: "third"; the model takes first, second/,
    );
  });
  test("pictures joined in the batch have no layer that shows one of them", async () => {
    const joined = net(
      [node("Concat", "first second", "two", { axis: 0 }), block("two", "a", 3, 4), headOf("a", 4)],
      pictures,
    );
    const explainer = await open(joined);
    expect(explainer.layers).toEqual([]);
    await explainer.release();
  });
});

describe("a module names its last layer", () => {
  const named = (names: readonly string[]) => {
    const steps = names.map((name, i) => block(i ? names[i - 1] : "x", name, i ? 4 : 3, 4));
    return net([...steps, headOf(names.at(-1) as string, 4)]);
  };
  const torch = [
    "/layer3/layer3.0/relu/Relu_output_0",
    "/layer4/layer4.0/relu/Relu_output_0",
    "/layer4/layer4.1/relu/Relu_output_0",
  ];
  test.each([
    ["layer4", torch[2]],
    ["layer4.0", torch[1]],
    ["layer4[0]", torch[1]],
    ["layer4[-1]", torch[2]],
    ["layer3", torch[0]],
    ["/layer3/", torch[0]],
    ["layer4/layer4.1", torch[2]],
  ])("%s", async (layer, expected) => {
    const explainer = await open(named(torch), { layer });
    expect(explainer.layers[0].name).toBe(expected);
    await explainer.release();
  });
  test.each(["layer", "layer5", "4", "relu_"])("%s is none", (layer) =>
    expectUserError(open(named(torch), { layer }), "unknown-name", /unknown layer: .*candidates are \/layer4/),
  );
  test("several of the name are listed", () =>
    expectUserError(
      open(named(["/left/layer4/Relu_output_0", "/right/layer4/Relu_output_0"]), { layer: "layer4" }),
      "unknown-name",
      /several modules are called "layer4".*\/right\/layer4\/Relu_output_0.*\/left\/layer4\/Relu_output_0/,
    ));
  test("by what PyTorch's newer exporter notes at a node", async () => {
    const proto = decodeModel(named(["relu_1", "relu_2", "relu_3"]));
    const scopes = {
      relu_1: "['', 'layer3', 'layer3.relu']",
      relu_2: "['', 'layer4', 'layer4.0']",
      relu_3: "['', 'fc']",
    };
    const key = "pkg.torch.onnx.name_scopes";
    const entry = {
      $typeName: "onnx.StringStringEntryProto",
      key,
      value: "",
    } as unknown as (typeof proto.metadataProps)[number];
    const noted = proto.graph!.node.map((n) => {
      const value = scopes[n.output[0] as keyof typeof scopes];
      return value ? changed(n, { metadataProps: [Object.assign(Object.create(null), entry, { key, value })] }) : n;
    });
    const bytes = encodeModel(changed(proto, { graph: changed(proto.graph!, { node: noted }) }));
    const explainer = await open(bytes, { layer: "layer4" });
    expect(explainer.layers[0].name).toBe("relu_2");
    await explainer.release();
  });
});

test("branches that end side by side: one is taken, and the others are named", async () => {
  const bytes = net([
    block("x", "a", 3, 4),
    block("a", "left", 4, 4),
    block("a", "right", 4, 4, half),
    node("GlobalAveragePool", "left", "lp"),
    node("GlobalAveragePool", "right", "rp"),
    node("Concat", "lp rp", "both", { axis: 1 }),
    node("Flatten", "both", "flat"),
    { nodes: [node("MatMul", "flat k", "logits")], inputs: { k: weights([8, 3], 9, 1) } as Sources },
  ]);
  const explainer = await open(bytes);
  expect(explainer.layers[0]).toMatchObject({ name: "right", equals: ["left"] });
  await explainer.release();
});
