/**
 * @file Functions of a model's own (FunctionProto), inlined: each call becomes the nodes of the function's body, as ONNX Runtime does it
 * before it runs them. The body is read in the operator sets of the model, not in those that the function names: so does the runtime.
 */
import { UserError } from "../errors.ts";
import { describe, graphsIn, namesIn, withGraphs } from "./graphs.ts";
import type { Model } from "./model.ts";
import {
  type AttributeProto,
  changed,
  type FunctionProto,
  type GraphProto,
  type ModelProto,
  makeNode,
  type NodeProto,
} from "./proto.ts";
import { renamedNode } from "./rename.ts";

/** Whether a node is an operator whatever function has its name. */
export type IsOperator = (node: NodeProto) => boolean;

/** Functions that call functions may come to more nodes than there is room for. */
const mostNodes = 1_000_000;
const mostLevels = 100;

const keyOf = ({ domain, overload }: NodeProto | FunctionProto, name: string): string =>
  JSON.stringify([domain, name, overload]);

/** Whether an input's values pass through a function that is no operator. */
export function callsFunctions({ graph, proto, constants }: Model, isOperator: IsOperator): boolean {
  if (proto.functions.length === 0) return false;
  const names = new Set(proto.functions.map((one) => keyOf(one, one.name)));
  const calls = (node: NodeProto): boolean =>
    (names.has(keyOf(node, node.opType)) && !isOperator(node)) ||
    graphsIn(node).some((inner) => inner.node.some(calls));
  return graph.node.some((node) => !node.output.every((name) => constants.has(name)) && calls(node));
}

/**
 * The graph with every call inlined, and the operator sets that its nodes are of.
 * @throws UserError `invalid-model` for a function that calls itself, or is too large when it is inlined.
 */
export function inlined(
  { graph, proto }: Model,
  isOperator: IsOperator,
): { graph: GraphProto; opsetImport: ModelProto["opsetImport"] } {
  const functions = new Map(proto.functions.map((one) => [keyOf(one, one.name), one]));
  const taken = namesIn(graph);
  const uses = new Map<string, number>();
  const imports = new Map(proto.opsetImport.map((entry) => [entry.domain, entry]));
  const sizes = new Map<FunctionProto, number>();

  const calledBy = (node: NodeProto) => (isOperator(node) ? undefined : functions.get(keyOf(node, node.opType)));
  /** How many nodes come of some, so that nothing is written that there is no room for. */
  const sizeOf = (nodes: readonly NodeProto[], within: readonly FunctionProto[]): number =>
    nodes.reduce((sum, node) => {
      const called = calledBy(node);
      if (!called) return graphsIn(node).reduce((more, inner) => more + sizeOf(inner.node, within), sum + 1);
      if (within.includes(called)) throw refused(node, "is a function that calls itself");
      if (within.length > mostLevels) throw tooDeep(node);
      const size = sizes.get(called) ?? sizeOf(called.node, [...within, called]);
      sizes.set(called, size);
      if (sum + size > mostNodes) throw refused(node, `is more than ${mostNodes} nodes when its functions are inlined`);
      return sum + size;
    }, 0);

  const expanded = (node: NodeProto, level = 0): NodeProto[] => {
    const called = calledBy(node);
    if (level > mostLevels) throw tooDeep(node);
    if (called) return bodyOf(node, called).flatMap((inner) => expanded(inner, level + 1));
    const graphs = graphsIn(node);
    return graphs.length === 0 ? [node] : [withGraphs(node, graphs.map(all))];
  };
  const all = (one: GraphProto): GraphProto => changed(one, { node: one.node.flatMap((node) => expanded(node)) });

  const bodyOf = (call: NodeProto, called: FunctionProto): NodeProto[] => {
    for (const entry of called.opsetImport)
      if (!imports.has(entry.domain) && entry.domain !== "ai.onnx") imports.set(entry.domain, entry);
    const names = new Map(called.input.map((formal, i) => [formal, call.input[i] ?? ""]));
    const handedOn: NodeProto[] = [];
    called.output.forEach((formal, i) => {
      const actual = call.output[i];
      if (!actual) return;
      const same = names.get(formal); // an input, or an output that is given twice
      if (same === undefined) names.set(formal, actual);
      else handedOn.push(makeNode("Identity", [same], [actual]));
    });
    const rename = (name: string): string => {
      const known = names.get(name);
      if (known !== undefined) return known;
      const fresh = freshName(`${call.name || call.output.find(Boolean)}/${name}`);
      names.set(name, fresh);
      return fresh;
    };
    const values = new Map([...called.attributeProto, ...call.attribute].map((a) => [a.name, a]));
    return [...called.node.map((node) => renamedNode(withAttributes(node, values), rename)), ...handedOn];
  };

  const freshName = (wanted: string): string => {
    let name = wanted;
    let count = uses.get(wanted) ?? 1;
    while (taken.has(name)) name = `${wanted}_${++count}`;
    uses.set(wanted, count);
    taken.add(name);
    return name;
  };

  sizeOf(graph.node, []);
  return { graph: all(graph), opsetImport: [...imports.values()] };
}

/** The node with its references to attributes of the function replaced: one that is not given is left out. */
function withAttributes(node: NodeProto, values: ReadonlyMap<string, AttributeProto>): NodeProto {
  const attribute = node.attribute.flatMap((a) => {
    if (!a.refAttrName) return [a];
    const value = values.get(a.refAttrName);
    return value ? [changed(value, { name: a.name })] : [];
  });
  const made = changed(node, { attribute });
  const graphs = graphsIn(made);
  if (graphs.length === 0) return made;
  const inner = (graph: GraphProto) => changed(graph, { node: graph.node.map((n) => withAttributes(n, values)) });
  return withGraphs(made, graphs.map(inner));
}

const tooDeep = (node: NodeProto) => refused(node, `lies in more than ${mostLevels} functions, one in another`);

const refused = (node: NodeProto, why: string): UserError =>
  new UserError("invalid-model", `invalid model: ${describe(node)} ${why}`);
