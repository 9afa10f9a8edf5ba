/** @file A request's body: JSON with the file in base64, or a form with the file as it is. Nothing in it names a file or an address. */
import type { MultipartFile, MultipartValue } from "@fastify/multipart";
import type { FastifyRequest } from "fastify";
import type { z } from "zod";
import { fileIn, type Json, mostJson, parseJson } from "./json.ts";
import { HttpError } from "./problems.ts";
import { alone, withImage } from "./schemas.ts";
import type { Questions, Task } from "./work.ts";

export interface Asked<T extends Task> {
  readonly file: Uint8Array;
  readonly question: Questions[T];
}

/** @throws HttpError 400 for what the schemas do not allow, 413, 415. */
export async function readBody<T extends Task>(task: T, request: FastifyRequest, maxBytes: number): Promise<Asked<T>> {
  if (request.isMultipart()) return readForm(task, request);
  const schema: z.ZodType<Questions[Task] & { readonly image: string }> = withImage[task];
  const { file, rest } = fileIn(request.body as Json, maxBytes);
  const { image: _, ...asked } = checked(schema, rest);
  return { file, question: asked as Questions[T] };
}

async function readForm<T extends Task>(task: T, request: FastifyRequest): Promise<Asked<T>> {
  const parts = new Map<string, Buffer | unknown>();
  try {
    for await (const part of request.parts()) {
      const name = part.fieldname;
      if ((name !== "image" && name !== "question") || parts.has(name))
        throw invalid(
          `the form has ${parts.has(name) ? "two parts" : "a part"} "${name.slice(0, 40)}"; allowed are "image" and "question", once`,
        );
      parts.set(name, await contentOf(part));
    }
  } catch (cause) {
    const { code, statusCode, message } = cause as { code?: string; statusCode?: number; message: string };
    if (code && /^FST_(PARTS|FILES|FIELDS)_LIMIT$/.test(code))
      throw invalid('the form has more parts than "image" and "question"');
    if (code === "FST_INVALID_JSON_FIELD_ERROR")
      throw invalid(`the part "question" is not JSON, although its type says so`);
    if (cause instanceof HttpError || statusCode) throw cause;
    throw invalid(`the form is damaged or truncated: ${message}`);
  }
  const file = parts.get("image");
  if (!(file instanceof Uint8Array)) throw invalid(`the form has no file "image"`);
  const schema: z.ZodType<Questions[Task]> = alone[task];
  const question = checked(schema, parts.has("question") ? jsonIn(parts.get("question")) : {});
  return { file, question: question as Questions[T] };
}

const contentOf = (part: MultipartFile | MultipartValue): Promise<Buffer> | unknown =>
  part.type === "file" ? part.toBuffer() : part.value;

/** A part that says it is JSON has been read already; one without a type, or sent as a file, is read here. */
function jsonIn(content: unknown): unknown {
  if (!(content instanceof Uint8Array) && typeof content !== "string") return content;
  if (content.length > mostJson.bytes)
    throw new HttpError(413, "too-large", `too large question: allowed are ${mostJson.bytes} bytes`);
  const { value, long } = parseJson(typeof content === "string" ? Buffer.from(content) : content);
  if (long) throw invalid(`a text of the question has ${long.length} bytes, allowed ${mostJson.text}`);
  return value;
}

/** Characters of what is told: a schema would list thousands of names that it does not know. */
const mostDetail = 500;

function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [{ path, message }] = result.error.issues;
  throw invalid(`${path.join(".") || "body"}: ${message}`.slice(0, mostDetail));
}

const invalid = (detail: string): HttpError => new HttpError(400, "invalid-request", `invalid request: ${detail}`);
