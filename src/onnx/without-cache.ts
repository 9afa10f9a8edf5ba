/**
 * @file A decoder with a cache of past keys and values as one without: it reads each sentence from its start, and so gives the scores of all
 * of its words at once.
 *
 * optimum and transformers.js write two forms. A merged decoder is an `If` on `use_cache_branch` around a decoder that begins a sentence
 * and one that goes on with it: the first stands for the whole. Others take a cache that may be empty: nodes make it so.
 */
import { UserError } from "../errors.ts";
import type { Builder, Value } from "./build.ts";
import { filled } from "./filled.ts";
import { Attributes, indexLazily, inputsOf, type Model, ownNames } from "./model.ts";
import { changed, declaredDims, type GraphProto, makeNode, type NodeProto } from "./proto.ts";
import { withOwnNames } from "./scopes.ts";

const switching = "use_cache_branch";
const isPast = (name: string): boolean => /^past_key_values?\b/.test(name);
const isPresent = (name: string): boolean => /^present(_key_values?)?\b/.test(name);

/**
 * The model as it is where it has no cache.
 * @throws UserError `invalid-model` for a decoder that only goes on with what another has begun.
 */
export function withoutCache(model: Model): Model {
  const names = model.inputs.map(({ name }) => name);
  if (!names.some((name) => name === switching || isPast(name)) && !model.outputs.some(isPresent)) return model;
  const begun = names.includes(switching) ? withoutSwitch(model) : model;
  const { graph, proto } = begun;
  const read = new Set([...graph.node.flatMap(inputsOf), ...graph.output.map(({ name }) => name)]);
  const kept = changed(graph, {
    input: graph.input.filter(({ name }) => !isPast(name) || read.has(name)),
    output: graph.output.filter(({ name }) => !isPresent(name)),
  });
  const left = indexLazily(changed(proto, { graph: kept }));
  return filled(
    left,
    Object.fromEntries(left.inputs.filter(({ name }) => isPast(name)).map(({ name }) => [name, emptyPast(left, name)])),
  );
}

/** The branch without a cache in the place of the node that chooses. */
function withoutSwitch({ graph, proto }: Model): Model {
  const choosing = graph.node.filter((node) => node.opType === "If" && node.input[0] === switching);
  const taken = new Set(ownNames(graph));
  const initializer = [...graph.initializer];
  const inlined = (node: NodeProto): NodeProto[] => {
    if (!choosing.includes(node)) return [node];
    const branch = withOwnNames(new Attributes(node).graph("else_branch") as GraphProto, taken);
    for (const name of ownNames(branch)) taken.add(name);
    initializer.push(...branch.initializer);
    const results = branch.output.map(({ name }, i) => makeNode("Identity", [name], [node.output[i]]));
    return [...branch.node, ...results];
  };
  const node = graph.node.flatMap(inlined);
  if (node.some((one) => inputsOf(one).includes(switching)))
    throw new UserError(
      "invalid-model",
      `invalid decoder: it reads ${switching} other than in an If between two decoders`,
    );
  const input = graph.input.filter(({ name }) => name !== switching);
  return indexLazily(changed(proto, { graph: changed(graph, { node, initializer, input }) }));
}

/** A cache of no words: [n, heads, 0, channels], where the free size is that of the past. */
function emptyPast(model: Model, name: string) {
  const info = model.inputs.find((input) => input.name === name);
  const dims = (info && declaredDims(info)) ?? [];
  const [batch, ...rest] = dims;
  if (/\.encoder\./.test(name) || rest.filter((d) => typeof d !== "number" || d <= 0).length !== 1)
    throw new UserError(
      "invalid-model",
      `invalid decoder: "${name}" has shape [${dims}], so it only continues what another decoder started; export decoder_model.onnx or decoder_model_merged.onnx`,
    );
  return (build: Builder, inputOf: (input: string) => Value): Value => {
    const fed = model.inputs.find((input) => !isPast(input.name) && declaredDims(input)?.length) ?? model.inputs[0];
    const first = typeof batch === "number" && batch > 0 ? build.ints([batch]) : build.dimOf(inputOf(fed.name), 0);
    const others = build.ints(rest.map((d) => (typeof d === "number" && d > 0 ? d : 0)));
    return build.zeros(build.concat([first, others], 0), inputOf(name).type);
  };
}
