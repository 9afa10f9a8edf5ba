/** @file The report of an evaluation: one HTML file that needs nothing else, no server and no network. */

import { drawsFrom } from "../../array/statistics.ts";
import { type Html, html, raw } from "../../render/html.ts";
import type { Evaluation } from "../evaluate.ts";
import { metricNamed } from "../metrics/index.ts";
import type { Metric } from "../metrics/metric.ts";
import type { Difference, Figure } from "../summary.ts";
import { drawGallery, type Example, type GalleryOptions } from "./gallery.ts";
import { pageOf } from "./page.ts";
import { openPlotter, type Plotter, palette } from "./plots.ts";
import { script } from "./style.ts";

/** An evaluation, and what made it. */
export interface Reported extends Evaluation {
  readonly gradcam: string;
  readonly node: string;
}

/** @returns the file's text. @throws UserError `missing-package`, and for pictures that are gone. */
export async function makeReport(content: Reported, options: Omit<GalleryOptions, "methods">): Promise<string> {
  const plot = await openPlotter();
  const gallery = await drawGallery(content.extremes, { ...options, methods: content.methods });
  const { dataset, model } = content;
  const title = `${model.name} on ${nameOf(dataset.location)}`;
  const body = html`<header>
<p class="over">Evaluation of explanations</p>
<h1>${model.name} <span>on</span> ${nameOf(dataset.location)}</h1>
${facts(content)}
<nav>${content.metrics.map((name) => html`<a href="#${name}">${metricNamed(name).title}</a>`)}<a href="#classes">Classes</a><a href="#failures">Failures</a><a href="#provenance">Provenance</a></nav>
</header>
<main>
${content.metrics.map((name) => metricSection(metricNamed(name), content, gallery, plot))}
${classSection(content)}
${failureSection(content)}
${provenance(content)}
</main>
<script>${raw(script)}</script>`;
  return pageOf(
    title,
    body,
    content.methods.map((_, i) => palette[i % palette.length]),
  );
}

const nameOf = (location: string): string => location.replace(/\/+$/, "").split("/").at(-1) || location;

function facts({ examined, right, failures, methods, outcomes }: Reported): Html {
  const blank = outcomes.reduce((sum, outcome) => sum + outcome.blank, 0);
  const broken = outcomes.reduce((sum, outcome) => sum + outcome.broken, 0);
  const said = [
    [String(examined), examined === 1 ? "image" : "images"],
    ...(right ? [[`${right.count} of ${right.of}`, "classified correctly"]] : []),
    [String(methods.length), methods.length === 1 ? "method" : "methods"],
    [String(blank), "blank maps"],
    ...(broken ? [[String(broken), "maps not finite"]] : []),
    [String(failures.length), "failures"],
  ];
  return html`<dl class="facts">${said.map(([value, what]) => html`<div><dt>${what}</dt><dd>${value}</dd></div>`)}</dl>`;
}

const arrow = { higher: "higher is better", lower: "lower is better", neither: "" } as const;

function metricSection(metric: Metric, content: Reported, gallery: readonly Example[], plot: Plotter): Html {
  const figures = content.figures.filter((one) => one.metric === metric.name);
  const differences = content.differences.filter((one) => one.metric === metric.name);
  const examples = gallery.filter((one) => one.metric === metric.name);
  return html`<section id="${metric.name}">
<h2>${metric.title}</h2>
<p class="lead">${metric.summary} ${arrow[metric.better] && html`<em>${arrow[metric.better]}</em>`}</p>
${figures.length === 0 ? html`<p>Nothing was measured.</p>` : html`<div class="plot">${plot(figures, content.methods)}</div>`}
${figures.length > 0 && figureTable(figures, content.methods)}
${differences.length > 0 && differenceTable(differences)}
${examples.length > 0 && gallerySection(examples, content.methods)}
</section>`;
}

