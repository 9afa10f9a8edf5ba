/**
 * @file JSON bodies, counted before they are parsed: all but the picture is small. The picture's base64, the one long text, is never
 * parsed: it is cut out, so that a large body holds up the server's thread no longer than its bytes are copied.
 */
import { HttpError } from "./problems.ts";

/** The most of what is not the picture. */
export const mostJson = { bytes: 64 * 1024, depth: 8, values: 1000, text: 4096 } as const;

/** Stands where the long text was. */
const standIn = "(a long text)";

export interface Json {
  readonly value: unknown;
  /** The content of the one text that was too long to be parsed, as it stands between its quotes. */
  readonly long?: Uint8Array;
}

const [quote, backslash, comma] = [0x22, 0x5c, 0x2c];
const opens = new Set([0x5b, 0x7b]);
const closes = new Set([0x5d, 0x7d]);

/** @throws HttpError 400 for what is no JSON, and for more bytes, values or depth than a question has. */
export function parseJson(bytes: Uint8Array): Json {
  const body = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const long = measured(body);
  const text = long
    ? `${body.toString("utf8", 0, long.from)}${standIn}${body.toString("utf8", long.to)}`
    : body.toString("utf8");
  try {
    return { value: JSON.parse(text), ...(long && { long: body.subarray(long.from, long.to) }) };
  } catch {
    throw invalid("the body is not JSON");
  }
}

interface Part {
  readonly from: number;
  readonly to: number;
}

/** Counts a body, in one pass that steps over texts; where its long text is, if it has one. */
function measured(body: Buffer): Part | undefined {
  let long: Part | undefined;
  let [counted, depth, values] = [0, 0, 0];
  for (let at = 0; at < body.length; at++) {
    const byte = body[at];
    if (byte === quote) {
      const end = endOfText(body, at + 1);
      const length = end - at - 1;
      if (length <= mostJson.text) counted += length + 1;
      else if (!long) long = { from: at + 1, to: end };
      else throw invalid(`two texts have more than ${mostJson.text} bytes; only "image" may`);
      at = end;
    } else if (opens.has(byte)) depth++;
    else if (closes.has(byte)) depth--;
    else if (byte === comma) values++;
    if (++counted > mostJson.bytes) throw invalid(`apart from "image" the body has more than ${mostJson.bytes} bytes`);
    if (depth > mostJson.depth) throw invalid(`values are nested deeper than ${mostJson.depth} levels`);
    if (values >= mostJson.values) throw invalid(`there are more than ${mostJson.values} values`);
  }
  return long;
}

/** Where a text's closing quote is. Base64 has no quotes, so that there are few that are escaped. */
function endOfText(body: Buffer, from: number): number {
  let escaped = 0;
  for (let end = body.indexOf(quote, from); end >= 0; end = body.indexOf(quote, end + 1)) {
    let slashes = 0;
    while (end - slashes > from && body[end - slashes - 1] === backslash) slashes++;
    if (slashes % 2 === 0) return end;
    if (++escaped > mostJson.text) throw invalid(`a text has more than ${mostJson.text} quotes in it`);
  }
  throw invalid("the body is not JSON: a text does not end");
}

/**
 * The file in a body, and what else is in it with a word of base64 in the file's place, for the schema.
 * @throws HttpError 400 for a long text that is not the file, or no base64, 413 for more bytes than allowed.
 */
export function fileIn({ value, long }: Json, maxBytes: number): { readonly file: Uint8Array; readonly rest: unknown } {
  const image = imageOf(value);
  if (long && image !== standIn)
    throw invalid(`a text has ${long.length} bytes; only "image" may have more than ${mostJson.text}`);
  if (image === undefined) return { file: new Uint8Array(), rest: value };
  const text = long ? unescaped(Buffer.from(long.buffer, long.byteOffset, long.length)) : image;
  const bytes = Math.floor((text.length * 3) / 4) - (text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0);
  if (bytes > maxBytes) throw new HttpError(413, "too-large", `too large image: ${bytes} bytes, allowed ${maxBytes}`);
  if (!long) return { file: Buffer.from(text, "base64"), rest: value };
  const file = Buffer.from(text, "base64");
  // Node.js leaves out what is no base64, and takes the alphabet for addresses as well.
  if (text.length % 4 !== 0 || file.length !== bytes || text.includes("-") || text.includes("_"))
    throw invalid("image: Invalid base64-encoded string");
  return { file, rest: { ...(value as object), image: "AAAA" } };
}

const imageOf = (value: unknown): string | undefined =>
  typeof value === "object" && value !== null && "image" in value && typeof value.image === "string"
    ? value.image
    : undefined;

/**
 * Some encoders escape what is of base64: PHP's the slash, .NET's the plus, Gson the equals sign. Each of the first two is one of 64
 * characters; a text of nothing but escapes would take long.
 */
function unescaped(text: Buffer): string {
  const plain = text.toString("latin1");
  const most = 16 + text.length / 32;
  let escapes = 0;
  for (let at = text.indexOf(backslash); at >= 0; at = text.indexOf(backslash, at + 1))
    if (++escapes > most) throw invalid("image: Invalid base64-encoded string");
  if (escapes === 0) return plain;
  try {
    return JSON.parse(`"${plain}"`);
  } catch {
    throw invalid("the body is not JSON");
  }
}

const invalid = (detail: string): HttpError => new HttpError(400, "invalid-request", `invalid request: ${detail}`);
