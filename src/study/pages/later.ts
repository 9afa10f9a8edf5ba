/** @file Pages for those who cannot begin or go on now: why, and when to come back. */
import { html } from "../../render/html.ts";
import { page } from "./pages.ts";
import { duration } from "./words.ts";

/** Why somebody has to come back later. */
export type Reason = "taken" | "lost" | "many";

const reasons: Readonly<Record<Reason, (idle: number) => string>> = {
  taken: (idle) =>
    `The study is not complete yet, but enough people are taking part at the moment. A place becomes free when someone has not answered for ${duration(idle)}.`,
  lost: (idle) =>
    `Others were waiting and you had not answered a question yet, so your place was given to someone else. No answers were lost. A place becomes free when someone has not answered for ${duration(idle)}.`,
  many: () => "Many people on your network have just begun and have not answered a question yet.",
};

/**
 * @param at when it is worth to come back; a whole minute, in milliseconds since 1970. The script shows it by the reader's clock, whose
 *   zone a server does not know.
 */
export function laterPage(reason: Reason, at: number, now: number, idle: number): string {
  const when = new Date(at);
  const minutes = Math.max(1, Math.ceil((at - now) / 60e3));
  return page(
    "All places are taken for now",
    "text",
    html`<h1>All places are taken for now</h1>
<p>${reasons[reason](idle)}</p>
<p>Please <strong>come back at <time datetime="${when.toISOString()}">${when.toISOString().slice(11, 16)} UTC</time></strong>, in about ${duration(minutes * 60e3)}.</p>
<p><a class="button main" href="./">Try again</a></p>`,
  );
}

/** The first whole minute from a time on. */
export const wholeMinute = (at: number): number => Math.ceil(at / 60e3) * 60e3;
