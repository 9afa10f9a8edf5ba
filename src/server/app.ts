/** @file The HTTP server: its routes, and what holds for every request. */
import { createHash, randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";
import cors from "@fastify/cors";
import multipart from "@fastify/multipart";
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest, LogController } from "fastify";
import type { ModelCard, Models, Readiness } from "../client/contract.ts";
import { listing, UserError } from "../errors.ts";
import { methods } from "../methods/index.ts";
import { contentAt, fileHeaders, type Served } from "../node/serve-files.ts";
import { preferred } from "./accept.ts";
import { bearerCheck, isLocalRequest } from "./access.ts";
import { readBody } from "./body.ts";
import { docsPage, docsStyle } from "./docs-page.ts";
import { mostJson, parseJson } from "./json.ts";
import { Metrics } from "./metrics.ts";
import { openApi } from "./openapi.ts";
import type { ServeOptions } from "./options.ts";
import type { Pool } from "./pool.ts";
import { bug, HttpError, told } from "./problems.ts";
import { refuseUnheard, refuseUnread, silentOnes } from "./protocol.ts";
import type { Job, Task } from "./work.ts";

export interface App {
  readonly http: FastifyInstance;
  readonly metrics: Metrics;
  /** From now on the server is not ready, though it answers what it has. */
  stop(): void;
  /** Gives up what is still running. */
  abort(): void;
}

type AppOptions = Pick<
  ServeOptions,
  "host" | "tokens" | "cors" | "queue" | "timeout" | "maxBytes" | "maxPixels" | "logLevel" | "pages"
>;

