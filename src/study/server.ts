/**
 * @file The study as a web service. It keeps answers and nothing about who gave them: no address, no header, no log. Nothing in a request
 * names a file: pictures are looked up in the study by their keys.
 */
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import type { FastifyInstance } from "fastify";
import { missingPackage, UserError } from "../errors.ts";
import { printable } from "../render/printable.ts";
import { fromHere } from "./browsers.ts";
import { script } from "./pages/script.ts";
import { style } from "./pages/style.ts";
import { isLocked } from "./patiently.ts";
import { absent, busy, failed, foreign, misread, send } from "./replies.ts";
import { addRoutes } from "./routes.ts";
import { type ServeOptions, trusted } from "./serve-options.ts";
import type { Store } from "./store.ts";

export interface Serving {
  readonly url: string;
  close(): Promise<void>;
}

const headers = {
  "content-security-policy":
    "default-src 'none'; img-src 'self' data:; style-src 'self'; script-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), microphone=(), geolocation=()",
  "cache-control": "no-store",
};
/** Forms are small: a longer body is none of ours. */
const mostBytes = 2048;

/** @throws UserError for a synthetic study, a port that is taken, and without fastify. */
export async function serveStudy(store: Store, options: ServeOptions): Promise<Serving> {
  if (store.origin !== "people")
    throw new UserError(
      "invalid-input",
      `invalid study: ${store.file} holds synthetic answers, which cannot be mixed with real ones`,
    );
  const app = await studyApp(store, options);
  const { host, port } = options;
  try {
    await app.listen({ host, port });
  } catch (cause) {
    await app.close();
    throw new UserError("invalid-option", `cannot listen on ${host}:${port}: ${(cause as Error).message}`, { cause });
  }
  const { port: taken } = app.server.address() as AddressInfo;
  return { url: `http://${host.includes(":") ? `[${host}]` : host}:${taken}/`, close: () => app.close() };
}

async function studyApp(store: Store, options: ServeOptions): Promise<FastifyInstance> {
  const fastify = await loadFastify();
  const app = fastify({
    ...{ logger: false, bodyLimit: mostBytes, requestTimeout: 30_000, forceCloseConnections: true },
    routerOptions: { maxParamLength: 64 },
    trustProxy: trusted(options.trustProxy),
    // An address that is none, as one of broken percent signs, or has no end.
    frameworkErrors: ({ statusCode = 400 }, _request, reply) =>
      send(reply.headers(headers), statusCode === 400 ? absent : misread, statusCode === 400 ? 404 : statusCode),
  });
  let proxied = options.trustProxy !== undefined;
  app.addHook("onRequest", async (request, reply) => {
    reply.headers(headers);
    if (!proxied && request.headers["x-forwarded-for"] !== undefined) {
      proxied = true;
      options.onProxy?.();
    }
    if (request.method === "POST" && !fromHere(request)) return send(reply, foreign, 403);
  });
  app.addContentTypeParser("application/x-www-form-urlencoded", { parseAs: "string" }, (_request, body, done) =>
    done(null, Object.fromEntries(new URLSearchParams(body as string))),
  );
  app.setNotFoundHandler((_request, reply) => send(reply, absent, 404));
  app.setErrorHandler((error: { statusCode?: number }, _request, reply) => {
    if (isLocked(error)) return send(reply.header("retry-after", 10), busy, 503);
    const status = error.statusCode && error.statusCode < 500 ? error.statusCode : 500;
    if (status === 500) {
      // A disk's fault is a line; one of ours is told with its place.
      const told = error instanceof UserError ? `gradcam: ${error.message}` : inspect(error);
      console.error(told.split("\n").map(printable).join("\n"));
    }
    return send(reply, status === 500 ? failed : misread, status);
  });
  addRoutes(app, store, options);
  const asset = (path: string, type: string, text: string) =>
    app.get(path, async (_request, reply) => reply.type(type).header("cache-control", "no-cache").send(text));
  asset("/style.css", "text/css", style);
  asset("/script.js", "text/javascript", script);
  return app;
}

async function loadFastify(): Promise<typeof import("fastify").fastify> {
  try {
    return (await import("fastify")).fastify;
  } catch (cause) {
    throw missingPackage(["fastify"], "which serves studies", cause);
  }
}
