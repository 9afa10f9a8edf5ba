/** @file The OpenAPI 3.1 document, made of the schemas that requests are checked by. */
import { z } from "zod";
import { packageVersion } from "../node/version.ts";
import type { ServeOptions } from "./options.ts";
import { alone, answer, askAnswer, captionAnswer, health, models, problem, readiness, withImage } from "./schemas.ts";

export interface Operation {
  readonly summary: string;
  readonly requestBody?: { readonly content: Readonly<Record<string, unknown>> };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: object }>>;
  readonly security?: readonly object[];
}

export interface OpenApi {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>>; readonly securitySchemes?: object };
}

export interface Schema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly [key: string]: unknown;
}

const named = {
  Question: alone.explain,
  QuestionWithImage: withImage.explain,
  CaptionQuestion: alone.caption,
  CaptionQuestionWithImage: withImage.caption,
  AskQuestion: alone.ask,
  AskQuestionWithImage: withImage.ask,
  Answer: answer,
  CaptionAnswer: captionAnswer,
  AskAnswer: askAnswer,
  Models: models,
  Health: health,
  Readiness: readiness,
  Problem: problem,
};
type Name = keyof typeof named;
const ref = (name: Name) => ({ $ref: `#/components/schemas/${name}` });
const json = (name: Name) => ({ "application/json": { schema: ref(name) } });
const problems = { "application/problem+json": { schema: ref("Problem") } };
const refused = (description: string, headers?: object) => ({
  description,
  content: problems,
  ...(headers && { headers }),
});
const retryAfter = { "Retry-After": { description: "Seconds", schema: { type: "integer", minimum: 1 } } };

export function openApi({
  tokens,
  maxBytes,
  maxPixels,
  timeout,
}: Pick<ServeOptions, "tokens" | "maxBytes" | "maxPixels" | "timeout">): OpenApi {
  const guarded: Operation["responses"] =
    tokens.length > 0
      ? { "401": refused("Missing or wrong bearer token", { "WWW-Authenticate": { schema: { type: "string" } } }) }
      : {};
  const free = { security: [] };
  const health200 = { "200": { description: "Yes", content: json("Health") } };
  const forbidden: Operation["responses"] =
    tokens.length > 0 ? {} : { "403": refused("From another machine, and the server has no bearer tokens") };
  const answering = (
    summary: string,
    asked: "Question" | "CaptionQuestion" | "AskQuestion",
    answered: Name,
    png = true,
  ): Operation => ({
    summary,
    requestBody: {
      required: true,
      content: {
        "multipart/form-data": {
          schema: {
            type: "object",
            required: asked === "AskQuestion" ? ["image", "question"] : ["image"],
            additionalProperties: false,
            properties: {
              image: { type: "string", contentMediaType: "application/octet-stream" },
              question: ref(asked),
            },
          },
          encoding: {
            image: { contentType: "application/octet-stream" },
            question: { contentType: "application/json" },
          },
        },
        ...json(`${asked}WithImage`),
      },
    } as Operation["requestBody"],
    responses: {
      "200": {
        description: "As preferred by the Accept header",
        content: {
          ...json(answered),
          ...(png && { "image/png": { schema: { type: "string", contentMediaType: "image/png" } } }),
        },
      },
      "400": refused("Invalid request"),
      ...guarded,
      ...forbidden,
      "404": refused("Unknown model"),
      "406": refused("Neither JSON nor PNG is accepted"),
      "408": refused("The request did not arrive in time"),
      "411": refused("A chunked body, without Content-Length"),
      "413": refused("Too many bytes or pixels, in the file or in the response"),
      "415": refused("Neither a form nor JSON"),
      "422": refused("Not an image, or an unknown class, layer or method"),
      "429": refused("Too many requests", retryAfter),
      "503": refused("The server is stopping, or a worker thread was lost", retryAfter),
      "504": refused("Timed out"),
    },
  });
  return {
    openapi: "3.1.0",
    info: {
      title: "gradcam",
      version: packageVersion,
      description: `Explains predictions of vision models. Files have at most ${maxBytes} bytes and images at most ${maxPixels} pixels; a request takes at most ${timeout} s.`,
    },
    ...(tokens.length > 0 && { security: [{ token: [] }] }),
    paths: {
      "/v1/explain": {
        post: answering("Predictions, and saliency maps for classes", "Question", "Answer"),
      },
      "/v1/caption": {
        post: answering("A caption, and a saliency map for each word", "CaptionQuestion", "CaptionAnswer", false),
      },
      "/v1/ask": { post: answering("Answers to a question, and saliency maps for them", "AskQuestion", "AskAnswer") },
      "/v1/models": {
        get: {
          summary: "Models, classes, layers and methods",
          responses: {
            "200": { description: "Models and methods", content: json("Models") },
            ...guarded,
            ...forbidden,
          },
        },
      },
      "/healthz": { get: { summary: "Liveness", ...free, responses: { ...health200, ...forbidden } } },
      "/readyz": {
        get: {
          summary: "Readiness",
          ...free,
          responses: {
            "200": { description: "Yes", content: json("Readiness") },
            "503": { description: "Not ready", content: json("Readiness") },
            ...forbidden,
          },
        },
      },
      "/metrics": {
        get: {
          summary: "Metrics for Prometheus",
          responses: {
            "200": { description: "Prometheus text format", content: { "text/plain": { schema: { type: "string" } } } },
            ...guarded,
            ...forbidden,
          },
        },
      },
    },
    components: {
      schemas: schemas(),
      ...(tokens.length > 0 && { securitySchemes: { token: { type: "http", scheme: "bearer" } } }),
    },
  };
}

/** The schemas by name, each reference within the document. */
function schemas(): Record<string, Schema> {
  const { schemas: made } = z.toJSONSchema(z.globalRegistry, {
    uri: (id) => `#/components/schemas/${id}`,
    io: "input",
  });
  return Object.fromEntries(
    Object.entries(made).map(([id, { $schema: _, $id: __, ...schema }]) => [id, schema as Schema]),
  );
}
