/**
 * @file What the head of a transformer makes of the tokens behind each of its blocks: the nodes behind the last block, once more for each of them,
 * and the gradient of the score that comes of it at that block's own attention.
 */
import { type End, type ObservedModel, pullback } from "../autodiff/adjoint.ts";
import { attended } from "../autodiff/attended.ts";
import type { Overrides } from "../autodiff/differentiate.ts";
import { present, UserError } from "../errors.ts";
import type { Builder, Value } from "../onnx/build.ts";
import { describe, graphsIn } from "../onnx/model.ts";
import { type TensorType, typeOf } from "../onnx/observe.ts";
import { changed, DataType, type NodeProto } from "../onnx/proto.ts";
import type { Attentions, Reading } from "../read/attentions.ts";
import { behindTokens, blockTokens } from "../read/blocks.ts";

interface HeadsQuery {
  readonly seeds: ReadonlyMap<string, Value>;
  readonly overrides: Overrides;
  /** Of the attentions of the model. */
  readonly ends: readonly End[];
  readonly images: Value;
  /** Whether the head is given the mean of the tokens in place of each. */
  readonly mean: boolean;
  /** How many blocks, from the last. */
  readonly most: number;
}

/** Of each block: the gradient of its own score at its attention, or at that which pools its tokens. */
export function ownGradients(
  build: Builder,
  reading: Reading,
  attentions: Attentions,
  { seeds, overrides, ends, images, mean, most }: HeadsQuery,
): readonly Value[] {
  const { model, tensors } = reading;
  const { blocks, pool } = attentions;
  const all = blockTokens(reading, attentions);
  const last = present(all.at(-1), "tokens");
  const behind = behindTokens({ model, tensors, scores: [...seeds.keys()] }, last);
  const heads = all.slice(-most).map((name, i) => {
    const tokens = { name, ...typeOf(model, tensors, name) };
    const given = mean && !pool ? build.expandLike(build.reduceMean(tokens, [1]), tokens) : tokens;
    return {
      tokens,
      end: present(ends[blocks.length - Math.min(most, blocks.length) + i], "an end"),
      ...headOn(build, reading, { last, behind }, given),
    };
  });
  const nodes = heads.flatMap((head) => head.nodes);
  const types = new Map([...tensors, ...heads.flatMap((head) => head.types)]);
  const copied: ObservedModel = {
    model: { ...model, graph: changed(model.graph, { node: nodes }) },
    tensors: Object.assign(types, { bodies: tensors.bodies }),
  };
  const from = new Map(heads.flatMap(({ names }) => seedsOf(seeds, names)));
  if (pool) {
    const copyOf = (names: ReadonlyMap<string, string>) =>
      present(
        nodes.find(({ output: [name = ""] }) => name === names.get(pool.node.output[0] ?? "")),
        "the attention",
      );
    const ofPool = heads.map(
      ({ names }) => attended(build, copied, copyOf(names), pool.weights && names.get(pool.weights), images).end,
    );
    return pullback(build, copied, from, ofPool, overrides);
  }
  const given = heads.map((head): End => ({ tensor: head.given.name }));
  const found = pullback(build, copied, from, given, overrides);
  return heads.map(({ tokens, end }, i) => {
    const gradient = present(found[i], "a gradient");
    // What is expanded of a mean: each token has its share of all their gradients.
    const seed = mean ? build.expandLike(build.reduceMean(gradient, [1]), gradient) : gradient;
    return present(pullback(build, reading, new Map([[tokens.name, seed]]), [end], overrides)[0], "a gradient");
  });
}

/** The seeds of a copy of the head. */
const seedsOf = (seeds: ReadonlyMap<string, Value>, names: ReadonlyMap<string, string>) =>
  [...seeds].map(([name, seed]) => {
    const copy = names.get(name);
    if (copy === undefined)
      throw new UserError("no-path", `no path: "${name}" does not lie behind the model's blocks; take chefer`);
    return [copy, seed] as const;
  });

/** The nodes between the last block's tokens and the scores, on other tokens. */
function headOn(
  build: Builder,
  { model, tensors }: Reading,
  { last, behind }: { readonly last: string; readonly behind: ReadonlySet<string> },
  given: Value,
) {
  const copies = new Map<string, Value>([[last, given]]);
  const nodes: NodeProto[] = [];
  const types: [string, TensorType][] = [];
  for (const node of model.graph.node) {
    if (!node.output.some((name) => behind.has(name))) continue;
    if (graphsIn(node).length)
      throw new UserError(
        "unsupported-operator",
        `unsupported operator: ${describe(node)} in the head of the model, which this method runs behind every block; take chefer`,
      );
    const inputs = node.input.map((name) =>
      name ? (copies.get(name) ?? { name, ...(tensors.get(name) ?? { type: DataType.FLOAT }) }) : undefined,
    );
    const outputs = node.output.map((name) => tensors.get(name) ?? { type: DataType.FLOAT });
    const made = build.againAll(node, inputs, outputs);
    nodes.push(
      changed(node, { name: "", input: inputs.map((v) => v?.name ?? ""), output: made.map(({ name }) => name) }),
    );
    node.output.forEach((name, i) => {
      const copy = made[i];
      const type = tensors.get(name);
      if (!copy) return;
      copies.set(name, copy);
      if (type) types.push([copy.name, type]);
    });
  }
  if (given.name !== last) types.push([given.name, present(tensors.get(last), "tokens")]);
  return { given, nodes, types, names: new Map([...copies].map(([name, { name: copy }]) => [name, copy])) };
}
