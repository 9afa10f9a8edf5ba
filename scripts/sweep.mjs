/**
 * @file Compares the built package with the references that export-sweep.py wrote, and writes docs/architectures.md.
 *
 *     node scripts/sweep.mjs CASES_DIR [--only TEXT]
 *
 * Every case goes through `vjp` (output, gradients, guided, deconv) and `openExplainer` (Grad-CAM on the case's layer, and which
 * layer is the default). An error is max|a-b| / max|b| over the whole file, b the reference. Where one is above the tolerance the
 * case runs again without ONNX Runtime's optimisation, which rounds as PyTorch does more often: if it agrees then, the rounding
 * had moved an activation across the kink of a rectifier. With --only, cases whose name has TEXT in it, and no page is written.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { openExplainer, vjp } from "../dist/index.js";

const TOLERANCE = 1e-3;
const OUTPUT_TOLERANCE = 1e-4;
const QUANTITIES = ["output", "activation_gradient", "grad_cam", "input_gradient", "guided", "deconv"];
const PAGE = fileURLToPath(new URL("../docs/architectures.md", import.meta.url));
const [START, END] = ["<!-- sweep: start -->", "<!-- sweep: end -->"];

const tensorTypes = { "<f4": ["float32", Float32Array], "<i8": ["int64", BigInt64Array] };

function readNpy(file) {
  const bytes = readFileSync(file);
  const start = 10 + bytes.readUInt16LE(8);
  const header = bytes.toString("latin1", 10, start);
  const type = /'descr': '([^']+)'/.exec(header)[1];
  if (!(type in tensorTypes) || bytes[6] !== 1 || header.includes("'fortran_order': True"))
    throw new Error(`${file}: ${header.trim()} is not read here`);
  const [name, Values] = tensorTypes[type];
  const dims = /'shape': \(([^)]*)\)/.exec(header)[1].split(",").map(Number).filter(Boolean);
  return new ort.Tensor(name, new Values(new Uint8Array(bytes.subarray(start)).buffer), dims);
}

/** The greatest difference over the reference's greatest magnitude, in all pictures and in each. */
function distance(got, want) {
  if (String(got.dims) !== String(want.dims)) throw new Error(`shape [${got.dims}] for [${want.dims}]`);
  const [pictures] = want.dims;
  const size = want.data.length / pictures;
  const scale = want.data.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
  const each = Array.from({ length: pictures }, (_, n) => {
    let worst = 0;
    for (let i = n * size; i < (n + 1) * size; i++) {
      const difference = Math.abs(got.data[i] - want.data[i]) / scale;
      if (!(difference <= worst)) worst = difference;
    }
    return worst;
  });
  return { all: each.some(Number.isNaN) ? Number.NaN : Math.max(...each), each };
}

const tooFar = (quantity, { all }) => !(all <= (quantity === "output" ? OUTPUT_TOLERANCE : TOLERANCE));
const farOf = (errors) => Object.keys(errors).filter((quantity) => tooFar(quantity, errors[quantity]));

// ---- One case -------------------------------------------------------------------------------------------------------

function readCase(directory) {
  const file = (name) => join(directory, name);
  const about = JSON.parse(readFileSync(file("case.json"), "utf8"));
  const names = Object.entries(about.expected).filter(([, name]) => name);
  const expected = Object.fromEntries(names.map(([quantity, name]) => [quantity, readNpy(file(name))]));
  const feeds = Object.fromEntries(about.inputs.map((input) => [input.name, readNpy(file(input.file))]));
  return { about, expected, feeds, model: new Uint8Array(readFileSync(file("model.onnx"))) };
}

const targetOf = ({ about, expected }) =>
  about.reduction.kind === "class_logit" ? about.classes : { seeds: { [about.output]: expected.output_gradient } };

/** The shape of the map on the case's layer as the package reads it, and the grid to name where that is not the reference's. */
async function tokensOf(test) {
  const { about, expected } = test;
  if (!about.tokens) return undefined;
  const { prefix, h, w } = about.tokens;
  const found = await gradCam(test, { layer: about.layer }).catch((error) => {
    if (error.code === "invalid-option") return undefined; // no grid that fits
    throw error;
  });
  return String(found?.maps.dims) === String(expected.grad_cam.dims) ? undefined : { prefix, grid: [h, w] };
}

