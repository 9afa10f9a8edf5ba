/** @file The pages that a participant sees. Addresses are relative, so that the study may stand under any path. */

import { type Html, html } from "../../render/html.ts";
import { checkQuestion, choicesOf, type Kind, shownTo } from "../kinds/kind.ts";
import type { Standing } from "../participation.ts";
import type { Item, Place, Study } from "../study.ts";

/** What every form carries, so that no other site can send it. */
export type FormToken = string;

export const page = (title: string, kind: "text" | "question", body: Html): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="style.css">
<script src="script.js" defer></script>
</head>
<body>
<main class="${kind}">
${body}
</main>
</body>
</html>
`.text;

const paragraphs = (texts: readonly string[]): Html[] => texts.map((text) => html`<p>${text}</p>\n`);
const hidden = (token: FormToken): Html => html`<input type="hidden" name="token" value="${token}">`;

export const consentPage = (kind: Kind, { consent }: Study): string =>
  page(
    kind.title,
    "text",
    html`<h1>${kind.title}</h1>
${paragraphs(consent)}
<form method="post" action="begin">
<label class="agree"><input type="checkbox" name="agree" value="yes" required> <span>I am 18 or older, I have read the above, and I agree to take part.</span></label>
<button class="main">Begin</button>
</form>`,
  );

export function instructionsPage(kind: Kind, { places }: Standing, practice: number): string {
  const questions = places.length - practice;
  return page(
    kind.title,
    "text",
    html`<h1>${kind.title}</h1>
${paragraphs(kind.instructions)}
<p>${practice > 0 && `You start with ${practice} practice questions. `}There are ${questions} questions in the study. Take your time, but don't overthink it: your first impression counts. You may close the page and come back to it on this device.</p>
<p class="quiet">Answer by clicking or tapping, or with the Tab key, the arrow keys and Enter.</p>
<p><a class="button main" href="next">${practice > 0 ? "Start practice" : "Start the questions"}</a></p>`,
  );
}

/** How far somebody is, not counting the practice. */
function progress({ places }: Standing, { position }: Place, practice: number): Html {
  if (position < practice)
    return html`<div class="progress"><span>Practice ${position + 1} of ${practice}</span></div>`;
  const [at, of] = [position - practice + 1, places.length - practice];
  return html`<div class="progress"><span>Question ${at} of ${of}</span><progress value="${at - 1}" max="${of}" aria-label="Questions answered"></progress></div>`;
}

const figure = (key: string, alt: string, caption?: string): Html =>
  html`<figure><img src="picture/${key}" alt="${alt}">${caption && html`<figcaption>${caption}</figcaption>`}</figure>`;

function pictures(kind: Kind, item: Item, place: Place): Html {
  const keys = shownTo(kind, item, place);
  const photo = item.photo && figure(item.photo, "The photograph", "The photograph");
  if (keys.length === 2)
    return html`${photo && html`<div class="pictures context">${photo}</div>`}
<div class="pictures pair">${keys.map((key, i) => figure(key, `What robot ${"AB"[i]} looked at`, `Robot ${"AB"[i]}`))}</div>`;
  const drawn = keys.map((key) => figure(key, "What the program looked at", photo && "What it looked at"));
  return html`<div class="pictures${photo && keys.length ? " pair" : ""}">${photo}${drawn}</div>`;
}

export function questionPage(
  kind: Kind,
  item: Item,
  place: Place,
  standing: Standing,
  practice: number,
  token: FormToken,
): string {
  const choices = choicesOf(kind, item, place);
  const question = item.role === "check" ? checkQuestion(kind, item, place) : kind.question(item);
  return page(
    kind.title,
    "question",
    html`${progress(standing, place, practice)}
<h1>${question}</h1>
${pictures(kind, item, place)}
<form method="post" action="answer" class="answers${choices.length === 2 && " few"}" aria-label="Answers">
${hidden(token)}<input type="hidden" name="position" value="${place.position}">
${choices.map(({ answer, label }) => html`<button name="answer" value="${answer}">${label}</button>\n`)}
</form>
<p class="foot"><a href="leave">Stop and delete my answers</a></p>`,
  );
}

export function feedbackPage(kind: Kind, item: Item, place: Place, standing: Standing, practice: number): string {
  const right = item.right === undefined ? undefined : item.right === place.answer;
  const wanted = item.right === undefined ? "" : item.choices[item.right];
  const last = place.position === practice - 1;
  return page(
    kind.title,
    "question",
    html`${progress(standing, place, practice)}
<h1>${kind.question(item)}</h1>
${pictures(kind, item, place)}
<p class="verdict ${right && "right"}" role="status">${
      right === undefined
        ? "Thank you. There is no right or wrong here: your impression counts."
        : right
          ? `That is right: ${wanted}.`
          : `It was: ${wanted}.`
    }</p>
${last && html`<p>The practice is over. From here on you are not told which answer is right.</p>`}
<p><a class="button main" href="next">${last ? "Start the questions" : "Continue"}</a></p>`,
  );
}

export const donePage = (kind: Kind, code: string, returnTo?: string): string =>
  page(
    kind.title,
    "text",
    html`<h1>Thank you!</h1>
<p>All your answers are saved. This is your completion code:</p>
<p class="code" data-code>${code}</p>
${
  returnTo
    ? html`<p><a class="button main" href="${returnTo}">Return and complete</a></p>`
    : html`<p>If you came from a crowdsourcing site, copy the code and enter it there. You may close this page.</p>`
}`,
  );

export const leavePage = (kind: Kind, token: FormToken): string =>
  page(
    kind.title,
    "text",
    html`<h1>Stop and delete?</h1>
<p>All your answers and all data about your participation are deleted. You get no completion code.</p>
<form method="post" action="leave">${hidden(token)}<button class="main">Delete my answers</button></form>
<p class="foot"><a href="next">Continue the study</a></p>`,
  );

/** One heading and one sentence: full, forgotten, not found. */
export const notePage = (title: string, text: string, onward = true): string =>
  page(
    title,
    "text",
    html`<h1>${title}</h1>
<p>${text}</p>
${onward && html`<p><a href="./">Back to the study</a></p>`}`,
  );
