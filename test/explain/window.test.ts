/** @file The window of a head: what a cell sees of a layer, of which alone its map is made; and where there is no window. */
import * as ort from "onnxruntime-node";
import { expect, test } from "vitest";
import { ElementPass } from "../../src/explain/elements.ts";
import { openExplainer } from "../../src/explain/explainer.ts";
import { sightOf } from "../../src/explain/window.ts";
import { layerMethod, placeByPlace } from "../../src/methods/layer-map.ts";
import type { NodeProto } from "../../src/onnx/proto.ts";
import { floats, model, node, type Sources } from "../models.ts";
import { images, weights } from "../nets.ts";
import { apart, session } from "./ask.ts";

const same = { kernel_shape: [3, 3], pads: [1, 1, 1, 1] };
const wide = { kernel_shape: [3, 3], pads: [2, 2, 2, 2], dilations: [2, 2] };
const stem = [node("Conv", "x w", "seen", same), node("Relu", "seen", "layer")];
const kernels: Sources = { w: weights([4, 3, 3, 3], 1), v: weights([4, 4, 3, 3], 2), u: weights([2, 4, 1, 1], 3) };
const scale = floats([0.5, 2, -1, 1], [1, 4, 1, 1]);
const perColumn = floats(
  Array.from({ length: 9 }, (_, i) => i),
  [9],
);

const open = (nodes: readonly NodeProto[], constants: Sources = {}) =>
  openExplainer(
    ort,
    model({
      opset: 13,
      free: [],
      inputs: { x: [1, 3, 9, 9], ...kernels, ...constants },
      nodes: [...stem, ...nodes],
      outputs: ["y"],
    }),
    { session },
  );

const silu = [node("Conv", "layer v", "a", same), node("Sigmoid", "a", "gate"), node("Mul", "a gate", "b")];
const heads: Record<string, readonly [readonly NodeProto[], reach: number, reads: readonly string[]]> = {
  "convolutions and a gate": [[...silu, node("Conv", "b v", "c", same), node("Conv", "c u", "y")], 2, ["layer"]],
  "a dilated one, a pooling and a factor for each channel": [
    [
      node("Conv", "layer v", "a", wide),
      node("MaxPool", "a", "b", same),
      node("Mul", "b scale", "c"),
      node("Conv", "c u", "y"),
    ],
    3,
    ["layer"],
  ],
  "what comes from beside the layer": [
    [...silu, node("Mul", "b seen", "c"), node("Relu", "c", "d"), node("Conv", "d u", "y")],
    1,
    ["layer", "seen"],
  ],
};

const onGrid = layerMethod((parts) => parts.build.relu(placeByPlace(parts)), {
  ...{ name: "by-the-grid", title: "HiResCAM", summary: "", paper: "" },
});

test.each(Object.entries(heads))(
  "%s: maps of all cells are those of the whole grid",
  async (_, [nodes, reach, reads]) => {
    await using explainer = await open(nodes, { scale });
    const sight = sightOf({ model: explainer.model, tensors: explainer.sized }, "y", "layer");
    expect(sight).toEqual({ reach, grid: [9, 9], reads });
    const prospects = [{ tensors: ["y"], layer: "layer" }];
    const pass = await ElementPass.run(ort, explainer, images(1, 9), { wanted: [], prospects });
    // A run hands over no more than that.
    expect(() => pass.tensor("a")).toThrow('"a"');
    const questions = Array.from({ length: 81 }, (_, place) => ({
      sum: [
        { tensor: "y", place, weight: 1 },
        { tensor: "y", place: 81 + place, weight: -0.5 },
      ],
      layer: "layer",
    }));
    const cut = await pass.explain(questions, { method: "hires-cam" });
    const whole = await pass.explain(questions, { method: onGrid });
    for (const [i, { map }] of cut.entries()) {
      const wanted = Array.from(whole[i]?.map.data ?? []);
      expect(apart(Array.from(map.data), wanted)).toBeLessThan(1e-5);
    }
    expect(cut.some(({ map }) => map.data.some((v) => v > 0))).toBe(true);
  },
);

test.each<[string, readonly NodeProto[]]>([
  ["a constant with columns of its own", [...silu, node("Add", "b columns", "c"), node("Conv", "c u", "y")]],
  [
    "a mean over the grid",
    [node("GlobalAveragePool", "layer", "m"), node("Mul", "layer m", "c"), node("Conv", "c u", "y")],
  ],
  ["steps of two", [node("Conv", "layer v", "a", { ...same, strides: [2, 2] }), node("Conv", "a u", "y")]],
  [
    "a shape that is reckoned with",
    [node("Shape", "layer", "s"), node("Reshape", "layer s", "a"), node("Conv", "a u", "y")],
  ],
])("no window: %s", async (_, nodes) => {
  await using explainer = await open(nodes, { columns: perColumn });
  expect(sightOf({ model: explainer.model, tensors: explainer.sized }, "y", "layer")).toBeUndefined();
});