async function gradCam(test, options) {
  const explainer = await openExplainer(ort, test.model, { output: test.about.output, ...options });
  const layer = explainer.layers[0]?.name;
  try {
    const { maps } = await explainer.explain(test.feeds, { target: targetOf(test), method: "grad-cam" });
    return { layer, maps };
  } finally {
    await explainer.release();
  }
}

async function gradients(test, rules, wrt, session) {
  const seeds = { [test.about.output]: test.expected.output_gradient };
  return vjp(ort, test.model, { feeds: test.feeds, seeds, wrt, rules, session });
}

/** The error of every quantity that the case has. */
async function errorsOf(test, session) {
  const { about, expected } = test;
  const plain = await gradients(test, "plain", [about.image_input, about.layer], session);
  const got = {
    output: plain.outputs[about.output],
    activation_gradient: plain.gradients[about.layer],
    grad_cam: (await gradCam(test, { layer: about.layer, tokens: test.tokens, session })).maps,
    input_gradient: plain.gradients[about.image_input],
  };
  for (const rules of ["guided", "deconv"].filter((name) => expected[name]))
    got[rules] = (await gradients(test, rules, [about.image_input], session)).gradients[about.image_input];
  return Object.fromEntries(Object.keys(got).map((name) => [name, distance(got[name], expected[name])]));
}

/** "yes", or the default layer's name and whether the map on it is the reference's all the same. */
async function defaultLayer(test) {
  const { layer, maps } = await gradCam(test, {});
  if (layer === test.about.layer) return "yes";
  const { grad_cam: want } = test.expected;
  if (maps.data.every((value) => value === 0)) return `no map: \`${layer}\``;
  const same = String(maps.dims) === String(want.dims) && distance(maps, want).all <= TOLERANCE;
  return `${same ? "same map" : "another"}: \`${layer}\``;
}

/** What a second run says about a case that is too far off: "kink" when it agrees without optimisation. */
async function verdictOf(test, errors) {
  if (farOf(errors).length === 0) return { verdict: "agrees", notes: [] };
  const again = await errorsOf(test, { graphOptimizationLevel: "disabled" });
  const far = farOf(again);
  const worst = short(Math.max(...Object.values(again).map(({ all }) => all)));
  if (far.length === 0) return { verdict: "kink", notes: [`kink: ${worst} without optimisation`] };
  const { flips } = test.about.selfcheck;
  const notes = far.map((quantity) => `${spoken(quantity)} ${pictures(again[quantity])} without optimisation`);
  return { verdict: "differs", notes: flips ? [`rectified values of another sign: ${flips}`, ...notes] : notes };
}

const pictures = ({ each }) => each.map((error, n) => `${short(error)} in picture ${n + 1}`).join(" and ");

async function runCase(directory, name) {
  const row = { name, notes: [] };
  try {
    const test = readCase(directory);
    const { about } = test;
    const nodes = Object.values(about.selfcheck.ops).reduce((sum, count) => sum + count, 0);
    Object.assign(row, { exporter: about.exporter, opset: about.opset, nodes });
    test.tokens = await tokensOf(test);
    row.errors = await errorsOf(test);
    Object.assign(row, await verdictOf(test, row.errors));
    if (test.tokens) row.notes.push(`grid not found, named: ${test.tokens.grid.join("x")}`);
    row.layer = await defaultLayer(test);
  } catch (error) {
    row.verdict = "fails";
    row.notes = [String(error?.message ?? error).split("\n")[0]];
  }
  return row;
}

// ---- The page -------------------------------------------------------------------------------------------------------

const short = (value) => (value === 0 ? "0" : value.toExponential(0).replace("e+0", "").replace("e+", "e"));
const spoken = (quantity) => quantity.replaceAll("_", " ").replace("grad cam", "Grad-CAM");
const escaped = (text) => text.replaceAll("|", "\\|");
const from = (name) => (name.startsWith("timm_") ? "timm" : "torchvision");

