/** @file The OpenAPI 3.1 document, made of the schemas that requests are checked by. */
import { z } from "zod";
import { packageVersion } from "../node/version.ts";
import type { ServeOptions } from "./options.ts";
import { answer, health, models, problem, question, questionWithImage } from "./schemas.ts";

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
  Question: question,
  QuestionWithImage: questionWithImage,
  Answer: answer,
  Models: models,
  Health: health,
  Problem: problem,
};
const ref = (name: keyof typeof named) => ({ $ref: `#/components/schemas/${name}` });
const json = (name: keyof typeof named) => ({ "application/json": { schema: ref(name) } });
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
      ? { "401": refused("No token, or a wrong one", { "WWW-Authenticate": { schema: { type: "string" } } }) }
      : {};
  const free = { security: [] };
  const health200 = { "200": { description: "Yes", content: json("Health") } };
  const forbidden: Operation["responses"] =
    tokens.length > 0 ? {} : { "403": refused("Not from this machine, and the server has no tokens") };
  return {
    openapi: "3.1.0",
    info: {
      title: "gradcam",
      version: packageVersion(),
      description: `Asks vision models why. Files have at most ${maxBytes} bytes and pictures at most ${maxPixels} pixels; an answer takes at most ${timeout} s.`,
    },
    ...(tokens.length > 0 && { security: [{ token: [] }] }),
    paths: {
      "/v1/explain": {
        post: {
          summary: "Predictions, and where the evidence for classes is",
          requestBody: {
            required: true,
            content: {
              "multipart/form-data": {
                schema: {
                  type: "object",
                  required: ["image"],
                  additionalProperties: false,
                  properties: {
                    image: { type: "string", contentMediaType: "application/octet-stream" },
                    question: ref("Question"),
                  },
                },
                encoding: {
                  image: { contentType: "application/octet-stream" },
                  question: { contentType: "application/json" },
                },
              },
              ...json("QuestionWithImage"),
            },
          } as Operation["requestBody"],
          responses: {
            "200": {
              description: "As the Accept header prefers",
              content: {
                ...json("Answer"),
                "image/png": { schema: { type: "string", contentMediaType: "image/png" } },
              },
            },
            "400": refused("Not as the schemas say"),
            ...guarded,
            ...forbidden,
            "404": refused("No such model"),
            "406": refused("Neither JSON nor PNG is accepted"),
            "408": refused("The request did not arrive in time"),
            "413": refused("Too many bytes or pixels"),
            "415": refused("Neither a form nor JSON"),
            "422": refused("No picture, or a class, layer or method that the model does not have"),
            "429": refused("Too many requests in the house", retryAfter),
            "503": refused("The server is stopping", retryAfter),
            "504": refused("No answer in time"),
          },
        },
      },
      "/v1/models": {
        get: {
          summary: "What may be asked for",
          responses: {
            "200": { description: "Models and methods", content: json("Models") },
            ...guarded,
            ...forbidden,
          },
        },
      },
      "/healthz": { get: { summary: "Does the process answer?", ...free, responses: { ...health200, ...forbidden } } },
      "/readyz": {
        get: {
          summary: "Does the server take questions?",
          ...free,
          responses: { ...health200, "503": { description: "Not now", content: json("Health") }, ...forbidden },
        },
      },
      "/metrics": {
        get: {
          summary: "What the server counts, for Prometheus",
          responses: {
            "200": { description: "In the text format", content: { "text/plain": { schema: { type: "string" } } } },
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
