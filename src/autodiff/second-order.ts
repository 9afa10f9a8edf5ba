/**
 * @file The reverse sweep over itself: its output is ONNX again, so that the gradient is differentiated as the score was.
 *
 *   d/dt sum_i <g_i, v_i>   of gradients g_i = d(score)/d(t_i) and directions v_i: the product of the Hessian with v
 *
 * Rectifiers and maxima are taken as they lie: their second derivative is 0 wherever it exists.
 */
import { UserError } from "../errors.ts";
import type { Builder, Value } from "../onnx/build.ts";
import { indexGraph } from "../onnx/model.ts";
import { changed } from "../onnx/proto.ts";
import type { ObservedModel } from "./adjoint.ts";
import { gradientsFound, type Overrides, type Seen } from "./differentiate.ts";

/**
 * Builds the gradients of sum_i <g_i, v_i>.
 * @param along the gradients, which `build` has made of the model, and their directions
 * @returns by name in `wrt`; zeros where no gradient depends on it
 */
export function differentiateAgain(
  build: Builder,
  { model, tensors }: ObservedModel,
  along: readonly (readonly [gradient: Value, direction: Value])[],
  wrt: readonly string[],
  overrides?: Overrides,
): Map<string, Value> {
  const { nodes, initializers } = build.collect(along.map(([gradient]) => gradient));
  const graph = indexGraph(
    model.proto,
    changed(model.graph, {
      node: [...model.graph.node, ...nodes],
      initializer: [...model.graph.initializer, ...initializers],
    }),
  );
  const made = new Set(nodes.flatMap(({ output }) => output));
  const own = [...build.made].flatMap(({ outputs }) => outputs.filter(({ name }) => made.has(name)));
  const unknown = own.find(({ dims }) => !dims);
  if (unknown)
    throw new UserError(
      "unsupported-operator",
      `unsupported operator: the gradient has a ${nodes.find(({ output }) => output.includes(unknown.name))?.opType} whose shape only the run knows, so it cannot be differentiated again`,
    );
  const constants = initializers.map(({ name, dataType, dims }) => ({ name, type: dataType, dims: dims.map(Number) }));
  const seen: Seen = Object.assign(
    new Map([...tensors, ...[...own, ...constants].map(({ name, ...type }) => [name, type] as const)]),
    { bodies: tensors.bodies },
  );
  const seeds = new Map<string, Value>();
  for (const [{ name }, direction] of along) {
    const other = seeds.get(name);
    seeds.set(name, other ? build.add(other, direction) : direction);
  }
  const found = gradientsFound(graph, seen, { build, seeds, wrt, overrides });
  const zeros = (name: string): Value =>
    build.zerosLike({ name, type: along[0][0].type, dims: tensors.get(name)?.dims });
  return new Map(wrt.map((name) => [name, found.get(name) ?? zeros(name)]));
}