function tableRow({ name, exporter, opset, nodes, errors, layer, notes }) {
  const numbers = QUANTITIES.map((quantity) => (errors?.[quantity] ? short(errors[quantity].all) : "–"));
  const cells = [
    name.replace(/^timm_/, ""),
    from(name),
    exporter,
    opset,
    nodes,
    ...numbers,
    layer ?? "–",
    notes.join("; "),
  ];
  return `| ${cells.map((cell) => escaped(String(cell ?? "–"))).join(" | ")} |`;
}

function summary(rows) {
  const having = (verdict) => rows.filter((row) => row.verdict === verdict);
  const named = (list) => (list.length ? ` (${list.map(({ name }) => name).join(", ")})` : "");
  const [kinks, differ, fail] = ["kink", "differs", "fails"].map(having);
  const layers = rows.filter(({ layer }) => layer === "yes" || layer?.startsWith("same map")).length;
  return [
    `**${rows.length} networks: ${having("agrees").length} agree, ${kinks.length} more without ONNX Runtime's optimisation, ` +
      `${differ.length} differ${named(differ)}, ${fail.length} do not run${named(fail)}.**`,
    `The default layer gives the reference's map in ${layers} of ${rows.length}.`,
  ].join("\n");
}

function refusals(list) {
  if (list.length === 0) return "PyTorch exported every network of the script.";
  const lines = list.map(({ name, reason }) => `- ${name.replace(/^timm_/, "")} (${from(name)}), ${escaped(reason)}`);
  return ["Not exported, so not compared:", "", ...lines].join("\n");
}

function report(rows, refused) {
  const head = [
    "architecture",
    "from",
    "exporter",
    "opset",
    "nodes",
    ...QUANTITIES.map(spoken),
    "default layer",
    "notes",
  ];
  const rule = head.map((_, i) => (i >= 3 && i < 5 + QUANTITIES.length ? "---:" : "---"));
  const table = [`| ${head.join(" | ")} |`, `| ${rule.join(" | ")} |`, ...rows.map(tableRow)].join("\n");
  return [START, "", summary(rows), "", refusals(refused), "", table, "", END].join("\n");
}

function writePage(rows, refused) {
  const page = readFileSync(PAGE, "utf8");
  const [before, after] = [page.split(START)[0], page.split(END)[1]];
  if (after === undefined) throw new Error(`${PAGE} has no ${START} and ${END}`);
  writeFileSync(PAGE, before + report(rows, refused) + after);
}

// ---- The sweep ------------------------------------------------------------------------------------------------------

const [directory, flag, only] = process.argv.slice(2);
if (!directory || (flag && flag !== "--only")) {
  console.error("usage: node scripts/sweep.mjs CASES_DIR [--only TEXT]");
  process.exit(2);
}
const entries = readdirSync(directory)
  .sort()
  .filter((name) => !only || name.includes(only));
const names = entries.filter((name) => existsSync(join(directory, name, "case.json")));
const refused = entries
  .filter((name) => !names.includes(name))
  .map((name) => {
    const file = join(directory, name, "failure.txt");
    return { name, reason: existsSync(file) ? readFileSync(file, "utf8").trim() : "no case was written" };
  });

const rows = [];
const started = Date.now();
for (const name of names) {
  const row = await runCase(join(directory, name), name);
  rows.push(row);
  const seconds = (Date.now() - started) / 1000;
  const left = Math.round((seconds / rows.length) * (names.length - rows.length));
  const worst = row.errors ? short(Math.max(...Object.values(row.errors).map(({ all }) => all))) : "–";
  const line = [
    `${rows.length}/${names.length}`,
    `${left} s left`,
    row.verdict,
    name,
    worst,
    `layer ${row.layer}`,
    ...row.notes,
  ];
  console.log(line.join("  "));
}
console.log(summary(rows));
for (const { name, reason } of refused) console.log(`not exported: ${name}: ${reason}`);
if (!only) writePage(rows, refused);
process.exit(rows.some(({ verdict }) => verdict === "fails") ? 1 : 0);
