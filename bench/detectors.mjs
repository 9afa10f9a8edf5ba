/** @file Detectors of the benchmark, built in code with random weights: a convolutional head of three levels, and a decoder of queries. */
import { makeNode } from "../dist/onnx/proto.js";
import { Network } from "./networks.mjs";

class Detector extends Network {
  silu = (x) => this.node("Mul", [x, this.node("Sigmoid", [x])]);
  block = (x, cin, cout, k, stride = 1) => this.silu(this.conv(x, cin, cout, k, { stride }));
  reshape = (x, dims) => this.node("Reshape", [x, this.integers(dims)]);
  transpose = (x, perm) => this.node("Transpose", [x], { perm });
  product = (x, cin, cout) => this.node("MatMul", [x, this.weight([cin, cout], cin)]);
  normal = (x, size) => this.node("LayerNormalization", [x, this.constant([size], new Float32Array(size).fill(1))]);
  named = (x, name) => this.nodes.push(makeNode("Identity", [x], [name]));
}

/** A box for each place of three levels, [1, 4 + 80, places]; YOLO11n's widths. */
export function convolutionalHead(size) {
  const net = new Detector();
  const classes = 80;
  let x = net.block(net.block("input", 3, 16, 3, 2), 16, 32, 3, 2);
  let channels = 32;
  const levels = [64, 128, 256].map((width) => {
    x = net.block(x, channels, width, 3, 2);
    for (let i = 0; i < 2; i++)
      x = net.node("Add", [x, net.block(net.block(x, width, width / 2, 3), width / 2, width, 3)]);
    channels = width;
    return { x, width };
  });
  const strides = [8, 16, 32];
  const parts = levels.map(({ x: feature, width }, i) => {
    const layer = net.block(feature, width, width, 1);
    const own = (count, inner) =>
      net.conv(net.block(net.block(layer, width, inner, 3), inner, inner, 3), inner, count, 1);
    const box = net.node("Mul", [net.node("Sigmoid", [own(4, 64)]), net.constant([], Float32Array.of(size))]);
    const score = net.node("Sigmoid", [own(classes, classes)]);
    return net.reshape(net.node("Concat", [box, score], { axis: 1 }), [1, 4 + classes, (size / strides[i]) ** 2]);
  });
  net.named(net.node("Concat", parts, { axis: 2 }), "output0");
  const places = strides.reduce((sum, stride) => sum + (size / stride) ** 2, 0);
  return net.model([1, 3, size, size], { output0: [1, 4 + classes, places] });
}

/** Queries that look at one level by deformable attention, as RT-DETR's do; the batch is one. */
export function queryDecoder(size) {
  const net = new Detector();
  const [width, queries, heads, points, side] = [128, 120, 4, 4, size / 16];
  const each = width / heads;
  let x = "input";
  let channels = 3;
  for (const wide of [32, 64, 128, width]) {
    x = net.block(net.block(x, channels, wide, 3, 2), wide, wide, 3);
    channels = wide;
  }
  const tokens = net.transpose(net.reshape(x, [1, width, side * side]), [0, 2, 1]);
  let q = net.weight([1, queries, width], 1);
  const added = (y) => {
    q = net.normal(net.node("Add", [q, y]), width);
  };
  for (let layer = 0; layer < 3; layer++) {
    const logits = net.node("MatMul", [net.product(q, width, width), net.transpose(q, [0, 2, 1])]);
    added(net.node("MatMul", [net.node("Softmax", [logits], { axis: -1 }), net.product(q, width, width)]));
    const value = net.reshape(net.transpose(net.product(tokens, width, width), [0, 2, 1]), [heads, each, side, side]);
    const places = net.reshape(net.product(q, width, heads * points * 2), [queries, heads, points, 2]);
    const weights = net.reshape(net.product(q, width, heads * points), [queries, heads, points]);
    const read = net.node("GridSample", [value, net.node("Tanh", [net.transpose(places, [1, 0, 2, 3])])]);
    const share = net.transpose(net.node("Softmax", [weights], { axis: -1 }), [1, 0, 2]);
    const weighted = net.node("Mul", [read, net.reshape(share, [heads, 1, queries, points])]);
    const summed = net.reshape(net.node("ReduceSum", [weighted, net.integers([-1])], { keepdims: 0 }), [
      1,
      width,
      queries,
    ]);
    added(net.product(net.transpose(summed, [0, 2, 1]), width, width));
    added(net.product(net.relu(net.product(q, width, 4 * width)), 4 * width, width));
  }
  net.named(net.product(q, width, 80), "logits");
  net.named(net.node("Sigmoid", [net.product(q, width, 4)]), "pred_boxes");
  return net.model([1, 3, size, size], { logits: [1, queries, 80], pred_boxes: [1, queries, 4] });
}