function figureTable(figures: readonly Figure[], methods: readonly string[]): Html {
  const names = [...new Set(figures.map(({ figure }) => figure))];
  const cell = (method: string, name: string) => {
    const one = figures.find(({ method: m, figure }) => m === method && figure === name);
    return one ? html`<td>${number(one.value)}<small>${interval(one)}</small></td>` : html`<td>–</td>`;
  };
  const rows = methods.map((method, i) => {
    const key = html`<i class="key k${i}"></i>`;
    const count = figures.find((one) => one.method === method)?.count ?? 0;
    return html`<tr><th scope="row">${key}${method}</th>${names.map((name) => cell(method, name))}<td class="quiet">${count}</td></tr>`;
  });
  const head = html`<tr><th></th>${names.map((name) => html`<th scope="col">${name}</th>`)}<th scope="col">images</th></tr>`;
  return html`<div class="scroll"><table><thead>${head}</thead><tbody>${rows}</tbody></table></div>`;
}

function differenceTable(differences: readonly Difference[]): Html {
  const rows = differences.map((d) => {
    const apart = d.low > 0 || d.high < 0;
    const words = html`<th scope="row">${d.method} − ${d.than}</th><td class="name">${d.figure}</td>`;
    return html`<tr${apart && raw(' class="apart"')}>${words}<td>${signed(d.value)}<small>${interval(d)}</small></td></tr>`;
  });
  const head = html`<tr><th></th><th class="name" scope="col">figure</th><th scope="col">difference</th></tr>`;
  return html`<details><summary>Pairwise differences</summary>
<p class="quiet">Over the images that both methods have. Bold if the interval excludes 0.</p>
<div class="scroll"><table><thead>${head}</thead><tbody>${rows}</tbody></table></div></details>`;
}

function gallerySection(examples: readonly Example[], methods: readonly string[]): Html {
  const [{ figure }] = examples;
  const rowsOf = (end: Example["end"]) =>
    examples.filter((one) => one.end === end).map((one) => exampleRow(one, methods));
  return html`<details open><summary>Best and worst images by ${figure}</summary>
<div class="examples"><h3>Best</h3>${rowsOf("best")}<h3>Worst</h3>${rowsOf("worst")}</div></details>`;
}

function exampleRow(
  { picture, label, class: c, width, height, photo, maps, boxes, values }: Example,
  methods: readonly string[],
): Html {
  const uri = (bytes: Uint8Array) => `data:image/jpeg;base64,${Buffer.from(bytes).toString("base64")}`;
  const marks = boxes.map(
    ([x0, y0, x1, y1]) => html`<rect x="${x0}" y="${y0}" width="${x1 - x0}" height="${y1 - y0}"/>`,
  );
  const over =
    boxes.length > 0 && html`<svg viewBox="0 0 ${width} ${height}" preserveAspectRatio="none">${marks}</svg>`;
  const shown = (bytes: Uint8Array, alt: string) =>
    html`<span class="picture"><img alt="${alt}" src="${uri(bytes)}">${over}</span>`;
  const cells = methods.map((method) => {
    const value = values[method];
    const map = maps[method];
    const drawn = map ? shown(map, `${method} for ${label}`) : html`<span class="blank">blank map</span>`;
    return html`<figure>${drawn}<figcaption>${method}<b>${value === undefined ? "–" : number(value)}</b></figcaption></figure>`;
  });
  return html`<div class="example" data-class="${c}"><figure>${shown(photo, picture)}<figcaption>${label}<small>${picture}</small></figcaption></figure>${cells}</div>`;
}

