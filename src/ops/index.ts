/**
 * @file The table of operators: ONNX name to what is known of it. An operator that is not here has no gradient.
 *
 * What most vision models are made of is in it from the start. The other families are fetched when a graph names one of their
 * operators, once before the sweep, which itself waits for nothing.
 */
import { InternalError } from "../errors.ts";
import { graphsIn } from "../onnx/model.ts";
import type { GraphProto, NodeProto } from "../onnx/proto.ts";
import * as activation from "./activation.ts";
import { others } from "./control.ts";
import * as convolution from "./convolution.ts";
import * as elementwise from "./elementwise.ts";
import { type Family, namesOf, onDemand } from "./families.ts";
import * as indexing from "./indexing.ts";
import * as linear from "./linear.ts";
import * as normalization from "./normalization.ts";
import type { Call, Op, Rule } from "./op.ts";
import * as pooling from "./pooling.ts";
import * as reduction from "./reduction.ts";
import * as shape from "./shape.ts";

const core: readonly object[] = [
  activation,
  convolution,
  elementwise,
  indexing,
  linear,
  normalization,
  pooling,
  reduction,
  shape,
];

/** Families export their operators under the operators' names; what they share starts with a small letter, or is no operator. */
export const exported = (family: object): [string, Op][] =>
  Object.entries(family).filter((entry): entry is [string, Op] => /^[A-Z]/.test(entry[0]));

const table = new Map<string, Op>([...core.flatMap(exported), ...others]);
const familyOf = new Map<string, Family>(
  onDemand.flatMap((family) => namesOf(family).map((name) => [name, family] as const)),
);

/** What is known of the operators that are loaded; {@link loadOperators} loads the others. */
export const operators: ReadonlyMap<string, Op> = table;

/**
 * Loads the families of some operators, by default all.
 * @returns the table, with them.
 */
export async function loadOperators(names: Iterable<string> = familyOf.keys()): Promise<ReadonlyMap<string, Op>> {
  const missing = [...names].filter((name) => !table.has(name)).map((name) => familyOf.get(name));
  await Promise.all(
    [...new Set(missing)].map(async (family) => {
      if (!family) return;
      if (family.uses) await loadOperators(family.uses.split(" "));
      const prefix = family.domain ? `${family.domain}.` : "";
      for (const [name, op] of exported(await family.load())) table.set(prefix + name, op);
    }),
  );
  return table;
}

/** Loads what a graph names, and the graphs inside its nodes. */
export async function loadOperatorsOf(graph: GraphProto): Promise<void> {
  await loadOperators(namesIn(graph));
}

const namesIn = ({ node }: GraphProto): Set<string> =>
  new Set(node.flatMap((n) => [nameOf(n), ...graphsIn(n).flatMap((graph) => [...namesIn(graph)])]));

/** Standard operators go by their name, those of other domains by domain and name. */
export const nameOf = ({ domain, opType }: NodeProto): string =>
  domain && domain !== "ai.onnx" ? `${domain}.${opType}` : opType;

/** Whether anything is known of a node's operator, loaded or not. */
export const knows = (node: NodeProto): boolean => table.has(nameOf(node)) || familyOf.has(nameOf(node));

/** What is known of a node's operator; undefined for one that is not in the table. */
export function operatorOf(node: NodeProto): Op | undefined {
  const name = nameOf(node);
  const op = table.get(name);
  if (!op && familyOf.has(name)) throw new InternalError(`the rules of ${name} were not loaded`);
  return op;
}

/** What an operator's own rule gives, for rules that stand in its place and make use of it. */
export const ownGradients: Rule = (c: Call) => {
  const rule = operatorOf(c.node)?.vjp;
  return typeof rule === "function" ? rule(c) : [null];
};
