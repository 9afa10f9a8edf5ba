/** @file A study's report: one HTML file that needs nothing else. */

import { type Html, html, raw } from "../../render/html.ts";
import type { Analysis, Figure, Mean } from "../analysis.ts";
import { kinds } from "../kinds/index.ts";
import type { Scale } from "../kinds/kind.ts";
import type { Study } from "../study.ts";
import { chart, distribution } from "./chart.ts";
import { reportStyle } from "./report-style.ts";
import { interval, nameOf, number } from "./words.ts";

export function reportPage(study: Study, analysis: Analysis): string {
  const { scale, title } = kinds[study.kind];
  const { participants, items } = analysis;
  const heading = `${study.kind}: ${scale.title}`;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${analysis.synthetic && "Synthetic: "}${heading}</title>
<link rel="icon" href="data:,">
<style>${raw(reportStyle)}</style>
</head>
<body>
<main>
${analysis.synthetic && html`<p class="synthetic"><strong>Synthetic data.</strong> These answers come from virtual participants, not from people.</p>`}
<p class="kicker">A study of ${study.kind.replaceAll("-", " ")}</p>
<h1>“${title}”</h1>
<p>${participants.counted} participants gave ${analysis.ratings} ratings of ${items.judged} of ${items.of} items; ${items.enough} items have the ${items.wanted} ratings that were wanted. Not counted: ${participants["missed a check"]} who missed an attention check, ${participants.unfinished} who did not finish.</p>
<p>${study.models.map(modelWords).join("; ")}. Pictures from ${study.dataset}.</p>
${
  analysis.means.length === 0
    ? html`<p>There is nothing to analyse yet.</p>`
    : html`${chart(analysis, scale)}
${!scale.share && distribution(analysis.means)}
<h2>Means</h2>
${meansTable(analysis.means, scale)}
${analysis.differences.length > 0 && html`<h2>Differences</h2>${differencesTable(analysis.differences, scale)}`}
<h2>How to read this</h2>
${notes(study, analysis)}`
}
<footer>gradcam ${study.gradcam}, seed ${study.seed}</footer>
</main>
</body>
</html>
`.text;
}

const modelWords = ({ name, accuracy }: Study["models"][number]): string =>
  `Model ${name}${accuracy ? `, right on ${accuracy.right} of ${accuracy.of} pictures` : ""}`;

function meansTable(means: readonly Mean[], scale: Scale): Html {
  const unit = scale.share ? ", %" : "";
  const paper = means.some((m) => m.paper !== undefined);
  const row = (
    m: Mean,
  ) => html`<tr><th scope="row">${nameOf(m.condition)}</th><td>${number(m.both.value, scale)}</td>${paper && html`<td>${m.paper === undefined ? "" : number(m.paper, scale)}</td>`}
<td>${interval(m.both, scale)}</td><td>${interval(m.people, scale)}</td><td>${interval(m.pictures, scale)}</td><td>${interval(m.independent, scale)}</td>
<td>${m.both.count}</td><td>${Number.isNaN(m.agreement) ? "none" : number(m.agreement, { ...scale, share: false })}</td><td>${m.seconds.toFixed(1)}</td></tr>\n`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Means"><table>
<thead><tr><th scope="col">condition</th><th scope="col">${scale.title}${unit}</th>${paper && html`<th scope="col">the paper</th>`}<th scope="col">95 %: people and pictures</th><th scope="col">95 %: people</th><th scope="col">95 %: pictures</th><th scope="col">95 %: independent</th><th scope="col">ratings</th><th scope="col">agreement</th><th scope="col">seconds</th></tr></thead>
<tbody>${means.map(row)}</tbody></table></div>`;
}

function differencesTable(differences: readonly Figure[], scale: Scale): Html {
  const row = (d: Figure) => html`<tr><th scope="row">${nameOf(d.condition)} − ${nameOf(d.than ?? "")}</th>
<td>${number(d.both.value, scale, true)}</td><td>${interval(d.both, scale, true)}</td><td>${interval(d.people, scale, true)}</td><td>${interval(d.pictures, scale, true)}</td></tr>\n`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Differences"><table>
<thead><tr><th scope="col">difference</th><th scope="col">${scale.share ? "points" : "score"}</th><th scope="col">95 %: people and pictures</th><th scope="col">95 %: people</th><th scope="col">95 %: pictures</th></tr></thead>
<tbody>${differences.map(row)}</tbody></table></div>`;
}

function notes({ kind }: Study, { chance, means }: Analysis): Html {
  const { scale } = kinds[kind];
  const paper = means.some((m) => m.paper !== undefined);
  return html`<ul>
<li><b>People and pictures</b> is the interval to quote: it holds for other people and other pictures. Its variance is that between people and that between pictures less that of the ratings (Cameron, Gelbach and Miller 2011).</li>
<li><b>People</b> and <b>pictures</b> are bootstraps that draw participants, or pictures, and take the others as given. <b>Independent</b> (${scale.share ? "Wilson's interval" : "Student's interval"}) takes every rating for itself; it is too narrow where people or pictures differ.</li>
<li>Differences are not corrected for their number: with many, some exclude 0 by chance.</li>
<li><b>Agreement</b> is Krippendorff's alpha: 1 where all give an item the same answer, 0 where they agree as by chance. Chance is ${number(chance, scale)}${scale.share && " %"}.</li>
${paper && html`<li><b>The paper</b>: Selvaraju et al., Grad-CAM, arXiv 1610.02391. It had other pictures, models and people, so its figures are for orientation.</li>`}
<li>Guided backpropagation and guided Grad-CAM fail sanity checks (Adebayo et al. 2018): people may find them clear though they depend little on the model's weights.</li>
</ul>`;
}