function classSection({ byClass, methods, metrics }: Reported): Html {
  const labels = new Map(byClass.map(({ class: c, label }) => [c, label]));
  const columns = metrics.flatMap((metric) => {
    const figure = byClass.find((one) => one.metric === metric)?.figure;
    return figure === undefined ? [] : [{ metric, figure }];
  });
  const options = [...labels].map(([c, label]) => html`<option value="${c}">${label} (${c})</option>`);
  const found = new Map(byClass.map((one) => [`${one.metric} ${one.method} ${one.class}`, one]));
  const tables = columns.map(({ metric, figure }) => {
    const rows = [...labels].flatMap(([c, label]) => {
      const its = methods.map((method) => found.get(`${metric} ${method} ${c}`));
      const count = its.find(Boolean)?.count;
      if (count === undefined) return [];
      const cells = its.map((one) => html`<td>${one ? number(one.value) : "–"}</td>`);
      return [html`<tr data-class="${c}"><th scope="row">${label}</th>${cells}<td class="quiet">${count}</td></tr>`];
    });
    const head = html`<tr><th></th>${methods.map((method) => html`<th scope="col">${method}</th>`)}<th scope="col">maps</th></tr>`;
    return html`<details><summary>${metricNamed(metric).title}: ${figure}</summary><div class="scroll"><table><thead>${head}</thead><tbody>${rows}</tbody></table></div></details>`;
  });
  return html`<section id="classes"><h2>By class</h2>
<p class="filter"><label>Show <select id="class"><option value="">all classes</option>${options}</select></label> <span class="quiet">here and among the images above</span></p>
${tables}</section>`;
}

function failureSection({ failures, outcomes, dataset }: Reported): Html {
  const rows = outcomes.map(
    ({ method, asked, blank, broken }) =>
      html`<tr><th scope="row">${method}</th><td>${asked}</td><td>${blank}</td><td>${broken}</td></tr>`,
  );
  const head = html`<tr><th></th><th scope="col">maps</th><th scope="col">blank</th><th scope="col">not finite</th></tr>`;
  const list = failures.map(({ id, error }) => html`<li><code>${id}</code> ${error}</li>`);
  const remarks = dataset.remarks.map(
    ({ what, count, examples }) => html`<li>${count} ${what} <span class="quiet">${examples.join(", ")}</span></li>`,
  );
  return html`<section id="failures"><h2>Failures</h2>
<div class="scroll"><table><thead>${head}</thead><tbody>${rows}</tbody></table></div>
${list.length ? html`<h3>Images that could not be evaluated</h3><ul>${list}</ul>` : html`<p>Every image was evaluated.</p>`}
${remarks.length > 0 && html`<h3>Problems in the dataset</h3><ul>${remarks}</ul>`}</section>`;
}

function provenance({ model, runtime, gradcam, node, dataset, seed, metrics }: Reported): Html {
  const draws = drawsFrom(Math.max(1, dataset.pictures));
  const rows: readonly (readonly [string, string])[] = [
    ["model", model.name],
    ["SHA-256", model.sha256],
    ["layer", model.layer ?? "–"],
    ["dataset", `${dataset.location}, ${dataset.pictures} images`],
    ["seed", String(seed)],
    ["intervals", `95 %, bootstrap over images, ${draws} resamples`],
    ["gradcam", gradcam],
    ["ONNX Runtime", runtime],
    ["Node", node],
  ];
  const protocols = metrics
    .map(metricNamed)
    .map(({ title, summary, paper }) => html`<dt>${title}</dt><dd>${summary} <span class="quiet">${paper}</span></dd>`);
  return html`<section id="provenance"><h2>Provenance</h2>
<dl class="pairs">${rows.map(([what, value]) => html`<dt>${what}</dt><dd>${value}</dd>`)}</dl>
<h3>Protocols</h3><dl class="pairs">${protocols}</dl></section>`;
}

const number = (value: number): string => (Number.isFinite(value) ? value.toFixed(3).replace("-", "−") : "–");
const signed = (value: number): string => (value > 0 ? `+${number(value)}` : number(value));
const interval = ({ low, high }: { low: number; high: number }): string =>
  Number.isFinite(low) ? `${number(low)} to ${number(high)}` : "";
