/** @file The pictures of a report: means on an axis, and how often each score was given. Places are percentages, so they fit any width. */

import { type Html, html } from "../../render/html.ts";
import { ticks } from "../../render/ticks.ts";
import type { Analysis, Mean } from "../analysis.ts";
import type { Scale } from "../kinds/kind.ts";
import { interval, nameOf, number } from "./words.ts";

/** Means on one axis: responsive, since every place is a percentage. */
export function chart({ means, chance }: Analysis, scale: Scale): Html {
  const { low, high } = scale;
  const place = (value: number) =>
    `${((100 * (Math.min(high, Math.max(low, value)) - low)) / (high - low)).toFixed(2)}%`;
  const span = (name: string, from: number, to: number) =>
    html`<i class="${name}" style="left:${place(from)};width:calc(${place(to)} - ${place(from)})"></i>`;
  const dot = (name: string, at: number) => html`<i class="${name}" style="left:${place(at)}"></i>`;
  const row = ({ condition, both, independent, paper }: Mean) => html`<div class="row">
<div class="name">${nameOf(condition)}</div>
<div class="value">${number(both.value, scale, !scale.fraction)}${scale.fraction && " %"}</div>
<div class="track" role="img" aria-label="${nameOf(condition)}: ${number(both.value, scale)}, interval ${interval(both, scale)}${paper !== undefined && `, paper ${number(paper, scale)}`}">
${dot("chance", chance)}${span("wide", both.low, both.high)}${span("narrow", independent.low, independent.high)}${paper !== undefined && dot("paper", paper)}${dot("mean", both.value)}
</div></div>`;
  const marks = ticks(low, high, 4).map(
    ({ at }) =>
      html`<span style="left:${place(at)}">${number(at, { ...scale, fraction: false }, !scale.fraction).replace(/\.00$/, "")}</span>`,
  );
  const percent = [0, 25, 50, 75, 100].map((p) => html`<span style="left:${p}%">${p} %</span>`);
  return html`<figure class="chart">
${means.map(row)}
<div class="row axis"><div class="name"></div><div class="value"></div><div class="track">${scale.fraction ? percent : marks}</div></div>
<figcaption><span><b class="key mean"></b> mean</span><span><b class="key wide"></b> 95 % for other people and images</span><span><b class="key narrow"></b> 95 % if ratings were independent</span><span><b class="key chance"></b> chance</span>${means.some((m) => m.paper !== undefined) && html`<span><b class="key paper"></b> the paper</span>`}</figcaption>
</figure>`;
}

/** How often each score was given. */
export function distribution(means: readonly Mean[]): Html {
  const bar = ({ condition, scores }: Mean) => {
    const total = scores.reduce((sum, { count }) => sum + count, 0);
    const parts = scores.map(({ score, count }) => {
      const fraction = (100 * count) / total;
      return html`<i class="s${score + 2}" style="width:${fraction.toFixed(2)}%" title="${score}: ${count}">${fraction >= 12 && `${fraction.toFixed(0)} %`}</i>`;
    });
    return html`<div class="row"><div class="name">${nameOf(condition)}</div><div class="value"></div><div class="stack">${parts}</div></div>`;
  };
  const keys = ["clearly the worse model", "slightly", "equal", "slightly", "clearly the better model"];
  return html`<figure class="chart">${means.map(bar)}
<figcaption>${keys.map((key, i) => html`<span><b class="key s${i}"></b> ${key}</span>`)}</figcaption></figure>`;
}
