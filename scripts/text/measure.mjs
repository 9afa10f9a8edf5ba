/**
 * @file How well a recogniser reads painted lines, and whether a character's map lies on the character.
 *
 *   node scripts/text/measure.mjs LINES [MODEL] [--labels FILE] [--layer TENSOR] [--count N]
 *
 * LINES is a folder of scripts/text/paint.py. A peak is right within the character's own advance; the control is the position in the
 * sequence alone: character i of n at (i + 1/2) / n of the line.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { load } from "../../dist/node.js";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { labels: { type: "string" }, layer: { type: "string" }, count: { type: "string" } },
});
const [folder, file = fileURLToPath(new URL("../../models/lines-recogniser", import.meta.url))] = positionals;
const lines = JSON.parse(readFileSync(path.join(folder, "lines.json"), "utf8")).slice(0, Number(values.count ?? 300));
const methods = ["hires-cam", "grad-cam", "layer-cam"];
const model = await load(file, { labels: values.labels });
const counts = { characters: 0, wrong: 0, asked: 0 };
const hits = Object.fromEntries(["position in the sequence", ...methods].map((name) => [name, 0]));

for (const { file: name, text, spans } of lines) {
  const why = await model.explain(path.join(folder, name), { method: methods, layer: values.layer });
  counts.characters += text.length;
  counts.wrong += distance(text, why.text);
  // Only of a line that was read rightly is it known which character stands where.
  if (why.text !== text) continue;
  counts.asked += text.length;
  const width = why.picture.width;
  for (let i = 0; i < text.length; i++)
    hits["position in the sequence"] += within(((i + 0.5) / text.length) * width, spans[i]);
  for (const e of why.explanations) if (e.peak) hits[e.method] += within(e.peak.x + 0.5, spans[e.character]);
}
await model.release();

console.log(`${lines.length} lines, ${counts.characters} characters`);
console.log(`characters read: ${percent(1 - counts.wrong / counts.characters)}`);
for (const [name, count] of Object.entries(hits))
  console.log(`${name.padEnd(26)} ${percent(count / counts.asked)} ${interval(count, counts.asked)}`);

function within(x, [from, to]) {
  return Number(x >= from && x < to);
}

/** Levenshtein's. */
function distance(a, b) {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++)
    row = row.reduce((next, _, j) => {
      next.push(j === 0 ? i : Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + Number(a[i - 1] !== b[j - 1])));
      return next;
    }, []);
  return row[b.length];
}

function percent(part) {
  return `${(100 * part).toFixed(1)} %`;
}

/** Wilson's, 95 %. */
function interval(count, n) {
  const [z, p] = [1.96, count / n];
  const centre = (p + (z * z) / (2 * n)) / (1 + (z * z) / n);
  const half = (z * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n))) / (1 + (z * z) / n);
  return `[${percent(centre - half)}, ${percent(centre + half)}]`;
}
