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
  const imports = new Map(proto.opsetImport.map((entry) => [entry.domain, entry]));
  let count = 0;

  const expanded = (node: NodeProto, within: readonly FunctionProto[]): NodeProto[] => {
    const called = isOperator(node) ? undefined : functions.get(keyOf(node, node.opType));
    if (called) return bodyOf(node, called, within).flatMap((inner) => expanded(inner, [...within, called]));
    if (++count > mostNodes) throw refused(node, `is more than ${mostNodes} nodes when its functions are inlined`);
    const graphs = graphsIn(node);
    return graphs.length === 0
      ? [node]
      : [
          withGraphs(
            node,
            graphs.map((inner) => all(inner, within)),
          ),
        ];
  };
  const all = (one: GraphProto, within: readonly FunctionProto[]): GraphProto =>
    changed(one, { node: one.node.flatMap((node) => expanded(node, within)) });

  const bodyOf = (call: NodeProto, called: FunctionProto, within: readonly FunctionProto[]): NodeProto[] => {
    if (within.includes(called)) throw refused(call, "is a function that calls itself");
    if (within.length >= mostLevels) throw refused(call, `lies in more than ${mostLevels} functions, one in another`);
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
    for (let i = 2; taken.has(name); i++) name = `${wanted}_${i}`;
    taken.add(name);
    return name;
  };

  return { graph: all(graph, []), opsetImport: [...imports.values()] };
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

const refused = (node: NodeProto, why: string): UserError =>
  new UserError("invalid-model", `invalid model: ${describe(node)} ${why}`);
