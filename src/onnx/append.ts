/**
 * @file Adding to a model without rewriting it. Protobuf merges concatenated messages: the model's bytes followed by a message
 * that holds only what is new are the whole model. The original bytes are untouched, and no weight is parsed or copied twice.
 */
import { aliased } from "./alias.ts";
import {
  encodeModel,
  makeEntries,
  makeGraph,
  makeModel,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from "./proto.ts";
import { openSession, type Runtime, type Session, type SessionOptions } from "./runtime.ts";

/** What is added to a graph. */
export interface Extension {
  readonly nodes: readonly NodeProto[];
  readonly initializers: readonly TensorProto[];
  readonly inputs: readonly ValueInfoProto[];
  readonly outputs: readonly ValueInfoProto[];
  /** Metadata of the model, by key. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** The bytes that, appended to a model's, add the extension. They name no operator set and no IR version. */
export function encodeExtension(extension: Extension): Uint8Array {
  const { nodes, initializers, inputs, outputs, metadata = {} } = aliased(extension);
  const graph = makeGraph({
    node: [...nodes],
    initializer: [...initializers],
    input: [...inputs],
    output: [...outputs],
  });
  return encodeModel(makeModel({ graph, metadataProps: makeEntries(metadata) }));
}

/** The extended model's bytes. */
export function append(model: Uint8Array, extension: Extension): Uint8Array {
  const added = encodeExtension(extension);
  const bytes = new Uint8Array(model.length + added.length);
  bytes.set(model);
  bytes.set(added, model.length);
  return bytes;
}

/** Buffers with room behind a model, and the session that is being made from each. */
const rooms = new WeakMap<ArrayBufferLike, { last: Promise<unknown> }>();
const spare = 1 << 20;

/** An array for a model's bytes with room for extensions behind them, so that the weights need not be copied for each session. */
export function withRoom(length: number): Uint8Array {
  const buffer = new ArrayBuffer(length + spare);
  rooms.set(buffer, { last: Promise.resolve() });
  return new Uint8Array(buffer, 0, length);
}

/** A session of the extended model: written behind the model's bytes where they have room, else a copy. */
export async function openExtended(
  ort: Runtime,
  model: Uint8Array,
  extension: Extension,
  options: SessionOptions,
): Promise<Session> {
  const room = rooms.get(model.buffer);
  const added = encodeExtension(extension);
  if (!room || added.length > spare) return openSession(ort, append(model, extension), options, { bytes: model });
  // One session at a time, for they share the room; the runtime has taken what it needs once a session is made.
  const opened = room.last.then(() => {
    const bytes = new Uint8Array(model.buffer, model.byteOffset, model.length + added.length);
    bytes.set(added, model.length);
    return openSession(ort, bytes, options, { bytes: model });
  });
  room.last = opened.catch(() => undefined);
  return opened;
}
