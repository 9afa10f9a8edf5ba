/** @file What a study answers besides its pages: refusals, each with its status and one sentence. */
import type { FastifyReply } from "fastify";
import { laterPage, type Reason, wholeMinute } from "./pages/later.ts";
import { notePage } from "./pages/pages.ts";

export const send = (reply: FastifyReply, text: string, status = 200): FastifyReply =>
  reply.code(status).type("text/html").send(text);

/** Turns somebody away until a time, in milliseconds since 1970. */
export function later(reply: FastifyReply, reason: Reason, from: number, idle: number): FastifyReply {
  const now = Date.now();
  const at = wholeMinute(Math.max(from, now));
  reply.header("retry-after", Math.max(1, Math.ceil((at - now) / 1000)));
  return send(reply, laterPage(reason, at, now, idle), reason === "many" ? 429 : 503);
}

export const stranger = notePage("We do not recognise this browser", "Its cookies may have been deleted or blocked.");
export const absent = notePage("Not found", "This page does not exist.");
export const foreign = notePage("Invalid request", "This form was not sent from the study's own page.");
export const misread = notePage("Invalid request", "The study could not read this request. Nothing was changed.");
export const failed = notePage("Something went wrong", "Your earlier answers are saved. Please try again in a moment.");
export const busy = notePage(
  "Please wait a moment",
  "The study is being copied or changed. Your earlier answers are saved. Please try again.",
);
export const full = notePage("The study is complete", "We have all the answers we need. Thank you for coming!", false);
