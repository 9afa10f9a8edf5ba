/**
 * @file The study as a web service. It keeps answers and nothing about who gave them: no address, no header, no log. Nothing in a request
 * names a file: pictures are looked up in the study by their keys.
 */

import { createHash, timingSafeEqual } from "node:crypto";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { UserError } from "../errors.ts";
import { printable } from "../render/printable.ts";
import * as pages from "./pages/pages.ts";
import { script } from "./pages/script.ts";
import { style } from "./pages/style.ts";
import { Participation, type Standing } from "./participation.ts";
import type { Store } from "./store.ts";
import { itemsOf } from "./study.ts";

export interface ServeOptions {
  readonly host: string;
  /** 0 takes any that is free. */
  readonly port: number;
  /** One code for everybody, where the crowdsourcing site wants it so; by default everybody gets one of their own. */
  readonly completionCode?: string;
  /** Where the last page leads; `{code}` stands for the code. */
  readonly returnTo?: string;
}

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
      `invalid study: ${store.file} holds synthetic answers, and people's do not mix with them`,
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

type Form = Readonly<Record<string, string>>;

async function studyApp(store: Store, options: ServeOptions): Promise<FastifyInstance> {
  const fastify = await loadFastify();
  const app = fastify({
    ...{ logger: false, bodyLimit: mostBytes, requestTimeout: 30_000, forceCloseConnections: true },
    routerOptions: { maxParamLength: 64 },
  });
  const participation = new Participation(store);
  const { kind } = participation;
  const { study } = store;
  const practice = itemsOf(study, "practice").length;
  // Cookies do not know ports: two studies on one machine must not take each other's.
  const cookie = `study-${hash(JSON.stringify(study)).slice(0, 12)}`;

  const secretOf = ({ headers: { cookie: all = "" } }: FastifyRequest): string | undefined =>
    all
      .split(/;\s*/)
      .find((one) => one.startsWith(`${cookie}=`))
      ?.slice(cookie.length + 1);
  const keep = (request: FastifyRequest, reply: FastifyReply, secret: string, days: number) => {
    const secure = request.headers["x-forwarded-proto"] === "https" ? "; Secure" : "";
    const life = `Max-Age=${days * 86400}`;
    reply.header("set-cookie", `${cookie}=${secret}; Path=/; ${life}; HttpOnly; SameSite=Lax${secure}`);
  };
  const tokenOf = (request: FastifyRequest): string => hash(`form ${secretOf(request)}`);
  const send = (reply: FastifyReply, text: string, status = 200) => reply.code(status).type("text/html").send(text);
  const lost = (reply: FastifyReply) =>
    send(
      reply,
      pages.notePage("We do not know this browser", "Perhaps its cookies were deleted, or are blocked."),
      403,
    );

  app.addHook("onRequest", async (request, reply) => {
    reply.headers(headers);
    if (request.method === "POST" && !fromHere(request)) return send(reply, foreign, 403);
  });
  app.addContentTypeParser("application/x-www-form-urlencoded", { parseAs: "string" }, (_request, body, done) =>
    done(null, Object.fromEntries(new URLSearchParams(body as string))),
  );
  app.setNotFoundHandler((_request, reply) => send(reply, pages.notePage("Not found", "There is no such page."), 404));
  app.setErrorHandler((error: { statusCode?: number }, _request, reply) => {
    if (error instanceof UserError && error.code === "invalid-input") return send(reply, misread, 400);
    const status = error.statusCode && error.statusCode < 500 ? error.statusCode : 500;
    if (status === 500) console.error(inspect(error).split("\n").map(printable).join("\n"));
    return send(reply, status === 500 ? failed : misread, status);
  });

  /** A page for somebody who takes part; others are told that they are not known. */
  const known =
    (act: (standing: Standing, request: FastifyRequest, reply: FastifyReply) => unknown) =>
    async (request: FastifyRequest, reply: FastifyReply) => {
      const standing = participation.standing(secretOf(request));
      return standing ? act(standing, request, reply) : lost(reply);
    };
  /** The same for a form, which must carry its token. */
  const posted = (act: (standing: Standing, form: Form, request: FastifyRequest, reply: FastifyReply) => unknown) =>
    known((standing, request, reply) => {
      const form = (request.body ?? {}) as Form;
      return same(form.token ?? "", tokenOf(request)) ? act(standing, form, request, reply) : send(reply, foreign, 403);
    });

  app.get("/", async (request, reply) => {
    if (participation.standing(secretOf(request))) return reply.redirect("next", 303);
    return send(reply, pages.consentPage(kind, study));
  });
  app.post("/begin", async (request, reply) => {
    if (participation.standing(secretOf(request))) return reply.redirect("next", 303);
    if ((request.body as Form | undefined)?.agree !== "yes") return reply.redirect("./", 303);
    const secret = participation.begin();
    if (secret === undefined) return send(reply, full);
    keep(request, reply, secret, 30);
    return reply.redirect("instructions", 303);
  });
  app.get(
    "/instructions",
    known((standing, _, reply) => send(reply, pages.instructionsPage(kind, standing, practice))),
  );
  app.get(
    "/next",
    known((standing, request, reply) => {
      const { next } = standing;
      if (!next) return reply.redirect("done", 303);
      participation.shown(standing, next);
      const item = participation.item(next);
      return send(reply, pages.questionPage(kind, item, next, standing, practice, tokenOf(request)));
    }),
  );
  app.post(
    "/answer",
    posted((standing, form, _, reply) => {
      const position = number(form.position);
      participation.answer(standing, position, number(form.answer));
      return reply.redirect(position < practice ? `feedback?position=${position}` : "next", 303);
    }),
  );
  app.get(
    "/feedback",
    known((standing, request, reply) => {
      const place = standing.places[number((request.query as Form).position)];
      if (!place || place.answer === null || place.position >= practice) return reply.redirect("next", 303);
      return send(reply, pages.feedbackPage(kind, participation.item(place), place, standing, practice));
    }),
  );
  app.get(
    "/done",
    known((standing, _, reply) => {
      if (standing.next) return reply.redirect("next", 303);
      const code = participation.finish(standing, options.completionCode);
      const returnTo = options.returnTo?.replaceAll("{code}", encodeURIComponent(code));
      return send(reply, pages.donePage(kind, code, returnTo));
    }),
  );
  app.get(
    "/leave",
    known((_standing, request, reply) => send(reply, pages.leavePage(kind, tokenOf(request)))),
  );
  app.post(
    "/leave",
    posted((standing, _, request, reply) => {
      participation.withdraw(standing);
      keep(request, reply, "", 0);
      return send(
        reply,
        pages.notePage("Deleted", "Nothing of your participation is kept. You may close this page.", false),
      );
    }),
  );
  app.get("/picture/:key", async (request, reply) => {
    const picture = store.picture((request.params as { key: string }).key);
    if (!picture || !participation.standing(secretOf(request))) return reply.callNotFound();
    // A key is its picture's hash.
    return reply.type("image/webp").header("cache-control", "private, max-age=86400, immutable").send(picture);
  });
  const asset = (path: string, type: string, text: string) =>
    app.get(path, async (_request, reply) => reply.type(type).header("cache-control", "no-cache").send(text));
  asset("/style.css", "text/css", style);
  asset("/script.js", "text/javascript", script);
  return app;
}

