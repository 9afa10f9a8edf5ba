/** @file Compress by a condition that stands in the file: how much it keeps is known, which inference does not tell. */
import { Attributes, constantValues, type IndexedGraph } from "./model.ts";
import { DataType, makeNode, makeTensor, type NodeProto } from "./proto.ts";

/** Nodes that keep the same as a Compress, with sizes that inference tells; undefined for a condition that only the run knows. */
export function asGather(node: NodeProto, model: IndexedGraph): NodeProto[] | undefined {
  if (node.opType !== "Compress" || node.domain) return undefined;
  const condition = constantValues(model, node.input[1]);
  if (!condition) return undefined;
  const [output] = node.output;
  const [places, flat] = [`gradcam/places/${output}`, `gradcam/flat/${output}`];
  const list = (name: string, values: readonly number[]) => {
    const tensor = makeTensor("", DataType.INT64, [values.length], BigInt64Array.from(values, BigInt));
    return makeNode("Constant", [], [name], { value: { tensor } });
  };
  const kept = list(
    places,
    condition.flatMap((holds, i) => (holds ? [i] : [])),
  );
  const axis = new Attributes(node).int("axis", undefined);
  if (axis !== undefined) return [kept, makeNode("Gather", [node.input[0], places], [output], { axis })];
  const row = [list(`${flat}/shape`, [-1]), makeNode("Reshape", [node.input[0], `${flat}/shape`], [flat])];
  return [kept, ...row, makeNode("Gather", [flat, places], [output], { axis: 0 })];
}
