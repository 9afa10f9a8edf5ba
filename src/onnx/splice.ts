/**
 * @file A model's bytes with some of its fields written anew. All others are copied as they stand in the file, unparsed: weights above all,
 * whatever form they are stored in.
 */
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { withRoom } from "./append.ts";

/** Numbers of fields: those of a ModelProto, and of its GraphProto. */
const numbers = { graph: 7, opsetImport: 8, node: 1, initializer: 5, input: 11 } as const;

/** What of a model is written anew. */
export interface Dropped {
  /** Whether the graph's inputs are, beside the nodes and the operator sets. */
  readonly inputs: boolean;
  /** Initialisers that are left out, by their index. */
  readonly initializers: ReadonlySet<number>;
}

/** The bytes of `model` without its nodes, its operator sets and what else is dropped; then those of `added`, which has them. */
export function spliced(model: Uint8Array, dropped: Dropped, added: Uint8Array): Uint8Array {
  let initializer = -1;
  const stays = (field: number) => {
    if (field === numbers.initializer) return !dropped.initializers.has(++initializer);
    return field !== numbers.node && !(field === numbers.input && dropped.inputs);
  };
  const pieces = [
    ...kept(
      model,
      (field) => field !== numbers.opsetImport,
      (graph) => [...kept(graph, stays)],
    ),
    added,
  ];
  const bytes = withRoom(lengthOf(pieces));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

/** The fields of a message that stay, as views of it; those of the graph inside of it by `inside`. */
function* kept(
  message: Uint8Array,
  stays: (field: number) => boolean,
  inside?: (graph: Uint8Array) => Uint8Array[],
): Generator<Uint8Array> {
  const reader = new BinaryReader(message);
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [field, type] = reader.tag();
    if (inside && field === numbers.graph) {
      const pieces = inside(reader.bytes());
      yield new BinaryWriter().tag(field, WireType.LengthDelimited).uint32(lengthOf(pieces)).finish();
      yield* pieces;
      continue;
    }
    reader.skip(type, field);
    if (stays(field)) yield message.subarray(start, reader.pos);
  }
}

const lengthOf = (pieces: readonly Uint8Array[]): number => pieces.reduce((sum, { length }) => sum + length, 0);
