/** @file Deconvolution (Zeiler and Fergus 2014, arXiv 1311.2901): at every rectifier dx = dy * [dy > 0], whatever the forward pass did. */
import type { Rule } from "../../ops/op.ts";
import type { Overrides } from "../differentiate.ts";
import { isRectifier, plain } from "./guided.ts";

export const deconv: Overrides = new Map<string, Rule>([
  ["Relu", ({ build, dy: [dy] }) => [build.relu(dy)]],
  ["Clip", (c) => (isRectifier(c) ? [c.build.relu(c.dy[0])] : plain(c))],
]);
