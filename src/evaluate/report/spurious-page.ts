/** @file What maps tell of a planted shortcut: the answers and the maps of both networks in tables, and some scenes. */

import { type Html, html } from "../../render/html.ts";
import { paint } from "../../scenes/index.ts";
import { type Look, networks, type SpuriousFigure } from "../spurious/figures.ts";
import type { Spurious } from "../spurious/spurious.ts";
import { withCue } from "../spurious/trial.ts";
import { pageOf } from "./page.ts";
import { figure, under } from "./pictures.ts";

/** Scenes that are drawn, evenly from the first to the last. */
const drawn = 6;

/** @returns the text of one HTML file that needs nothing else. */
export async function spuriousPage(content: Spurious, looks: readonly Look[]): Promise<string> {
  const count = Math.min(drawn, looks.length);
  const pictures: Html[] = [];
  for (let i = 0; i < count; i++) pictures.push(await example(looks[Math.floor((i * looks.length) / count)]));
  const { dataset, figures } = content;
  const answers = figures.filter(({ method, network }) => method === undefined && network !== "chance");
  const maps = figures.filter((one) => !answers.includes(one));
  return pageOf(
    "A planted shortcut",
    html`<header>
<p class="over">Spurious cues</p>
<h1>A planted shortcut <span>in ${dataset.location}</span></h1>
<p class="lead">Two networks answer which shape the big object has. In every training image of the biased one, a mark in a corner gave the answer away; in those of the balanced one it carried no information. ${dataset.used} of ${dataset.scenes} scenes have one big object and a free corner. Brackets are 95 % bootstrap intervals over scenes.</p>
</header>
<main><section><h2>Which network takes the shortcut?</h2>${answerTable(answers)}</section>
<section><h2>Do the maps show it?</h2>
<p class="lead">Maps of the answers where the mark gives the right shape: both networks are right, and only a map can tell them apart. Energy is the fraction of the map's positive values inside a region; a peak counts if it is within 3 % of the side of the region. A scene's pair of maps tells the networks apart if the biased network's map has more energy on the mark; the chance level is one half.</p>
${[...new Set(maps.map((one) => one.figure))].map((name) => mapTable(name, maps))}</section>
<section><h2>Scenes</h2>${pictures}</section>
<section><h2>Provenance</h2>${provenance(content)}</section></main>`,
  );
}

function answerTable(figures: readonly SpuriousFigure[]): Html {
  const names = [...new Set(figures.map((one) => one.figure))];
  const rows = columns.slice(0, 3).map(({ label, network, than }) => {
    const its = names.map((name) => figures.find((f) => f.figure === name && f.network === network && f.than === than));
    return html`<tr><th scope="row">${label}</th>${its.map(cell)}</tr>`;
  });
  return table(
    names.map((name) => name.replace("right answers, ", "")),
    rows,
  );
}

function mapTable(name: string, figures: readonly SpuriousFigure[]): Html {
  const its = figures.filter((one) => one.figure === name);
  const shown = columns.filter((c) => its.some(({ network, than }) => network === c.network && than === c.than));
  const methods = [...new Set(its.flatMap(({ method }) => method ?? []))];
  const rows = methods.map((method) => {
    const cells = shown.map(({ network, than }) =>
      cell(its.find((one) => one.method === method && one.network === network && one.than === than)),
    );
    return html`<tr><th scope="row">${method}</th>${cells}</tr>`;
  });
  const chance = its.find(({ network }) => network === "chance");
  const last =
    chance &&
    html`<tr><th scope="row">by chance</th>${shown.map((_, i) => (i < 2 ? cell(chance) : html`<td></td>`))}</tr>`;
  return html`<h3>${name[0].toUpperCase()}${name.slice(1)}</h3>${table(
    shown.map(({ label }) => label),
    last ? [...rows, last] : rows,
  )}`;
}

const columns = [
  ...networks.map((network) => ({ label: network, network, than: undefined })),
  { label: "biased − balanced", network: "biased", than: "balanced" },
  { label: "pair", network: "pair", than: undefined },
] as const;

function table(head: readonly string[], rows: readonly Html[]): Html {
  return html`<div class="scroll"><table><thead><tr><th></th>${head.map((text) => html`<th scope="col">${text}</th>`)}</tr></thead><tbody>${rows}</tbody></table></div>`;
}

const cell = (one: SpuriousFigure | undefined): Html =>
  one ? html`<td>${number(one.value)}<small>${number(one.low)} to ${number(one.high)}</small></td>` : html`<td>–</td>`;

const number = (value: number): string => (Number.isFinite(value) ? value.toFixed(3).replace("-", "−") : "–");

async function example({ trial, ...look }: Look): Promise<Html> {
  const { picture } = paint(withCue(trial, "right"));
  const rows: Html[] = [];
  for (const network of networks) {
    const { answer, maps } = look[network];
    const cells = [await figure(picture, html`${network}<b>${answer}</b>`)];
    for (const { method, map, lying } of maps)
      cells.push(await figure(under(picture, map), html`${method}<b>${Math.round(100 * lying.energyOnMark)} %</b>`));
    rows.push(html`<div class="example">${cells}</div>`);
  }
  return html`<h3>Scene ${trial.scene.seed}: ${trial.shape}</h3>${rows}`;
}

function provenance({ models, runtime, methods, seed, dataset }: Spurious): Html {
  const rows = [
    ...models.map(({ name, sha256, layer }) => [name, `SHA-256 ${sha256}, maps on ${layer ?? "–"}`]),
    ["scenes", dataset.location],
    ["methods", methods.join(", ")],
    ["seed", String(seed)],
    ["ONNX Runtime", runtime],
  ];
  return html`<dl class="pairs">${rows.map(([what, value]) => html`<dt>${what}</dt><dd>${value}</dd>`)}</dl>`;
}
