/**
 * @file The networks of the benchmark, built in code with random weights (speed does not depend on them): ResNet-50, VGG-16 and
 * MobileNet-v2 as torchvision defines them, BatchNormalization folded into the convolutions as exporters do.
 */
import { encodeModel, float, makeGraph, makeModel, makeNode, makeTensor, makeValueInfo } from "../dist/onnx/proto.js";

const FLOAT = 1;

/** Gathers nodes and weights; every method takes and returns a tensor's name. */
export class Network {
  nodes = [];
  initializers = [];
  #state = 1;

  /** A multiplicative generator: weights need no quality, only the same values every time. */
  weight(dims, fanIn) {
    const data = new Float32Array(dims.reduce((a, b) => a * b, 1));
    const scale = Math.sqrt(6 / fanIn);
    for (let i = 0; i < data.length; i++) {
      this.#state = (Math.imul(this.#state, 1664525) + 1013904223) | 0;
      data[i] = (this.#state / 2 ** 31) * scale;
    }
    return this.constant(dims, data);
  }

  integers(values) {
    const name = `w${this.initializers.length}`;
    this.initializers.push(makeTensor(name, 7, [values.length], BigInt64Array.from(values, BigInt)));
    return name;
  }

  constant(dims, data) {
    const name = `w${this.initializers.length}`;
    this.initializers.push(makeTensor(name, FLOAT, dims, data));
    return name;
  }

  node(opType, inputs, attributes) {
    const output = `${opType.toLowerCase()}${this.nodes.length}`;
    this.nodes.push(makeNode(opType, inputs, [output], attributes));
    return output;
  }

  conv(x, cin, cout, k, { stride = 1, group = 1 } = {}) {
    const w = this.weight([cout, cin / group, k, k], (cin / group) * k * k);
    const b = this.constant([cout], new Float32Array(cout));
    const pad = (k - 1) >> 1;
    const attributes = { kernel_shape: [k, k], strides: [stride, stride], pads: [pad, pad, pad, pad], group };
    return this.node("Conv", [x, w, b], attributes);
  }

  relu = (x) => this.node("Relu", [x]);
  relu6 = (x) => this.node("Clip", [x, this.zero(), this.six()]);
  zero = () => (this.zeroName ??= this.constant([], Float32Array.of(0)));
  six = () => (this.sixName ??= this.constant([], Float32Array.of(6)));
  maxPool = (x, k, stride, pad) =>
    this.node("MaxPool", [x], { kernel_shape: [k, k], strides: [stride, stride], pads: [pad, pad, pad, pad] });

  linear(x, cin, cout) {
    const w = this.weight([cout, cin], cin);
    return this.node("Gemm", [x, w, this.constant([cout], new Float32Array(cout))], { transB: 1, alpha: float(1) });
  }

  head = (x, channels) =>
    this.linear(this.node("Flatten", [this.node("GlobalAveragePool", [x])], { axis: 1 }), channels, 1000);

  bytes(output) {
    return this.model(["batch", 3, 224, 224], { [output]: ["batch", 1000] });
  }

  /** @param outputs shapes by name */
  model(input, outputs) {
    const graph = makeGraph({
      name: "benchmark",
      node: this.nodes,
      initializer: this.initializers,
      input: [makeValueInfo("input", FLOAT, input)],
      output: Object.entries(outputs).map(([name, dims]) => makeValueInfo(name, FLOAT, dims)),
    });
    return encodeModel(makeModel({ irVersion: 8n, opsetImport: [{ domain: "", version: 17n }], graph }));
  }
}

export function resnet50() {
  const net = new Network();
  let x = net.maxPool(net.relu(net.conv("input", 3, 64, 7, { stride: 2 })), 3, 2, 1);
  let channels = 64;
  for (const [width, blocks, firstStride] of [
    [64, 3, 1],
    [128, 4, 2],
    [256, 6, 2],
    [512, 3, 2],
  ]) {
    for (let i = 0; i < blocks; i++) {
      const stride = i === 0 ? firstStride : 1;
      let y = net.relu(net.conv(x, channels, width, 1));
      y = net.relu(net.conv(y, width, width, 3, { stride }));
      y = net.conv(y, width, width * 4, 1);
      const skip = i === 0 ? net.conv(x, channels, width * 4, 1, { stride }) : x;
      x = net.relu(net.node("Add", [y, skip]));
      channels = width * 4;
    }
  }
  return net.bytes(net.head(x, channels));
}

export function vgg16() {
  const net = new Network();
  let [x, channels] = ["input", 3];
  for (const width of [
    64,
    64,
    "pool",
    128,
    128,
    "pool",
    256,
    256,
    256,
    "pool",
    512,
    512,
    512,
    "pool",
    512,
    512,
    512,
    "pool",
  ]) {
    if (width === "pool") x = net.maxPool(x, 2, 2, 0);
    else {
      x = net.relu(net.conv(x, channels, width, 3));
      channels = width;
    }
  }
  x = net.node("Flatten", [x], { axis: 1 });
  x = net.relu(net.linear(x, 512 * 7 * 7, 4096));
  x = net.relu(net.linear(x, 4096, 4096));
  return net.bytes(net.linear(x, 4096, 1000));
}

export function mobilenetV2() {
  const net = new Network();
  let x = net.relu6(net.conv("input", 3, 32, 3, { stride: 2 }));
  let channels = 32;
  for (const [expand, width, blocks, firstStride] of [
    [1, 16, 1, 1],
    [6, 24, 2, 2],
    [6, 32, 3, 2],
    [6, 64, 4, 2],
    [6, 96, 3, 1],
    [6, 160, 3, 2],
    [6, 320, 1, 1],
  ]) {
    for (let i = 0; i < blocks; i++) {
      const stride = i === 0 ? firstStride : 1;
      const hidden = channels * expand;
      let y = expand === 1 ? x : net.relu6(net.conv(x, channels, hidden, 1));
      y = net.relu6(net.conv(y, hidden, hidden, 3, { stride, group: hidden }));
      y = net.conv(y, hidden, width, 1);
      x = stride === 1 && channels === width ? net.node("Add", [y, x]) : y;
      channels = width;
    }
  }
  return net.bytes(net.head(net.relu6(net.conv(x, channels, 1280, 1)), 1280));
}

/** A decoder of one step: the word and the image's features through an LSTM cell, to scores of the words. */
export function lstmDecoder({ features, hidden, words }) {
  const net = new Network();
  const INT64 = 7;
  const embedding = net.weight([words, hidden], hidden);
  const word = net.node("Gather", [embedding, "word"], { axis: 0 });
  const image = net.linear("features", features, hidden);
  const gates = net.node("Add", [
    net.linear(net.node("Add", [word, image]), hidden, 4 * hidden),
    net.linear("h", hidden, 4 * hidden),
  ]);
  const part = (i) => {
    const [from, to, axis] = [i * hidden, (i + 1) * hidden, 1].map((n) => net.integers([n]));
    return net.node("Slice", [gates, from, to, axis]);
  };
  const [input, forget, output] = [0, 1, 2].map((i) => net.node("Sigmoid", [part(i)]));
  const candidate = net.node("Tanh", [part(3)]);
  const cell = net.node("Add", [net.node("Mul", [forget, "c"]), net.node("Mul", [input, candidate])]);
  const state = net.node("Mul", [output, net.node("Tanh", [cell])]);
  const logits = net.linear(state, hidden, words);
  net.nodes.push(
    ...[
      [logits, "logits"],
      [state, "next_h"],
      [cell, "next_c"],
    ].map(([from, to]) => makeNode("Identity", [from], [to])),
  );
  const graph = makeGraph({
    name: "decoder",
    node: net.nodes,
    initializer: net.initializers,
    input: [
      makeValueInfo("word", INT64, ["batch"]),
      makeValueInfo("features", FLOAT, ["batch", features]),
      ...["h", "c"].map((name) => makeValueInfo(name, FLOAT, ["batch", hidden])),
    ],
    output: [
      makeValueInfo("logits", FLOAT, ["batch", words]),
      ...["next_h", "next_c"].map((name) => makeValueInfo(name, FLOAT, ["batch", hidden])),
    ],
  });
  return encodeModel(makeModel({ irVersion: 8n, opsetImport: [{ domain: "", version: 17n }], graph }));
}
