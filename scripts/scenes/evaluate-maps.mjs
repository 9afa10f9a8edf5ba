/**
 * @file Where the maps of the bundled scene models lie, on scenes that no training has seen and whose objects are known exactly.
 *
 *     npm run build && node scripts/scenes/evaluate-maps.mjs [--count 1000] [--first 0] [--models models]
 *       [--only scenes-answerer]... [--method grad-cam]... [--layer TENSOR] [--json]
 *
 * Peaks are those of the map on the picture's own pixels; one counts as on an object if it is at most 3 % of the picture's side away from
 * a visible pixel of it. Intervals are 95 % bootstraps over scenes. Seeds from 500,000 on are for choosing, those below 1,000 for
 * reporting.
 */
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { questionKinds } from "../../dist/scenes/index.js";
import { answerMaps, movedQuestions } from "./answer-maps.mjs";
import { captionMaps } from "./caption-maps.mjs";
import { estimate, median } from "./measures.mjs";

const { values } = parseArgs({
  options: {
    count: { type: "string", default: "1000" },
    first: { type: "string", default: "0" },
    models: { type: "string", default: fileURLToPath(new URL("../../models", import.meta.url)) },
    only: {
      type: "string",
      multiple: true,
      default: ["scenes-captioner", "scenes-captioner-transformer", "scenes-answerer"],
    },
    method: {
      type: "string",
      multiple: true,
      default: ["grad-cam", "hires-cam", "guided-backprop", "guided-grad-cam"],
    },
    layer: { type: "string" },
    json: { type: "boolean", default: false },
  },
});
const [count, first] = [Number(values.count), Number(values.first)];
const seeds = Array.from({ length: count }, (_, i) => first + i);
const methods = values.method;
/** One thread: the pictures are small. */
const session = { intraOpNumThreads: 1 };
const wordKinds = ["colour", "shape", "size", "texture"];

/** A share or a mean with its interval, or a plain number. */
const percent = (share) => (share ? `${cell(share, 100, 1)} %` : "");
const number = (mean) => (mean === undefined ? "" : typeof mean === "number" ? mean.toFixed(2) : cell(mean, 1, 2));
const cell = ({ value, low, high }, scale, digits) => {
  const [middle, from, to] = [value, low, high].map((v) => (scale * v).toFixed(digits));
  return `${middle} (${from} to ${to})`;
};
const whole = (n) => String(n ?? "");
const columns = {
  captions: [
    ["peak on the described object", "described", percent],
    ["on one that the words are true of", "fitting", percent],
    ["on the caption's other object", "other", percent],
    ["mean inside / outside", "ratio", number],
    ["median", "median", number],
    ["maps", "count", whole],
  ],
  moved: [
    ["peak on the new object", "after", percent],
    ["and before on the old one", "both", percent],
    ["still on the old one", "stayed", percent],
    ["random peak", "random", percent],
    ["centre", "centre", percent],
    ["moves", "count", whole],
  ],
  answers: [
    ["peak on what was asked about", "hit", percent],
    ["random peak", "random", percent],
    ["centre", "centre", percent],
    ["rank correlation with occlusion", "correlation", number],
    ["through the same patches", "coarse", number],
    ["maps", "count", whole],
  ],
};

const tables = [];
for (const name of values.only) {
  const given = { source: path.join(values.models, name), layer: values.layer, session, seeds, methods };
  tables.push(...(name.includes("answerer") ? await answererTables(name, given) : await captionerTables(name, given)));
}
if (values.json)
  console.log(JSON.stringify({ scenes: count, first, tables: tables.map(({ title, rows }) => ({ title, rows })) }));
else {
  console.log(`${count} scenes, seeds ${first} to ${first + count - 1}`);
  for (const table of tables) console.log(`\n${markdown(table)}`);
}

async function captionerTables(name, given) {
  const records = await all(captionMaps(given), name);
  const row = (label, some) => ({
    label,
    described: estimate(some, (one) => one.described),
    fitting: estimate(some, (one) => one.fitting),
    other: estimate(some, (one) => one.other),
    ratio: estimate(some, (one) => one.ratio),
    median: median(some.flatMap(({ ratio }) => ratio ?? [])),
    count: some.length,
  });
  const of = (method, ...kinds) => records.filter((one) => one.method === method && kinds.includes(one.what));
  const rows = methods.flatMap((method) => [
    row(`${method}, words`, of(method, ...wordKinds)),
    row(`${method}, noun phrases`, of(method, "phrase")),
  ]);
  const kinds = wordKinds.map((kind) => row(`${methods[0]}, words of ${kind}`, of(methods[0], kind)));
  const words = of(methods[0], ...wordKinds);
  const controls = [
    ["a random peak", "random"],
    ["the centre", "centre"],
  ].map(([label, key]) => ({
    label,
    described: estimate(words, (one) => one[key].described),
    fitting: estimate(words, (one) => one[key].fitting),
  }));
  return [
    { title: `${name}, layer ${words[0]?.layer}`, columns: columns.captions, rows: [...rows, ...kinds, ...controls] },
  ];
}

async function answererTables(name, given) {
  const moved = await all(movedQuestions(given), `${name}, moved questions`);
  const movedRow = (label, some) => ({
    label,
    ...Object.fromEntries(
      ["after", "stayed", "random", "centre"].map((key) => [key, estimate(some, (one) => one[key])]),
    ),
    both: estimate(some, (one) => one.before && one.after),
    count: some.length,
  });
  const records = await all(answerMaps(given), name);
  const row = (label, some) => ({
    label,
    ...Object.fromEntries(
      ["hit", "random", "centre", "correlation", "coarse"].map((key) => [key, estimate(some, (one) => one[key])]),
    ),
    count: some.length,
  });
  const of = (method) => records.filter((one) => one.method === method);
  return [
    {
      title: `${name}: the question moves from one object to another`,
      columns: columns.moved,
      rows: [
        movedRow("colour and shape", moved),
        ...["colour", "shape"].map((kind) =>
          movedRow(
            kind,
            moved.filter((one) => one.kind === kind),
          ),
        ),
      ],
    },
    {
      title: `${name}, layer ${records[0]?.layer}`,
      columns: columns.answers,
      rows: [
        ...methods.map((method) => row(`${method}, all kinds`, of(method))),
        ...questionKinds.map((kind) =>
          row(
            `${methods[0]}, ${kind}`,
            of(methods[0]).filter((one) => one.kind === kind),
          ),
        ),
      ],
    },
  ];
}

/** All records, with progress on a terminal. */
async function all(records, what) {
  const found = [];
  const start = performance.now();
  for await (const record of records) {
    found.push(record);
    const left = ((performance.now() - start) * (1 - record.done)) / record.done / 1000;
    if (process.stderr.isTTY && record.done > 0)
      process.stderr.write(`\r${what}: ${(100 * record.done).toFixed(0)} %, ${left.toFixed(0)} s left   `);
  }
  if (process.stderr.isTTY) process.stderr.write("\n");
  return found;
}

function markdown({ title, columns, rows }) {
  const lines = [
    [title, ...columns.map(([header]) => header)],
    ["", ...columns].map(() => "---"),
    ...rows.map((row) => [row.label, ...columns.map(([, key, text]) => text(row[key]))]),
  ];
  return lines.map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
