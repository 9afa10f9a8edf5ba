/** @file Opening models from disk: the layout of Hugging Face, bare files with their labels, the bundled classifier, and what is missing. */
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { bundledModel, type LoadOptions, load } from "../../src/node/load.ts";
import { expectUserError } from "../explain/ask.ts";
import { node } from "../models.ts";
import { gap } from "../nets.ts";

const net = gap({ input: [1, 3, 8, 8] });
const grey = { width: 16, height: 12, data: Uint8Array.from({ length: 576 }, (_, i) => (i * 37) % 256) };
const config = { id2label: { "0": "ant", "1": "bee", "2": "cat", "3": "dog", "4": "eel" } };
const preprocessor = {
  do_resize: true,
  size: { height: 8, width: 8 },
  resample: 3,
  do_rescale: true,
  do_normalize: true,
  image_mean: [0.1, 0.2, 0.3],
  image_std: [1, 2, 4],
};

/** A folder of these files; texts are written as they are, other values as JSON. */
function folder(files: Readonly<Record<string, unknown>>): string {
  const made = mkdtempSync(path.join(tmpdir(), "gradcam-load-"));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(made, name)), { recursive: true });
    writeFileSync(
      path.join(made, name),
      typeof content === "string" || content instanceof Uint8Array ? content : JSON.stringify(content),
    );
  }
  return made;
}

/** Opens, tells what it is, releases. */
async function opened(source: string, options: LoadOptions = {}) {
  const model = await load(source, { session: { intraOpNumThreads: 1 }, ...options });
  const { predictions, explanations } = await model.explain(grey);
  await model.release();
  const { name, preprocess } = model.classifier;
  return {
    name,
    preprocess,
    labels: [0, 4].map((i) => model.classifier.labels.name(i)),
    sha256: model.sha256,
    assumed: model.reading.warnings.some(({ code }) => code === "preparation-guessed"),
    predictions,
    explanations,
  };
}
const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

describe("a directory", () => {
  test.each(["onnx/model.onnx", "model.onnx", "anything.onnx"])("with %s", async (place) => {
    const directory = folder({ [place]: net, "config.json": config, "preprocessor_config.json": preprocessor });
    const model = await opened(directory);
    expect(model).toMatchObject({
      name: path.basename(directory),
      labels: ["ant", "eel"],
      sha256: sha256(net),
      assumed: false,
    });
    expect(model.preprocess).toMatchObject({
      mean: [0.1, 0.2, 0.3],
      std: [1, 2, 4],
      filter: "bicubic",
      resize: { width: 8, height: 8 },
    });
    expect(model.predictions.length).toBe(5);
    expect(model.explanations[0].map.dims).toEqual([8, 8]);
  });

  test("what the caller says counts more than the files", async () => {
    const directory = folder({ "model.onnx": net, "config.json": config, "preprocessor_config.json": preprocessor });
    const { preprocess, labels } = await opened(directory, {
      labels: ["a", "b", "c", "d", "e"],
      mean: [0.5, 0.5, 0.5],
    });
    expect({ labels, mean: preprocess.mean, std: preprocess.std }).toEqual({
      labels: ["a", "e"],
      mean: [0.5, 0.5, 0.5],
      std: [1, 2, 4],
    });
  });

  test("without labels and preprocessing: classes by number, ImageNet's preprocessing, and it says so", async () => {
    const { labels, assumed, preprocess } = await opened(folder({ "model.onnx": net }));
    expect({ labels, assumed }).toEqual({ labels: ["class 0", "class 4"], assumed: true });
    expect(preprocess).toMatchObject({ crop: { width: 8, height: 8 }, mean: [0.485, 0.456, 0.406], layout: "NCHW" });
  });

  test("without a model, and with two", async () => {
    await expectUserError(
      load(folder({ "config.json": config })),
      "missing-file",
      "no onnx/model.onnx or model.onnx in it",
    );
    await expectUserError(
      load(folder({ "a.onnx": net, "b.onnx": net })),
      "missing-file",
      "it has a.onnx, b.onnx; name one of them",
    );
  });

  test("with broken configurations", async () => {
    await expectUserError(
      load(folder({ "model.onnx": net, "config.json": "{" })),
      "invalid-input",
      "config.json is not JSON",
    );
    await expectUserError(
      load(folder({ "model.onnx": net, "preprocessor_config.json": { size: "big" } })),
      "invalid-input",
      "size",
    );
    const labels = { id2label: { "0": "a", "7": "h" } };
    await expectUserError(
      load(folder({ "model.onnx": net, "config.json": labels })),
      "invalid-input",
      "8 names for a model of 5 classes",
    );
  });
});

