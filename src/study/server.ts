/**
 * @file The study as a web service. It keeps answers and nothing about who gave them: no address, no header, no log. Nothing in a request
 * names a file: pictures are looked up in the study by their keys.
 */

import { type AddressInfo, isIP } from "node:net";
import { inspect } from "node:util";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { UserError } from "../errors.ts";
import { printable } from "../render/printable.ts";
import { Browsers, type Form, formOf, fromHere } from "./browsers.ts";
import { laterPage, type Reason, wholeMinute } from "./pages/later.ts";
import * as pages from "./pages/pages.ts";
import { script } from "./pages/script.ts";
import { style } from "./pages/style.ts";
import { newParticipant, Participation, patience, type Standing } from "./participation.ts";
import { isLocked, Patience } from "./patiently.ts";
import { Starts } from "./starts.ts";
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
  /** Milliseconds without an answer after which a place is free for others. */
  readonly idle?: number;
  /** Addresses and networks of proxies, whose word is taken for where a request comes from; others' is not. */
  readonly trustProxy?: readonly string[];
  /** Told once, where requests seem to come through a proxy that is not trusted. */
  readonly onProxy?: () => void;
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

async function studyApp(store: Store, options: ServeOptions): Promise<FastifyInstance> {
  const fastify = await loadFastify();
  const app = fastify({
    ...{ logger: false, bodyLimit: mostBytes, requestTimeout: 30_000, forceCloseConnections: true },
    routerOptions: { maxParamLength: 64 },
    trustProxy: trusted(options.trustProxy),
  });
  const idle = options.idle ?? patience;
  const participation = new Participation(store, Date.now, idle);
  const starts = new Starts();
  // One thread serves everybody: none waits in SQLite, all wait outside.
  store.neverWaits();
  const unlocked = new Patience();
  const { kind } = participation;
  const { study } = store;
  const practice = itemsOf(study, "practice").length;
  const browsers = new Browsers(JSON.stringify(study));
  const send = (reply: FastifyReply, text: string, status = 200) => reply.code(status).type("text/html").send(text);
  const lost = (reply: FastifyReply) =>
    send(
      reply,
      pages.notePage("We do not know this browser", "Perhaps its cookies were deleted, or are blocked."),
      403,
    );

  const later = (reply: FastifyReply, reason: Reason, from: number) => {
    const now = Date.now();
    const at = wholeMinute(Math.max(from, now));
    reply.header("retry-after", Math.max(1, Math.ceil((at - now) / 1000)));
    return send(reply, laterPage(reason, at, now, idle), reason === "many" ? 429 : 503);
  };
  /** No place, or none any more. */
  const turnedAway = (reply: FastifyReply, reason: Reason) => {
    const { complete, next = Date.now() } = participation.openings();
    return complete ? send(reply, full) : later(reply, reason, next);
  };
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
    if (status === 500) console.error(inspect(error).split("\n").map(printable).join("\n"));
    return send(reply, status === 500 ? failed : misread, status);
  });

  /** Takes a step of the study, which is whole or did not happen. */
  const step =
    (act: (request: FastifyRequest, reply: FastifyReply) => FastifyReply) =>
    async (request: FastifyRequest, reply: FastifyReply) =>
      unlocked.for(() => act(request, reply));
  type Act = (standing: Standing, request: FastifyRequest, reply: FastifyReply) => FastifyReply;
  /** A page for somebody who takes part; others are told that they are not known. */
  const known = (act: Act) =>
    step((request, reply) => {
      const standing = participation.standing(browsers.secretOf(request));
      return standing ? act(standing, request, reply) : lost(reply);
    });
  /** A page for somebody who has a place, or gets it back. */
  const placed = (act: Act) =>
    known((standing, request, reply) => {
      if (!standing.lost) return act(standing, request, reply);
      const { id } = standing.participant;
      const back = participation.return(standing, (waiting) => starts.yields(waiting, request.ip));
      if (!back) return turnedAway(reply, "lost");
      starts.begun(id, request.ip);
      const again = participation.standing(browsers.secretOf(request));
      return again ? act(again, request, reply) : lost(reply);
    });
  /** The same as `known` for a form, which must carry its token. */
  const posted = (
    act: (standing: Standing, form: Form, request: FastifyRequest, reply: FastifyReply) => FastifyReply,
  ) =>
    known((standing, request, reply) => {
      const form = formOf(request.body);
      if (!browsers.bears(request, standing.participant, form.token)) return send(reply, foreign, 403);
      return act(standing, form, request, reply);
    });
  const isKnown = (request: FastifyRequest) => participation.standing(browsers.secretOf(request)) !== undefined;

  app.get(
    "/",
    step((request, reply) =>
      isKnown(request) ? reply.redirect("next", 303) : send(reply, pages.consentPage(kind, study)),
    ),
  );
  app.post("/begin", async (request, reply) => {
    const { ip } = request;
    // Before the file is asked anything: whoever presses a hundred times a second costs no more than this.
    const agreed = formOf(request.body).agree === "yes";
    const wait = agreed ? starts.take(ip) : undefined;
    return unlocked.for(() => {
      if (isKnown(request)) return reply.redirect("next", 303);
      if (!agreed) return reply.redirect("./", 303);
      if (wait !== undefined) return later(reply, "many", wait);
      const id = newParticipant();
      const secret = participation.begin(id, (waiting) => starts.yields(waiting, ip));
      if (secret === undefined) return turnedAway(reply, "taken");
      starts.begun(id, ip);
      browsers.keep(request, reply, secret, 30);
      return reply.redirect("instructions", 303);
    });
  });
  app.get(
    "/instructions",
    placed((standing, _, reply) => send(reply, pages.instructionsPage(kind, standing, practice))),
  );
  app.get(
    "/next",
    placed((standing, request, reply) => {
      const { next, participant } = standing;
      if (!next) return reply.redirect("done", 303);
      participation.shown(standing, next);
      const item = participation.item(next);
      const token = browsers.tokenOf(request, participant);
      return send(reply, pages.questionPage(kind, item, next, standing, practice, token));
    }),
  );
  app.post(
    "/answer",
    posted((standing, form, _, reply) => {
      const position = number(form.position);
      try {
        participation.answer(standing, position, number(form.answer));
      } catch (error) {
        if (error instanceof UserError && error.code === "invalid-input") return send(reply, misread, 400);
        throw error;
      }
      starts.answered(standing.participant.id);
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
    known(({ participant }, request, reply) =>
      send(reply, pages.leavePage(kind, browsers.tokenOf(request, participant))),
    ),
  );
  app.post(
    "/leave",
    posted((standing, _, request, reply) => {
      participation.withdraw(standing);
      browsers.keep(request, reply, "", 0);
      return send(
        reply,
        pages.notePage("Deleted", "Nothing of your participation is kept. You may close this page.", false),
      );
    }),
  );
  app.get(
    "/picture/:key",
    step((request, reply) => {
      const picture = store.picture((request.params as { key: string }).key);
      if (!picture || !isKnown(request)) return send(reply, absent, 404);
      // A key is its picture's hash.
      return reply.type("image/webp").header("cache-control", "private, max-age=86400, immutable").send(picture);
    }),
  );
  const asset = (path: string, type: string, text: string) =>
    app.get(path, async (_request, reply) => reply.type(type).header("cache-control", "no-cache").send(text));
  asset("/style.css", "text/css", style);
  asset("/script.js", "text/javascript", script);
  return app;
}

const absent = pages.notePage("Not found", "There is no such page.");
const foreign = pages.notePage("Not from here", "This form was not sent from the study's own page.");
const misread = pages.notePage("Not understood", "The study could not read this request. Nothing was changed.");
const failed = pages.notePage("Something went wrong", "Your earlier answers are saved. Please try again in a moment.");
const busy = pages.notePage(
  "Please wait a moment",
  "The study is being copied or changed. Your earlier answers are saved: please try again.",
);
const full = pages.notePage(
  "The study is complete",
  "Everything has been judged often enough. Thank you for coming!",
  false,
);

/** @throws UserError for what is no address and no network */
function trusted(proxies: readonly string[] | undefined): string[] | false {
  if (!proxies) return false;
  const strange = proxies.find((proxy) => {
    const [address, bits = "0", ...rest] = proxy.split("/");
    const most = { 4: 32, 6: 128 }[isIP(address)];
    return most === undefined || rest.length > 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > most;
  });
  if (strange !== undefined)
    throw new UserError(
      "invalid-option",
      `invalid proxy: "${strange}"; allowed is an address or a network, as 127.0.0.1 or 10.0.0.0/8`,
    );
  return [...proxies];
}

/** Digits alone; anything else is NaN, which no place and no answer is. */
const number = (text: string | undefined): number => (/^\d{1,4}$/.test(text ?? "") ? Number(text) : Number.NaN);

async function loadFastify(): Promise<typeof import("fastify").fastify> {
  try {
    return (await import("fastify")).fastify;
  } catch (cause) {
    throw new UserError("missing-package", "missing package fastify, which serves studies: npm i fastify", { cause });
  }
}