/** What a browser may do with an answer: nothing but show it. */
const headers: Readonly<Record<string, string>> = {
  "content-security-policy": `default-src 'none'; style-src 'sha256-${createHash("sha256").update(docsStyle).digest("base64")}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "cache-control": "no-store",
};
/** Routes that answer without a token, for they say nothing of the operator's models, of pictures or use; of files, those of the studio. */
const open = new Set(["/", "/studio", "/studio/*", "/docs", "/openapi.json", "/healthz", "/readyz"]);

export async function createApp(pool: Pool, options: AppOptions, log?: { write(line: string): void }): Promise<App> {
  const { tokens, queue, timeout, maxBytes } = options;
  const inside = new Map<FastifyRequest, AbortController>();
  let stopping = false;
  const metrics = new Metrics({
    inside: () => inside.size,
    waiting: () => pool.queue.waiting,
    live: () => pool.threads.live,
    wanted: () => pool.threads.wanted,
  });
  const app = fastify({
    // Paths and statuses; never a body, a header or a query, of which plugins would tell at lower levels.
    logger: { level: options.logLevel, base: null, redact: ["*.headers"], ...(log && { stream: log }) },
    logController: new LogController({ disableRequestLogging: true, requestIdLogLabel: "request" }),
    genReqId: () => randomUUID(),
    bodyLimit: Math.ceil((maxBytes * 4) / 3) + mostJson.bytes,
    requestTimeout: timeout * 1000,
    keepAliveTimeout: 60_000,
    forceCloseConnections: "idle",
    return503OnClosing: false,
    http: {
      connectionsCheckingInterval: 1000,
      headersTimeout: Math.min(timeout, 15) * 1000,
      requireHostHeader: false, // asked for below, in the words of every problem
    },
    routerOptions: { ignoreTrailingSlash: false },
    clientErrorHandler: refuseUnread({ headers }),
    frameworkErrors: (error, request, reply) => {
      reply.headers({ ...headers, "x-request-id": request.id });
      send(error, request, reply);
    },
  });
  refuseUnheard(app.server, { headers });
  const hangUpOnSilent = silentOnes(app.server);
  const methodsOf = new Map<string, string[]>();
  app.addHook("onRoute", ({ url, method }) => {
    methodsOf.set(url, [...(methodsOf.get(url) ?? []), ...[method].flat()]);
  });

  app.addHook("onRequest", async (request, reply) => {
    reply.headers(headers);
    reply.header("x-request-id", request.id);
    if (request.headers.host === undefined && request.raw.httpVersion !== "1.0")
      throw new HttpError(400, "invalid-request", "invalid request: it has no Host header");
    // Ten million chunks of a byte each would be as many objects, and a second of this thread each million.
    if (request.headers["transfer-encoding"] !== undefined)
      throw new HttpError(
        411,
        "length-required",
        "length required: send the body with a Content-Length, not in chunks",
      );
  });
  // Before anything is refused: a page that may ask may also read why it was refused.
  await app.register(cors, {
    origin: options.cors.length > 0 ? [...options.cors] : false,
    methods: ["GET", "POST"],
    allowedHeaders: ["authorization", "content-type", "accept"],
    exposedHeaders: ["retry-after", "x-request-id"],
    strictPreflight: false,
  });

  const authorised = bearerCheck(tokens);
  app.addHook("onRequest", async (request) => {
    const { host, origin, authorization } = request.headers;
    if (tokens.length === 0 && !isLocalRequest(host, options.cors.includes(origin ?? "") ? undefined : origin))
      throw new HttpError(
        403,
        "forbidden",
        "forbidden: a server without bearer tokens answers only its own machine, under the name localhost",
      );
    const preflight = request.method === "OPTIONS" && options.cors.length > 0;
    if (tokens.length > 0 && !preflight && !open.has(request.routeOptions.url ?? "") && !authorised(authorization))
      throw new HttpError(
        401,
        "unauthorised",
        "unauthorised: send a bearer token in the Authorization header: Bearer TOKEN",
        {
          "www-authenticate": 'Bearer realm="gradcam"',
        },
      );
  });
  // Before the body is read: some methods are refused for their body's sake.
  app.addHook("onRequest", async (request) => {
    const path = pathOf(request);
    const below = (url: string) => url.endsWith("/*") && path.startsWith(url.slice(0, -1));
    const methods = methodsOf.get(path) ?? [...methodsOf].find(([url]) => below(url))?.[1];
    if (!methods || methods.includes(request.method) || (request.method === "OPTIONS" && options.cors.length > 0))
      return;
    const allowed = methods.join(", ");
    throw new HttpError(405, "unsupported-method", `unsupported method: ${request.method}; allowed are ${allowed}`, {
      allow: allowed,
    });
  });
  app.addHook("onSend", async (_, reply) => {
    // A connection that stays open for more would hold up the end.
    if (stopping) reply.header("connection", "close");
  });
  app.addHook("onResponse", async (request, reply) => {
    const route = request.routeOptions.url ?? "none";
    const seconds = reply.elapsedTime / 1000;
    metrics.requests.inc({ route, method: request.method, status: reply.statusCode });
    metrics.duration.observe({ route }, seconds);
    request.log.info({ method: request.method, route, status: reply.statusCode, seconds: Number(seconds.toFixed(4)) });
  });
  await app.register(multipart, {
    limits: { fileSize: maxBytes, files: 2, fields: 1, parts: 3, fieldSize: mostJson.bytes, headerPairs: 20 },
  });

  app.removeContentTypeParser(["text/plain", "application/json"]);
  app.addContentTypeParser("application/json", { parseAs: "buffer" }, async (_: FastifyRequest, body: Buffer) =>
    parseJson(body),
  );

  app.setErrorHandler((error, request, reply) => send(error, request, reply));
  app.setNotFoundHandler((request, reply) =>
    send(new HttpError(404, "unknown-path", "unknown path; /docs lists the paths"), request, reply),
  );

  app.get("/healthz", async () => ({ status: "ok" }));
  app.get("/readyz", async (_, reply) => {
    const { threads } = pool;
    const status = stopping ? "stopping" : threads.live > 0 ? "ok" : "starting";
    const answer: Readiness = { status, threads };
    return reply.code(status === "ok" ? 200 : 503).send(answer);
  });
  app.get("/metrics", async (_, reply) => reply.type(metrics.contentType).send(await metrics.text()));
  const description = openApi(options);
  const page = docsPage(description);
  app.get("/openapi.json", async () => description);
  app.get("/docs", async (_, reply) => reply.type("text/html; charset=utf-8").send(page));
  app.get("/", async (_, reply) => reply.redirect(options.pages ? "studio/" : "docs"));
  if (options.pages) addPages(app, options.pages);

  const answer: Models = {
    models: [...pool.cards],
    methods: methods.map(({ name, title, summary }) => ({ name, title, summary })),
  };
  app.get("/v1/models", async () => answer);

  /** A place among the requests in progress until the answer is sent or the client has left. Asked for before the body is read. */
  const enter = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    if (inside.size >= queue) {
      const seconds = Math.max(1, Math.ceil(pool.queue.secondsFor(inside.size)));
      throw new HttpError(
        429,
        "overloaded",
        `too many requests: ${inside.size} are in progress; try again in ${seconds} s`,
        {
          "retry-after": String(seconds),
        },
      );
    }
    const controller = new AbortController();
    inside.set(request, controller);
    const late = setTimeout(() => controller.abort("timeout"), timeout * 1000);
    onClose(reply.raw, () => {
      clearTimeout(late);
      inside.delete(request);
      if (!reply.raw.writableFinished) controller.abort("left");
    });
  };

  const types: Readonly<Record<Task, readonly Job["accept"][]>> = {
    explain: ["application/json", "image/png"],
    caption: ["application/json"],
    ask: ["application/json", "image/png"],
  };
  for (const task of Object.keys(types) as Task[])
    app.post(`/v1/${task}`, { onRequest: enter }, async (request, reply) => {
      const { signal } = inside.get(request) as AbortController;
      const accept = preferred(request.headers.accept, types[task]);
      if (!accept) throw new HttpError(406, "not-acceptable", `not acceptable: allowed are ${types[task].join(", ")}`);
      const { file, question } = await readBody(task, request, maxBytes);
      const { name } = modelFor(pool.cards, task, question.model);
      try {
        const { type, body } = await pool.answer({ task, model: name, file, question, accept }, signal);
        return await reply.type(type).send(Buffer.from(body.buffer, body.byteOffset, body.byteLength));
      } catch (error) {
        if (!(error instanceof UserError) || error.code !== "cancelled") throw error;
        throw cancelled(signal.reason, timeout);
      }
    });

  return {
    http: app,
    metrics,
    stop() {
      stopping = true;
      hangUpOnSilent();
    },
    abort() {
      for (const controller of inside.values()) controller.abort("stopping");
      // The refusals are written at once; uploads that do not end are not waited for.
      setTimeout(() => app.server.closeAllConnections(), 1000).unref();
    },
  };
}

/** The studio, whose pages may do more than answers may. */
function addPages(app: FastifyInstance, pages: Served): void {
  app.get("/studio", async (_, reply) => reply.redirect("studio/"));
  app.get("/studio/*", async ({ url }, reply) => {
    const content = await contentAt(pages, url.slice("/studio".length));
    if (!content) return reply.callNotFound();
    const { type, length } = content;
    return reply
      .headers({ ...fileHeaders(url), "content-length": length })
      .type(type)
      .send(content.open());
  });
}

const pathOf = ({ url }: FastifyRequest): string => url.split("?")[0];

function onClose(raw: ServerResponse, act: () => void): void {
  raw.once("close", act);
}

/** The model that is asked for, or the task's first. */
function modelFor(cards: Pool["cards"], task: Task, name: string | undefined): ModelCard {
  const own = cards.filter((card) => card.task === task);
  const model = name === undefined ? own[0] : own.find((card) => card.name === name);
  if (model) return model;
  const allowed = listing(own.map((card) => card.name));
  throw new HttpError(
    404,
    "unknown-model",
    `unknown model${name === undefined ? "" : `: "${name}"`}; allowed are ${allowed}`,
  );
}

function cancelled(reason: unknown, timeout: number): HttpError {
  if (reason === "timeout") return new HttpError(504, "timeout", `timeout: no answer within ${timeout} s`);
  return new HttpError(503, "stopping", "the server is stopping", { "retry-after": "1" });
}

function send(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const known = told(error);
  if (!known) request.log.error({ err: error });
  if (known?.technical) request.log.warn({ runtime: known.technical });
  const { problem, headers } = known ?? bug;
  return reply
    .code(problem.status)
    .headers(headers)
    .type("application/problem+json")
    .send(JSON.stringify({ ...problem, request: request.id }));
}
