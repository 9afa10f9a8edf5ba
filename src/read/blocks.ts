/**
 * @file The tokens behind each block of a transformer: a tensor through which all that the score depends on passes, at the same place of every
 * block. Behind an attention such tensors are the sum with what it was given, then the sum with the block's perceptron; what comes behind those
 * of the last block is the head.
 */
import { present, UserError } from "../errors.ts";
import { inputsOf, type Model } from "../onnx/model.ts";
import type { Attentions, Reading } from "./attentions.ts";
import { isPlace } from "./attentions.ts";
import { ancestors, descendants } from "./score.ts";

/**
 * One tensor [n, tokens, channels] for each block, from the picture to the score.
 * @throws UserError `invalid-option` where there are none, or blocks are not alike.
 */
export function blockTokens(reading: Reading, { blocks, pool, prefix, count }: Attentions): readonly string[] {
  const { model, tensors, layoutAt } = reading;
  const narrows = narrowsOf(reading).filter((name) => {
    const layout = layoutAt(name);
    return layout?.prefix === prefix && tensors.get(name)?.dims[1] === count;
  });
  const places = new Map(model.graph.node.map((node, i) => [node, i]));
  const placeOf = (name: string) => places.get(present(model.producer.get(name), "a node")) ?? 0;
  const ends = [...blocks, ...(pool ? [pool] : [])].map(({ node }) => places.get(node) ?? 0);
  const behind = blocks.map((_, l) =>
    narrows.filter(
      (name) => placeOf(name) > (ends[l] ?? 0) && placeOf(name) < (ends[l + 1] ?? Number.POSITIVE_INFINITY),
    ),
  );
  const kindsOf = (names: readonly string[]) => names.map((name) => model.producer.get(name)?.opType).join(" ");
  const first = present(behind[0], "a block");
  // Of one block alone nothing tells where it ends but its last sum.
  const depth = blocks.length > 1 ? first.length : first.findLastIndex((name) => isSum(reading, name)) + 1;
  const alike = behind.every((names) => kindsOf(names.slice(0, depth)) === kindsOf(first.slice(0, depth)));
  const between = behind.slice(0, -1).every((names) => names.length === depth);
  if (depth === 0 || !alike || !between)
    throw new UserError(
      "invalid-option",
      "invalid method: it reads the tokens behind every block, and the blocks of the model are not alike, or fused with what follows; take chefer",
    );
  return behind.map((names) => present(names[depth - 1], "tokens"));
}

const isSum = ({ model }: Reading, name: string): boolean => {
  const node = model.producer.get(name);
  return node?.opType === "Add" && node.input.every((input) => !model.constants.has(input));
};

/** The tensors that every path from the picture to the scores passes, in their order. */
function narrowsOf({ model, tensors, explained, scores }: Reading): readonly string[] {
  const active = descendants(model, tensors, explained.name);
  const wanted = ancestors(model, scores, (name) => isPlace(tensors, name));
  const isBetween = (name: string) => active.has(name) && wanted.has(name) && !isPlace(tensors, name);
  const nodes = model.graph.node.filter(({ output }) => output.some(isBetween));
  const waiting = new Map<string, number>();
  const readsOf = (node: Parameters<typeof inputsOf>[0]) => new Set(inputsOf(node).filter(isBetween));
  for (const node of nodes) for (const name of readsOf(node)) waiting.set(name, (waiting.get(name) ?? 0) + 1);
  const open = new Set([explained.name]);
  const found: string[] = [];
  for (const node of nodes) {
    for (const name of readsOf(node)) {
      const left = (waiting.get(name) ?? 0) - 1;
      waiting.set(name, left);
      if (left === 0) open.delete(name);
    }
    const made = node.output.filter(isBetween);
    for (const name of made) open.add(name);
    const [only] = made;
    if (open.size === 1 && only !== undefined) found.push(only);
  }
  return found;
}

/** The tensors behind some tokens that a score depends on, by degrees. */
export function behindTokens(
  { model, tensors, scores }: Pick<Reading, "model" | "tensors" | "scores">,
  tokens: string,
) {
  const wanted = ancestors(model, scores, (name) => isPlace(tensors, name));
  const behind = descendants(model as Model, tensors, tokens);
  return new Set([...behind].filter((name) => name !== tokens && wanted.has(name)));
}