const foreign = pages.notePage("Not from here", "This form was not sent from the study's own page.");
const misread = pages.notePage("Not understood", "The study could not read this request. Nothing was changed.");
const failed = pages.notePage("Something went wrong", "Your earlier answers are saved. Please try again in a moment.");
const full = pages.notePage(
  "The study is complete",
  "Everything has been judged often enough. Thank you for coming!",
  false,
);

/** Whether a form was sent from our own page: the browser says so, and where an old one does not, the page's origin is our host. */
function fromHere({ headers: { "sec-fetch-site": site, origin, host } }: FastifyRequest): boolean {
  if (site !== undefined) return site === "same-origin";
  return origin === undefined || (URL.canParse(origin) && new URL(origin).host === host);
}

const hash = (text: string): string => createHash("sha256").update(text).digest("hex");

const same = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));

/** Digits alone; anything else is NaN, which no place and no answer is. */
const number = (text: string | undefined): number => (/^\d{1,4}$/.test(text ?? "") ? Number(text) : Number.NaN);

async function loadFastify(): Promise<typeof import("fastify").fastify> {
  try {
    return (await import("fastify")).fastify;
  } catch (cause) {
    throw new UserError("missing-package", "missing package fastify, which serves studies: npm i fastify", { cause });
  }
}