describe("a bare file", () => {
  const files = {
    "net.onnx": net,
    "names.txt": "ant\nbee\ncat\ndog\neel\n",
    "dos.txt": "ant\r\nbee\r\ncat\r\ndog\r\neel\r\n",
    "list.json": Object.values(config.id2label),
    "map.json": config.id2label,
    "config.json": config,
  };

  test.each(["names.txt", "dos.txt", "list.json", "map.json", "config.json"])("with labels in %s", async (name) => {
    const directory = folder(files);
    const model = await opened(path.join(directory, "net.onnx"), { labels: path.join(directory, name) });
    expect(model).toMatchObject({ name: "net", labels: ["ant", "eel"], assumed: true });
  });

  test("with preprocessing by options", async () => {
    const { preprocess } = await opened(path.join(folder(files), "net.onnx"), {
      mean: [0.5],
      std: [0.25],
      size: 8,
      layout: "NCHW",
    });
    expect(preprocess).toMatchObject({ mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25], crop: { width: 8, height: 8 } });
  });

  test("that is not there, or is none", async () => {
    await expectUserError(load("/nowhere/net.onnx"), "missing-file", "missing model: /nowhere/net.onnx: no such file");
    const file = path.join(folder({ "x.onnx": "no model" }), "x.onnx");
    await expectUserError(load(file), "invalid-model", `invalid model ${file}: `);
    await expectUserError(
      load(path.join(folder(files), "net.onnx"), { labels: "/nowhere.txt" }),
      "missing-file",
      "missing labels: /nowhere.txt",
    );
    await expectUserError(
      load(undefined, { session: { executionProviders: ["abacus"] } }),
      "invalid-option",
      'unknown provider: "abacus"; allowed are ',
    );
  });

  test("that takes more than a picture: the question names what is missing, and what is there", async () => {
    const after = [node("Add", "logits other", "y")];
    const two = folder({ "x.onnx": gap({ after, constants: { other: [1, 5] }, input: [1, 3, 8, 8] }) });
    const model = await opened(path.join(two, "x.onnx")).catch((error) => error);
    expect(model).toMatchObject({ code: "invalid-input", message: 'missing input: "other"; the model takes x, other' });
  });
});

test("probabilities: of a softmax in or behind the model they are the same, of a sigmoid each for itself", async () => {
  const directory = folder({
    "logits.onnx": net,
    "softmax.onnx": gap({ input: [1, 3, 8, 8], after: [node("Softmax", "logits", "p", { axis: 1 })] }),
    "sigmoid.onnx": gap({ input: [1, 3, 8, 8], after: [node("Sigmoid", "logits", "p")] }),
  });
  const of = async (name: string) => (await opened(path.join(directory, `${name}.onnx`))).predictions;
  const [logits, softmax, sigmoid] = [await of("logits"), await of("softmax"), await of("sigmoid")];
  expect(softmax).toEqual(logits);
  expect(logits.reduce((sum, { probability }) => sum + (probability ?? 0), 0)).toBeCloseTo(1, 5);
  for (const { score, probability } of sigmoid) expect(probability).toBeCloseTo(1 / (1 + Math.exp(-score)), 5);
});

test("the bundled model is what its checksums say", () => {
  const sums = readFileSync(path.join(bundledModel, "SHA256SUMS"), "utf8").trimEnd().split("\n");
  expect(sums.length).toBeGreaterThanOrEqual(3);
  for (const line of sums) {
    const [sum, file] = line.split(/ +\*?/);
    expect(sha256(readFileSync(path.join(bundledModel, file))), file).toBe(sum);
  }
});
