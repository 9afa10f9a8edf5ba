/**
 * @file Which layer a box's map lies on: the one that its level of the head starts from. From there on box and score are made apart, and up
 * to there all that either sees of the picture has passed through it.
 */
import type { Explainer } from "../../explain/explainer.ts";
import type { Model } from "../../onnx/model.ts";
import type { Observed } from "../../onnx/observe.ts";
import type { Element } from "../../read/element.ts";
import type { ExplainedInput } from "../../read/inputs.ts";
import { layersOf } from "../../read/layers.ts";
import { ancestors } from "../../read/score.ts";
import { Trace } from "../../read/trace.ts";
import type { Head } from "./head.ts";

/** A tensor that scores are computed as, and the layer that its maps lie on. */
export interface Level {
  readonly tensor: string;
  readonly layer: string | undefined;
}

/**
 * The levels of a head, by what their scores are computed as.
 * @param tensors shapes of a picture's size, or of a run
 */
export function levelsOf(
  { model, reading }: Pick<Explainer, "model" | "reading">,
  tensors: Observed,
  head: Head,
): Level[] {
  const { explained } = reading;
  if (!explained) return [];
  const trace = new Trace(model, tensors);
  const rootsOf = (elements: readonly Element[]) => [...new Set(elements.flatMap((one) => trace.roots(one)))];
  const roots = rootsOf(head.examples.map(({ score }) => score));
  // Rows that were laid flat mix scores with the rest of a row: where scores are probabilities, they are told by that.
  const logits = new Set(head.examples.flatMap(({ score }) => [...trace.logits(score.tensor)]));
  const scores = roots.some((tensor) => logits.has(tensor)) ? roots.filter((tensor) => logits.has(tensor)) : roots;
  const boxes =
    scores.length < roots.length
      ? roots
          .filter((tensor) => !scores.includes(tensor))
          .map((tensor) => ({ tensor, index: firstOf(tensors, tensor) }))
      : head.examples.map(({ box }) => box);
  const ofBoxes = new Set(boxes.flatMap((box) => [...trace.behind(box)]));
  return scores.flatMap((tensor) =>
    tensors.has(tensor) && !model.constants.has(tensor)
      ? [{ tensor, layer: layerOf(model, tensors, explained, tensor, ofBoxes) }]
      : [],
  );
}

const firstOf = (tensors: Observed, tensor: string): number[] => (tensors.get(tensor)?.dims ?? []).map(() => 0);

/**
 * @param ofBoxes what boxes depend on
 * @returns the last layer on the tensor's own grid that all of it depends on, and boxes too; else the default of the layers before it
 */
function layerOf(
  model: Model,
  tensors: Observed,
  explained: ExplainedInput,
  tensor: string,
  ofBoxes: ReadonlySet<string>,
): string | undefined {
  const candidates = layersOf(model, tensors, explained, [tensor]);
  const [, , ...grid] = tensors.get(tensor)?.dims ?? [];
  const order = new Map(model.graph.node.map((node, i) => [node.output[0], i]));
  const onGrid = candidates
    .filter((layer) => String(layer.grid) === String(grid) && ofBoxes.has(layer.name))
    .sort((a, b) => (order.get(b.name) ?? 0) - (order.get(a.name) ?? 0));
  const gate = onGrid.find(({ name }) => !ancestors(model, [tensor], (other) => other === name).has(explained.name));
  return gate?.name ?? candidates[0]?.name;
}
