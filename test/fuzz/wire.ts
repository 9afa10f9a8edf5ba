/** @file Protobuf's wire format as a tree of fields, without any schema: what a file can be damaged in and still be read. */

export interface Field {
  readonly number: number;
  /** A varint, 8 or 4 bytes, bytes that are no message, or a message. */
  readonly value: bigint | Uint8Array | Field[];
  readonly wire: number;
}

class Reader {
  at = 0;
  constructor(readonly bytes: Uint8Array) {}

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (this.at >= this.bytes.length) throw new Error("the end");
      const byte = this.bytes[this.at++];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
    throw new Error("a varint that is too long");
  }

  take(length: number): Uint8Array {
    if (length > this.bytes.length - this.at) throw new Error("the end");
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
}

/** The fields of a message; bytes that can be read as a message are one. */
export function parse(bytes: Uint8Array): Field[] {
  const reader = new Reader(bytes);
  const fields: Field[] = [];
  while (reader.at < bytes.length) {
    const tag = Number(reader.varint());
    const [number, wire] = [tag >>> 3, tag & 7];
    if (number === 0 || ![0, 1, 2, 5].includes(wire)) throw new Error("no field");
    if (wire === 0) fields.push({ number, wire, value: reader.varint() });
    else if (wire === 2) fields.push({ number, wire, value: message(reader.take(Number(reader.varint()))) });
    else fields.push({ number, wire, value: reader.take(wire === 1 ? 8 : 4) });
  }
  return fields;
}

function message(bytes: Uint8Array): Uint8Array | Field[] {
  // Long runs of bytes are weights.
  if (bytes.length < 2) return bytes;
  try {
    return parse(bytes);
  } catch {
    return bytes;
  }
}

export function encode(fields: readonly Field[]): Uint8Array {
  const parts = fields.flatMap(({ number, wire, value }) => {
    const tag = varint(BigInt((number << 3) | wire));
    if (typeof value === "bigint") return [tag, varint(value)];
    const bytes = value instanceof Uint8Array ? value : encode(value);
    return wire === 2 ? [tag, varint(BigInt(bytes.length)), bytes] : [tag, bytes];
  });
  return Uint8Array.from(Buffer.concat(parts));
}

function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  return Uint8Array.from([...bytes, Number(rest)]);
}
