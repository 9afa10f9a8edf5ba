/** @file What a model's graph says of itself: the picture, the scores and what their axes mean, each with the reason for it. */
import type { Model } from "../onnx/model.ts";
import type { Observed } from "../onnx/observe.ts";
import { typeName } from "../onnx/types.ts";
import type { Decision } from "./decision.ts";
import { type ExplainedInput, explainedInput, type InputReading, inputReadings } from "./inputs.ts";
import type { Layer } from "./layers.ts";
import { ancestors, type Score, scoreAxes, scoreTensorOf } from "./score.ts";

/** What a caller says of a model's graph, over what it says itself. */
export interface GraphOptions {
  /** The output that holds the scores; by default the first of shape [n, classes], or else the first of a float type. A softmax it ends with is explained in front of. */
  readonly output?: string;
  /** The input whose picture is explained; by default the first one that the scores depend on. */
  readonly explainInput?: string;
  /** A letter for each of its axes, as "NCHW" or "NHWC"; by default what the graph does to it first says so. */
  readonly layout?: string;
}

/** How a graph was read. */
export interface GraphReading {
  /** The input that is explained; undefined where none has a grid. */
  readonly explained: ExplainedInput | undefined;
  readonly inputs: readonly InputReading[];
  readonly score: Score;
  readonly decisions: readonly Decision[];
}

/** A layer, and the input whose picture it shows. */
export interface LayerReading extends Layer {
  readonly of: string;
  readonly default?: true;
}

/** An output, and what it is for. */
export interface OutputReading {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[];
  readonly role: "scores" | "other";
}

/** @throws UserError for a name that the model does not have, and a layout that does not fit. */
export function readGraph(model: Model, tensors: Observed, options: GraphOptions): GraphReading {
  const found = scoreTensorOf(model, tensors, options.output);
  const { input: explained, decisions } = explainedInput(model, tensors, ancestors(model, [found.name]), options);
  const axes = scoreAxes(tensors, found, explained?.origins, explained?.axes.batch);
  const { name, before, output } = found;
  return {
    explained,
    inputs: inputReadings(model, tensors, explained),
    score: { name, ...(before && { before }), axes, output },
    decisions: [...decisions, ...found.decisions],
  };
}

/** The outputs, those of no tensor left out of what they are. */
export const outputReadings = (model: Model, tensors: Observed, { output }: Score): OutputReading[] =>
  model.outputs.map((name) => {
    const tensor = tensors.get(name);
    const type = tensor ? typeName(tensor.type) : "unknown";
    return { name, type, shape: tensor?.dims ?? [], role: name === output ? "scores" : "other" };
  });
