/**
 * @file A step decoder over T words as one graph: a copy of its nodes for each word, one set of weights for all of them.
 *
 * What depends neither on the word nor on the state, as a projection of the image's features, is computed once.
 */
import { UserError } from "../errors.ts";
import { Builder, type Value } from "./build.ts";
import { range } from "./dims.ts";
import { indexLazily, inputsOf, type Model } from "./model.ts";
import { changed, declaredDims, declaredType, makeGraph, makeValueInfo, type NodeProto } from "./proto.ts";
import { renamedNode } from "./rename.ts";

/** A decoder that reads one word and a state, and gives the scores of the next word and a new state. */
export interface StepDecoder {
  readonly model: Model;
  /** The input that takes the word before, [n] or [n, 1]. */
  readonly token: string;
  /** The output with the scores of the next word, [n, words] or [n, 1, words]. */
  readonly logits: string;
  /** What one step hands to the next: an output and the input that takes it. Without `given` the first is zero. */
  readonly state: readonly { readonly input: string; readonly output: string; readonly given: boolean }[];
}

/** Inputs and outputs of the unrolled model that the step decoder does not have: the words, [n, T], and their scores, [n, T, words]. */
export const unrolled = { ids: "unrolled/ids", logits: "unrolled/logits" } as const;

/**
 * The decoder over `words` words. It takes `unrolled.ids`, the decoder's first states where they are given, and what else it takes at
 * every step; it gives `unrolled.logits`.
 * @throws UserError `unknown-name`, `invalid-model` where the decoder is no such decoder.
 */
export function unroll({ model, token, logits, state }: StepDecoder, words: number): Model {
  const inputs = new Map(model.inputs.map((info) => [info.name, info]));
  const outputs = new Map(model.graph.output.map((info) => [info.name, info]));
  const infoOf = (from: typeof inputs, name: string, what: string) => {
    const info = from.get(name);
    if (info) return info;
    throw new UserError("unknown-name", `unknown ${what}: "${name}"; the decoder has ${[...from.keys()].join(", ")}`);
  };
  const shapeOf = (from: typeof inputs, name: string, what: string, ranks: readonly number[]) => {
    const dims = declaredDims(infoOf(from, name, what));
    if (dims && ranks.includes(dims.length)) return dims;
    const allowed = ranks.map((rank) => `${rank}`).join(" or ");
    throw new UserError(
      "invalid-model",
      `invalid decoder: its ${what} "${name}" has shape [${dims ?? "?"}]; expected ${allowed} dimensions`,
    );
  };
  const wordRank = shapeOf(inputs, token, "input", [1, 2]).length;
  const scoreRank = shapeOf(outputs, logits, "output", [2, 3]).length;
  for (const { output } of state) infoOf(outputs, output, "output");

  const before = new Builder(model.opset, "unrolled/in/");
  const idType = declaredType(infoOf(inputs, token, "input"));
  const ids: Value = { name: unrolled.ids, type: idType, dims: [-1, words] };
  const wordAt = (t: number) => before.gather(ids, before.ints(wordRank === 1 ? t : [t]), 1);
  const first = state.map(({ input, given }) => {
    if (given) return input;
    const info = infoOf(inputs, input, "input");
    const dims = shapeOf(inputs, input, "input", [1, 2, 3, 4]);
    const shape = before.concat(
      dims.map((d) => (typeof d === "number" && d > 0 ? before.ints([d]) : before.dimOf(ids, 0))),
      0,
    );
    return before.zeros(shape, declaredType(info)).name;
  });
  const wordsIn = range(words).map(wordAt);

  const varying = stepwise(model, [token, ...state.map(({ input }) => input)]);
  const [again, once] = split(model.graph.node, (node) => node.output.some((name) => varying.has(name)));
  const steps = range(words).map((t) => {
    const own = (name: string) => `word${t}/${name}`;
    const carried = new Map(
      state.map(({ input, output }, i) => [input, t === 0 ? first[i] : `word${t - 1}/${output}`]),
    );
    carried.set(token, wordsIn[t].name);
    const rename = (name: string) => carried.get(name) ?? (varying.has(name) ? own(name) : name);
    return again.map((node) => changed(renamedNode(node, rename), { name: node.name && own(node.name) }));
  });

  const after = new Builder(model.opset, "unrolled/out/");
  const type = declaredType(infoOf(outputs, logits, "output"));
  const scores = range(words).map((t) => {
    const value = { name: `word${t}/${logits}`, type, dims: scoreRank === 2 ? [-1, -1] : [-1, 1, -1] };
    return scoreRank === 2 ? after.unsqueeze(value, [1]) : value;
  });
  const joined = after.op("Concat", scores, { axis: 1 }, type);
  const [made, end] = [before.collect([...wordsIn, ...first.map((name) => ({ name, type }))]), after.collect([joined])];
  const fed = model.graph.input.filter(
    ({ name }) => name !== token && state.every(({ input, given }) => given || input !== name),
  );
  const graph = makeGraph({
    name: `${model.graph.name || "decoder"} over ${words} words`,
    node: [...once, ...made.nodes, ...steps.flat(), ...end.nodes.map((node) => named(node, joined.name))],
    initializer: [...model.graph.initializer, ...made.initializers, ...end.initializers],
    sparseInitializer: model.graph.sparseInitializer,
    input: [makeValueInfo(unrolled.ids, idType, ["batch", words]), ...fed],
    output: [makeValueInfo(unrolled.logits, type, ["batch", words, ...declaredWords(outputs, logits)])],
  });
  return indexLazily(changed(model.proto, { graph }));

  function named(node: NodeProto, name: string): NodeProto {
    return changed(node, { output: node.output.map((output) => (output === name ? unrolled.logits : output)) });
  }
  function declaredWords(from: typeof outputs, name: string): (number | string)[] {
    return (
      declaredDims(infoOf(from, name, "output"))
        ?.slice(-1)
        .map((d) => d || "words") ?? []
    );
  }
}

/** Tensors that differ from step to step. */
function stepwise(model: Model, changing: readonly string[]): Set<string> {
  const varying = new Set(changing);
  for (const node of model.graph.node)
    if (inputsOf(node).some((name) => varying.has(name))) for (const name of node.output) varying.add(name);
  return varying;
}

function split<T>(list: readonly T[], is: (item: T) => boolean): [T[], T[]] {
  return [list.filter(is), list.filter((item) => !is(item))];
}
