/** @file The studio's files where the package is installed: its pages, ONNX Runtime Web, the bundled models, and a model of one's own. */
import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { UserError } from "../errors.ts";
import { externalLocation, isExternal } from "../onnx/proto.ts";
import { readNamed } from "../tasks/open.ts";
import { bundledAnswerer, bundledCaptioner, bundledModel } from "./bundled.ts";
import { exists, isDirectory, readModelBytes } from "./files.ts";
import { checkExternalData, modelIn, readLabels } from "./load.ts";
import type { Served } from "./serve-files.ts";

const pages = fileURLToPath(new URL("../studio", import.meta.url));

/** What the worker may load; the binaries come with checksums. */
const binaries = ["ort-wasm-simd-threaded.wasm", "ort-wasm-simd-threaded.asyncify.wasm"];
const scripts = [
  "ort.wasm.min.mjs",
  "ort.webgpu.min.mjs",
  "ort-wasm-simd-threaded.mjs",
  "ort-wasm-simd-threaded.asyncify.mjs",
];

/**
 * @param source a model to open first; the bundled one by default
 * @returns the files by their path in the address, and the query that opens the model
 * @throws UserError for a missing package and for files that are no model.
 */
export async function studioFiles(
  source: string | undefined,
  labels: string | undefined,
): Promise<{ files: Served; query: string }> {
  const own = source === undefined ? undefined : await ownModel(source, labels);
  const files = new Map([
    ...(await under(pages, "")),
    ...engine(),
    ...(await under(bundledModel, "models/efficientnet-lite0/")),
    ...(await under(bundledCaptioner, "models/scenes-captioner/")),
    ...(await under(bundledAnswerer, "models/scenes-answerer/")),
    ...(own?.files ?? []),
  ]);
  if (!files.has("index.html"))
    throw new UserError("missing-file", `missing file: ${pages} has no index.html; run: npm run build:studio`);
  return { files, query: own ? `?model=${encodeURIComponent(own.place)}` : "" };
}

async function under(directory: string, place: string): Promise<[string, string][]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .map((file) => [place + path.relative(directory, file).split(path.sep).join("/"), file]);
}

function engine(): [string, string | (() => Promise<string>)][] {
  let binary: string;
  try {
    binary = createRequire(import.meta.url).resolve(`onnxruntime-web/${binaries[0]}`);
  } catch (cause) {
    throw new UserError(
      "missing-package",
      "missing package: onnxruntime-web, which runs networks in the browser; run: npm i onnxruntime-web",
      { cause },
    );
  }
  const at = (name: string) => path.join(path.dirname(binary), name);
  let read: Promise<string[]> | undefined;
  const sums = async () => {
    read ??= Promise.all(binaries.map(async (name) => `${await sha256(at(name))}  ${name}\n`));
    return (await read).join("");
  };
  return [
    ...[...scripts, ...binaries].map((name): [string, string] => [`ort/${name}`, at(name)]),
    ["ort/SHA256SUMS", sums],
  ];
}

const sha256 = async (file: string): Promise<string> =>
  createHash("sha256")
    .update(await readFile(file))
    .digest("hex");

/** A file or directory in Hugging Face layout, shown as one: the model, its external data, and what is said of it. */
async function ownModel(source: string, labels: string | undefined): Promise<{ place: string; files: Served }> {
  const directory = (await isDirectory(source)) ? source : undefined;
  const file = directory === undefined ? source : await modelIn(directory);
  const model = await readNamed(await readModelBytes(file), file);
  await checkExternalData(model, file);
  const name = path.basename(path.resolve(directory ?? file), directory ? "" : path.extname(file));
  const place = `own/${name.replace(/[^\w.-]/g, "-")}/`;
  const files = new Map<string, string | (() => Promise<string>)>([[`${place}onnx/model.onnx`, file]]);
  for (const location of new Set(model.graph.initializer.filter(isExternal).map(externalLocation)))
    if (location) files.set(`${place}onnx/${location}`, path.join(path.dirname(file), location));
  for (const said of ["config.json", "preprocessor_config.json"])
    if (directory && (await exists(path.join(directory, said)))) files.set(place + said, path.join(directory, said));
  if (labels !== undefined) {
    const id2label = Object.fromEntries((await readLabels(labels)).entries());
    files.set(`${place}config.json`, async () => JSON.stringify({ id2label }));
  }
  return { place, files };
}
