/**
 * @file How a model that scores the words of a sentence is asked, for sentences of one length and pictures of one size.
 *
 * A question is a row of weights, one for each word; its score is the weighted sum of the words' log-probabilities. All questions are
 * rows of one batch in the adjoint (see row-builder.ts).
 */
import { observedOn } from "../autodiff/prepare.ts";
import { InternalError, UserError } from "../errors.ts";
import { type Connections, compose, type Part, within } from "../onnx/compose.ts";
import type { Model } from "../onnx/model.ts";
import { typeOf } from "../onnx/observe.ts";
import { type Feeds, type Runtime, type SessionOptions, shapesOf } from "../onnx/runtime.ts";
import type { ExplainedInput } from "../read/inputs.ts";
import { explainedInput } from "../read/inputs.ts";
import { type Layer, layersOf } from "../read/layers.ts";
import { gridsOf, layoutOf, type TokenGrid } from "../read/layout.ts";
import { ancestors } from "../read/score.ts";
import { namedLayer } from "./named-layer.ts";
import { Plan } from "./plan.ts";
import type { Sessions } from "./sessions.ts";
import { wordSeeds } from "./word-seeds.ts";

/** A model that scores the words of a sentence, for sentences of some length. Tensors go by their names in the whole. */
export interface SequenceModel {
  /** In the order in which they run; the last one reads the words, those before it the picture alone. */
  readonly parts: readonly Part[];
  readonly connections: Connections;
  /** The input that is the picture. */
  readonly image: string;
  /** The scores, [n, T, words]; with more than T places, the last T. */
  readonly scores: string;
  /** What else the whole is fed for these sentences of one length (words before, words), given what is known of the picture. */
  feed(sentences: readonly (readonly number[])[], known: Feeds): Feeds;
}

export interface SequencePlan {
  readonly sequence: SequenceModel;
  readonly plan: Plan;
  /** The picture. */
  readonly explained: ExplainedInput;
  /** The image encoder's layers, the default first. */
  readonly layers: readonly Layer[];
}

/** @param feeds of the sizes in question, by their names in the whole. */
export async function planSequence(
  ort: Runtime,
  sequence: SequenceModel,
  feeds: Feeds,
  sessions: Sessions,
  { session: given = {}, tokens }: { session?: SessionOptions; tokens?: TokenGrid },
): Promise<SequencePlan> {
  const model = compose(sequence.parts, sequence.connections);
  const { tensors, session } = await observedOn(ort, model, shapesOf(feeds), given);
  const { image, scores } = sequence;
  const { input: explained } = explainedInput(model, tensors, ancestors(model, [scores]), { explainInput: image });
  if (!explained) throw new InternalError(`the picture "${image}" of a captioner is no input`);
  const score = { name: scores, output: scores, axes: { batch: 0, channels: 2, grid: [1] } };
  const query = { seeding: wordSeeds({ model, tensors }, scores), rows: true };
  const plan = new Plan(ort, model, tensors, { explained, score }, sessions, session, tokens, query);
  // The image encoder's layers: those that read no word, neither of the sentence nor of a question, in the parts before the last.
  const early = sequence.parts.slice(0, -1).map(({ name }) => within(name, ""));
  const words = model.inputs.map(({ name }) => name).filter((name) => name !== image);
  const reading = dependentsOf(model, words);
  const all = layersOf(model, tensors, explained, [scores], tokens);
  const own = all.filter(
    ({ name }) => !reading.has(name) && (early.length === 0 || early.some((prefix) => name.startsWith(prefix))),
  );
  // Of as many channels as the encoder's convolutions make: behind them tokens are projected to the language model's width.
  const bySize = { ...gridsOf(model, tensors, explained), explained: undefined };
  const isOwn = ({ name }: Layer) => layoutOf(name, typeOf(model, tensors, name), bySize, tokens) !== undefined;
  const layers = own.length ? own : all;
  const first = layers.find(isOwn) ?? layers[0];
  const ordered = first ? [first, ...layers.filter((layer) => layer !== first)] : [];
  return { sequence, plan, explained, layers: ordered };
}

/** A layer by its name, in the whole or in its part, the default where none is named; @throws UserError as {@link namedLayer}. */
export function sequenceLayer({ plan, sequence, layers }: SequencePlan, name: string | undefined): string {
  if (name === undefined) {
    const [first] = layers;
    if (first) return first.name;
    throw new UserError("no-path", "no path: the image encoder has no layer with a grid; name one");
  }
  const known = [name, ...sequence.parts.map((part) => within(part.name, name))].find((n) => plan.tensors.has(n));
  return namedLayer(plan, known ?? name, layers).name;
}

/** Tensors that change with what some inputs hold; their shapes count for nothing, since exporters take the batch from any input. */
function dependentsOf(model: Model, inputs: Iterable<string>): Set<string> {
  const found = new Set(inputs);
  for (const node of model.graph.node)
    if (node.opType !== "Shape" && node.opType !== "Size" && node.input.some((name) => found.has(name)))
      for (const name of node.output) found.add(name);
  return found;
}
