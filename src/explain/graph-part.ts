/** @file A compiled adjoint as a part of a larger graph: its nodes written again, with tensors of that graph for what it reads. */
import type { Adjoint } from "../autodiff/adjoint.ts";
import type { Builder, Value } from "../onnx/build.ts";
import { changed, DataType, withName } from "../onnx/proto.ts";
import { renamedNode } from "../onnx/rename.ts";

/**
 * The names of the adjoint's outputs in the graph of `build`.
 * @param prefix what the names of the adjoint's own tensors start with
 * @param given tensors of this graph for the seeds' inputs, and for tensors of the model where other ones stand for them
 */
export function writeAdjoint(
  build: Builder,
  { extension: { nodes, initializers }, outputs }: Adjoint,
  prefix: string,
  given: ReadonlyMap<string, Value>,
): string[] {
  const names = new Map([...given].map(([name, value]) => [name, value.name]));
  const part = build.fresh();
  // Tensors of graphs inside nodes are the adjoint's too.
  const rename = (name: string): string =>
    names.get(name) ?? (name.startsWith(prefix) ? `${part}/${name.slice(prefix.length)}` : name);
  for (const tensor of initializers) {
    const name = build.fresh();
    build.adopt([], [withName(tensor, name)]);
    names.set(tensor.name, name);
  }
  for (const node of nodes)
    build.emit(
      node.input.flatMap((name) => (name ? [{ name: rename(name), type: DataType.FLOAT }] : [])),
      node.output.map(() => ({ type: DataType.FLOAT })),
      `${part} ${node.output.join(" ")}`,
      (made) => {
        node.output.forEach((name, i) => {
          if (name) names.set(name, made[i] as string);
        });
        return renamedNode(changed(node, { name: "" }), rename);
      },
    );
  return outputs.map(rename);
}
