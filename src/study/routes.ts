/** @file A study's pages by their addresses: each is a step of taking part, which is whole or did not happen. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { UserError } from "../errors.ts";
import { Browsers, type Form, formOf } from "./browsers.ts";
import * as pages from "./pages/pages.ts";
import { newParticipant, Participation, patience, type Standing } from "./participation.ts";
import { isLocked, Patience } from "./patiently.ts";
import { absent, foreign, full, later, misread, send, stranger } from "./replies.ts";
import type { ServeOptions } from "./serve-options.ts";
import { Starts } from "./starts.ts";
import type { Store } from "./store.ts";
import { itemsOf, type Place } from "./study.ts";

type Act = (standing: Standing, request: FastifyRequest, reply: FastifyReply) => FastifyReply;

export function addRoutes(app: FastifyInstance, store: Store, options: ServeOptions): void {
  const { study } = store;
  const idle = options.idle ?? patience;
  const participation = new Participation(store, Date.now, idle);
  const { kind } = participation;
  const practice = itemsOf(study, "practice").length;
  const browsers = new Browsers(JSON.stringify(study));
  const starts = new Starts();
  // One thread serves everybody: none waits in SQLite, all wait outside.
  store.neverWaits();
  const unlocked = new Patience();

  /** No place, or none any more. */
  const turnedAway = (reply: FastifyReply, reason: "taken" | "lost") => {
    const { complete, next = Date.now() } = participation.openings();
    return complete ? send(reply, full) : later(reply, reason, next, idle);
  };
  /** When questions were shown, while another process keeps that from being written: nobody waits for it. */
  const unsaved = new Map<string, number>();
  const show = (standing: Standing, place: Place) => {
    const at = Date.now();
    try {
      participation.shown(standing, place, at);
    } catch (error) {
      if (!isLocked(error)) throw error;
      const key = `${standing.participant.id} ${place.position}`;
      if (unsaved.has(key)) return;
      unsaved.set(key, at);
      unlocked
        .for(() => participation.shown(standing, place, at))
        .catch(() => {}) // The answer that follows meets the same fault, and tells of it.
        .finally(() => unsaved.delete(key));
    }
  };
  /** Takes a step of the study, which is whole or did not happen. */
  const step =
    (act: (request: FastifyRequest, reply: FastifyReply) => FastifyReply) =>
    async (request: FastifyRequest, reply: FastifyReply) =>
      unlocked.for(() => act(request, reply));
  /** A page for somebody who takes part; others are told that they are not known. */
  const known = (act: Act) =>
    step((request, reply) => {
      const standing = participation.standing(browsers.secretOf(request));
      return standing ? act(standing, request, reply) : send(reply, stranger, 403);
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
      return again ? act(again, request, reply) : send(reply, stranger, 403);
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
      if (wait !== undefined) return later(reply, "many", wait, idle);
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
      show(standing, next);
      const item = participation.item(next);
      const token = browsers.tokenOf(request, participant);
      return send(reply, pages.questionPage(kind, item, next, standing, practice, token));
    }),
  );
  app.post(
    "/answer",
    posted((standing, form, _, reply) => {
      const { id } = standing.participant;
      const position = number(form.position);
      try {
        participation.answer(standing, position, number(form.answer), unsaved.get(`${id} ${position}`));
      } catch (error) {
        if (error instanceof UserError && error.code === "invalid-input") return send(reply, misread, 400);
        throw error;
      }
      starts.answered(id);
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
      participant.finished === null
        ? send(reply, pages.leavePage(kind, browsers.tokenOf(request, participant)))
        : reply.redirect("done", 303),
    ),
  );
  app.post(
    "/leave",
    posted((standing, _, request, reply) => {
      // Who has the code has been promised that the answers count.
      if (standing.participant.finished !== null) return reply.redirect("done", 303);
      participation.withdraw(standing);
      browsers.keep(request, reply, "", 0);
      return send(
        reply,
        pages.notePage(
          "Deleted",
          "All data about your participation has been deleted. You may close this page.",
          false,
        ),
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
}

/** Digits alone; anything else is NaN, which no place and no answer is. */
const number = (text: string | undefined): number => (/^\d{1,4}$/.test(text ?? "") ? Number(text) : Number.NaN);
