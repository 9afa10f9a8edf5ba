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
<p>${participants.counted} participants gave ${analysis.ratings} ratings of ${items.judged} of ${items.of} items; ${items.enough} items have the planned ${items.wanted} ratings. Excluded: ${participants["missed a check"]} who failed an attention check, ${participants.unfinished} who did not finish.</p>
<p>${study.models.map(modelWords).join("; ")}. Images from ${study.dataset}.</p>
${
  analysis.means.length === 0
    ? html`<p>There is nothing to analyse yet.</p>`
    : html`${chart(analysis, scale)}
${!scale.fraction && distribution(analysis.means)}
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
  `Model ${name}${accuracy ? `, correct on ${accuracy.right} of ${accuracy.of} images` : ""}`;

function meansTable(means: readonly Mean[], scale: Scale): Html {
  const unit = scale.fraction ? ", %" : "";
  const paper = means.some((m) => m.paper !== undefined);
  const row = (
    m: Mean,
  ) => html`<tr><th scope="row">${nameOf(m.condition)}</th><td>${number(m.both.value, scale)}</td>${paper && html`<td>${m.paper === undefined ? "" : number(m.paper, scale)}</td>`}
<td>${interval(m.both, scale)}</td><td>${interval(m.people, scale)}</td><td>${interval(m.pictures, scale)}</td><td>${interval(m.independent, scale)}</td>
<td>${m.both.count}</td><td>${Number.isNaN(m.agreement) ? "none" : number(m.agreement, { ...scale, fraction: false })}</td><td>${m.seconds.toFixed(1)}</td></tr>\n`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Means"><table>
<thead><tr><th scope="col">condition</th><th scope="col">${scale.title}${unit}</th>${paper && html`<th scope="col">paper</th>`}<th scope="col">95 %: people and images</th><th scope="col">95 %: people</th><th scope="col">95 %: images</th><th scope="col">95 %: independent</th><th scope="col">ratings</th><th scope="col">agreement</th><th scope="col">seconds</th></tr></thead>
<tbody>${means.map(row)}</tbody></table></div>`;
}

function differencesTable(differences: readonly Figure[], scale: Scale): Html {
  const row = (d: Figure) => html`<tr><th scope="row">${nameOf(d.condition)} − ${nameOf(d.than ?? "")}</th>
<td>${number(d.both.value, scale, true)}</td><td>${interval(d.both, scale, true)}</td><td>${interval(d.people, scale, true)}</td><td>${interval(d.pictures, scale, true)}</td></tr>\n`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Differences"><table>
<thead><tr><th scope="col">difference</th><th scope="col">${scale.fraction ? "points" : "score"}</th><th scope="col">95 %: people and images</th><th scope="col">95 %: people</th><th scope="col">95 %: images</th></tr></thead>
<tbody>${differences.map(row)}</tbody></table></div>`;
}

function notes({ kind }: Study, { chance, means }: Analysis): Html {
  const { scale } = kinds[kind];
  const paper = means.some((m) => m.paper !== undefined);
  return html`<ul>
<li><b>People and images</b> is the interval to report: it generalises to other people and other images. Its variance is the variance between people plus that between images minus that of the ratings (Cameron, Gelbach and Miller 2011).</li>
<li><b>People</b> and <b>images</b> are bootstraps that resample participants, or images, and hold the other fixed. <b>Independent</b> (${scale.fraction ? "Wilson's interval" : "Student's interval"}) treats ratings as independent; it is too narrow if people or images differ.</li>
<li>Differences are not corrected for multiple comparisons: with many, some exclude 0 by chance.</li>
<li><b>Agreement</b> is Krippendorff's alpha: 1 if everyone gives an item the same answer, 0 if agreement is at chance level. The chance level of the score is ${number(chance, scale)}${scale.fraction && " %"}.</li>
${paper && html`<li><b>The paper</b>: Selvaraju et al., Grad-CAM, arXiv 1610.02391. Its images, models and participants were different, so its figures are for orientation only.</li>`}
<li>Guided backpropagation and guided Grad-CAM fail sanity checks (Adebayo et al. 2018): people may find them clear although they depend little on the model's weights.</li>
</ul>`;
}
