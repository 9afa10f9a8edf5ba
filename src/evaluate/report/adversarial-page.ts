/** @file What became of maps under attack: a table, and the maps before and after. */

import { mean } from "../../array/statistics.ts";
import { type Html, html } from "../../render/html.ts";
import { attack, type Held } from "../adversarial.ts";
import { openSample, type Sample } from "../sample.ts";
import type { Source } from "../source.ts";
import { pageOf } from "./page.ts";
import { figure, under } from "./pictures.ts";

/** @returns the text of one HTML file that needs nothing else. */
export async function adversarialPage(
  all: readonly Held[],
  { model, samples, source }: { readonly model: string; readonly samples: readonly Sample[]; readonly source: Source },
): Promise<string> {
  const pictures: Html[] = [];
  for (const held of all) pictures.push(await examples(held, samples, source));
  const won = all.filter(({ probability }) => probability > attack.probability).length;
  return pageOf(
    `${model} under attack`,
    html`<header>
<p class="over">Adversarial check</p>
<h1>${model} <span>under attack</span></h1>
<p class="lead">${won} of ${all.length} images were perturbed until an absent class had a probability above ${attack.probability}. The classes that are present are explained before and after.</p>
</header>
<main><section><h2>Do the maps hold?</h2>${summaryTable(all)}</section>
<section><h2>Images</h2>${pictures}</section></main>`,
  );
}

function summaryTable(all: readonly Held[]): Html {
  const methods = all[0]?.methods.map(({ method }) => method) ?? [];
  const rows = methods.map((method, i) => {
    const its = all.map(({ methods: maps }) => maps[i]);
    const judged = its.flatMap(({ hits }) => (hits ? [hits] : []));
    const hitsOf = (which: 0 | 1) =>
      judged.length ? html`${judged.filter((hits) => hits[which]).length} of ${judged.length}` : "–";
    const correlation = mean(its.map((one) => one.correlation)).toFixed(3);
    return html`<tr><th scope="row">${method}</th><td>${correlation}</td><td>${hitsOf(0)}</td><td>${hitsOf(1)}</td></tr>`;
  });
  return html`<div class="scroll"><table><thead><tr><th></th><th scope="col">correlation of before and after</th><th scope="col">hits before</th><th scope="col">hits after</th></tr></thead><tbody>${rows}</tbody></table></div>`;
}

async function examples(held: Held, samples: readonly Sample[], source: Source): Promise<Html> {
  const sample = samples.find(({ id }) => id === held.picture) as Sample;
  const { picture } = await openSample(sample, source);
  const cells = [await figure(picture, html`${held.label}<small>${held.picture}</small>`)];
  for (const { method, maps, hits } of held.methods)
    for (const [i, when] of (["before", "after"] as const).entries()) {
      const said = hits && html`<b>${hits[i] ? "hit" : "miss"}</b>`;
      cells.push(await figure(under(picture, maps[i]), html`${method}, ${when}${said}`));
    }
  const percent = (p: number) => `${(100 * p).toFixed(p > 0.999 ? 2 : 1)} %`;
  return html`<h3>${held.label}: ${percent(held.before)}, perturbed towards ${held.absentLabel}: ${percent(held.probability)} in ${held.steps} steps (${held.label} falls to ${percent(held.after)})</h3><div class="example">${cells}</div>`;
}
