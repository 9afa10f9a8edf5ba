/** @file `gradcam compile`: what it writes and prints, what other commands make of it, and how mistakes end. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import * as ort from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { decodeNpy } from "../../src/array/npy.ts";
import { notesOf } from "../../src/explain/compiled.ts";
import { load } from "../../src/node/load.ts";
import { readModel } from "../../src/onnx/model.ts";
import { changed, encodeModel, makeEntries } from "../../src/onnx/proto.ts";
import { expectMistake } from "../cli/mistake.ts";
import { filesIn, folder, gradcam, within, withModel, writePicture } from "../cli/run.ts";
import { ask, expectClose, expectUserError, numbers, session } from "../explain/ask.ts";
import { gap, images, linear, vgg, withInput } from "../nets.ts";
import { compiled, declared, runOnce } from "./compile.ts";

const read = (cwd: string, name: string) => readModel(new Uint8Array(readFileSync(path.join(cwd, name))));

test("a file beside, and a table of its inputs and outputs", async () => {
  const cwd = folder();
  withModel(cwd, await declared(gap()));
  const { code, stdout, stderr } = await within(["compile", "net.onnx"], cwd);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout.split("\n")).toEqual([
    expect.stringMatching(/^net\.gradcam\.onnx: net and \d+ bytes, grad-cam at features$/),
    "  in  x               float32 [N, 3, 8, 8]",
    "  in  gradcam_target  int64 [gradcam_targets]  optional",
    "  out logits          float32 [N, 5]",
    "  out gradcam_map     float32 [N, 8, 8]",
    "  out gradcam_class   int64 [N]",
    "",
  ]);
  expect(filesIn(cwd)).toEqual(["net.gradcam.onnx", "net.onnx"]);
});

test("what was written anew is said: in the table, as JSON and in the file", async () => {
  const cwd = folder();
  const { proto, graph } = readModel(await declared(gap()));
  withModel(cwd, encodeModel(changed(proto, { graph: changed(graph, { node: graph.node.toReversed() }) })));
  const said = "nodes sorted";
  expect((await within(["compile", "net.onnx"], cwd)).stdout.split("\n")[1]).toBe(
    ` the model itself was rewritten first: ${said}`,
  );
  const { stdout } = await within(["compile", "net.onnx", "--json"], cwd);
  expect(JSON.parse(stdout).rewritten).toEqual([said]);
  const written = read(cwd, "net.gradcam.onnx");
  expect(written.mended).toBeUndefined();
  expect(written.proto.metadataProps).toContainEqual(
    expect.objectContaining({ key: "gradcam.rewritten", value: said }),
  );
});

test("JSON", async () => {
  const cwd = folder();
  withModel(cwd, vgg());
  const args = [
    "compile",
    "net.onnx",
    "--method",
    "gradient",
    "--class-input",
    "required",
    "--out",
    "a/b.onnx",
    "--json",
  ];
  const { code, stdout } = await within(args, cwd);
  expect(code).toBe(0);
  const said = JSON.parse(stdout);
  const { bytes, graph } = read(cwd, "a/b.onnx");
  expect(said).toMatchObject({
    file: "a/b.onnx",
    bytes: bytes.length,
    model: { name: "net", sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    method: "gradient",
    score: "logits",
  });
  expect(said.inputs.map(({ name }: { name: string }) => name)).toEqual(graph.input.map(({ name }) => name));
  expect(said.outputs.at(-2)).toEqual({ name: "gradcam_pixels", type: "float32", shape: ["N", 3, 8, 8] });
});

test("labels and preprocessing go with the file, and explain as the model does", async () => {
  const cwd = folder();
  const net = withModel(cwd, gap({ input: [1, 3, 8, 8] }));
  await writePicture(path.join(cwd, "a.png"));
  writeFileSync(path.join(cwd, "names.txt"), "ant\nbee\ncat\ndog\neel\n");
  const how = ["--labels", "names.txt", "--mean", "0.1,0.2,0.3", "--std", "0.5"];
  for (const kind of ["optional", "required"]) {
    const made = await within(["compile", "net.onnx", ...how, "--class-input", kind, "--out", "c.onnx"], cwd);
    expect(made.code).toBe(0);
    const question = ["explain", "a.png", "--class", "bee", "--json", "--out"];
    const from = JSON.parse((await within([...question, "1", ...net, ...how], cwd)).stdout);
    const of = JSON.parse((await within([...question, "2", "--model", "c.onnx"], cwd)).stdout);
    expect({ ...of, model: from.model }).toEqual(from);
    const [got, want] = ["2", "1"].map((out) => readFileSync(path.join(cwd, out, from.explanations[0].map.file)));
    expect(decodeNpy(got)).toEqual(decodeNpy(want));
  }
});

test("the metadata says what explain would assume, and what it is told is taken first", async () => {
  const cwd = folder();
  withModel(cwd, gap({ input: [1, 3, 8, 8] }));
  await within(["compile", "net.onnx"], cwd);
  const notes = notesOf(read(cwd, "net.gradcam.onnx"));
  expect(JSON.parse(notes?.preprocess ?? "")).toMatchObject({ crop: { width: 8, height: 8 }, layout: "NCHW" });
  expect(JSON.parse(notes?.labels ?? "")).toEqual([]);
  expect(notes?.version).toMatch(/^\d+\.\d+\.\d+$/);
  const opened = await load(path.join(cwd, "net.gradcam.onnx"), { mean: [0.5] });
  expect(opened.reading.warnings.map(({ code }) => code)).not.toContain("preparation-guessed");
  expect(opened.classifier.preprocess.mean).toEqual([0.5, 0.5, 0.5]);
  await opened.release();
});

test("height and width that are free: the size that pictures are prepared to", async () => {
  const cwd = folder();
  const bytes = withInput(gap(), ["N", 3, "H", "W"]);
  withModel(cwd, bytes);
  const { code } = await within(["compile", "net.onnx", "--size", "16", "--out", "c.onnx"], cwd);
  expect(code).toBe(0);
  const file = read(cwd, "c.onnx").bytes;
  const outputs = await runOnce(file, images(2, 16));
  expectClose(numbers(outputs.gradcam_map), numbers((await ask(bytes, images(2, 16))).maps));
  // Either it takes other sizes and is right, or it takes none.
  const other = runOnce(file, images(2, 12)).then(({ gradcam_map }) => gradcam_map.dims);
  expect(await other.catch(({ code }) => code)).toSatisfy(
    (said) => said === "invalid-input" || String(said) === "2,12,12",
  );
});

test("weights in a file of their own stay there", async () => {
  const cwd = folder();
  mkdirSync(path.join(cwd, "elsewhere"));
  const bytes = gap({ input: [1, 3, 8, 8] });
  const { proto, graph, initializers } = readModel(bytes);
  const { rawData } = initializers.get("w")!;
  const entries = { location: "weights.bin", offset: "0", length: String(rawData.length) };
  const externalData = makeEntries(entries);
  const initializer = graph.initializer.map((tensor) =>
    tensor.name === "w" ? changed(tensor, { rawData: new Uint8Array(), dataLocation: 1, externalData }) : tensor,
  );
  withModel(cwd, encodeModel(changed(proto, { graph: changed(graph, { initializer }) })));
  writeFileSync(path.join(cwd, "weights.bin"), rawData);

  const apart = await within(["compile", "net.onnx", "--out", "elsewhere/c.onnx"], cwd);
  expectMistake(apart, cwd, 'elsewhere/c.onnx keeps weights in "weights.bin", which is not beside it');
  expect((await within(["compile", "net.onnx", "--out", "c.onnx"], cwd)).code).toBe(0);
  const opened = await ort.InferenceSession.create(path.join(cwd, "c.onnx"), session);
  const { gradcam_map } = await opened.run(images(1));
  await opened.release();
  expectClose(numbers(gradcam_map), numbers((await ask(bytes, images(1))).maps));
});

test("the bundled model", async () => {
  const cwd = folder();
  expect((await gradcam(["compile"], cwd)).code).toBe(0);
  const { bytes } = read(cwd, "efficientnet-lite0.gradcam.onnx");
  const opened = await ort.InferenceSession.create(bytes, session);
  expect(opened.outputNames).toEqual(["logits", "gradcam_map", "gradcam_class"]);
  await opened.release();
});

describe("mistakes", () => {
  const good = gap({ input: [1, 3, 8, 8] });
  test.each<[string, RegExp, readonly string[], Uint8Array?]>([
    ["no such model", /missing model: none\.onnx: no such file/, ["none.onnx"]],
    ["not a model", /invalid model bad\.onnx/, ["bad.onnx"]],
    ["unknown method", /unknown method: "grad"; allowed are grad-cam/, ["net.onnx", "--method", "grad"]],
    [
      "a method of many runs",
      /invalid method: "occlusion".*allowed are grad-cam/,
      ["net.onnx", "--method", "occlusion"],
    ],
    ["unknown layer", /unknown layer: "nowhere"; candidates are features/, ["net.onnx", "--layer", "nowhere"]],
    ["unknown output", /unknown output: "nothing"/, ["net.onnx", "--output", "nothing"]],
    ["too many labels", /invalid labels: 6 names for a model of 5 classes/, ["net.onnx", "--labels", "six.txt"]],
    ["no layer", /no path: the model has no layer/, ["net.onnx"], linear()],
    ["onto itself", /invalid --out: \.\/net\.onnx is the model itself/, ["net.onnx", "--out", "./net.onnx"]],
    ["onto a directory", /cannot write: folder: is a directory/, ["net.onnx", "--out", "folder"]],
    ["below a file", /cannot write: six\.txt\/a\.onnx/, ["net.onnx", "--out", "six.txt/a.onnx"]],
    ["a kind that there is not", /class-input.*choices/, ["net.onnx", "--class-input", "maybe"]],
  ])("%s", async (_, words, args, bytes = good) => {
    const cwd = folder();
    withModel(cwd, bytes);
    writeFileSync(path.join(cwd, "bad.onnx"), "no model");
    writeFileSync(path.join(cwd, "six.txt"), "a\nb\nc\nd\ne\nf\n");
    mkdirSync(path.join(cwd, "folder"));
    expectMistake(await within(["compile", ...args], cwd), cwd, words);
    expect(filesIn(cwd)).toEqual(["bad.onnx", "net.onnx", "six.txt"]);
  });

  test("a compiled model", async () => {
    const cwd = folder();
    withModel(cwd, good);
    await within(["compile", "net.onnx"], cwd);
    expectMistake(await within(["compile", "net.gradcam.onnx", "--out", "c.onnx"], cwd), cwd, "compiled already");
  });

  test("metadata that is no JSON", async () => {
    const cwd = folder();
    writeFileSync(path.join(cwd, "c.onnx"), await compiled(good, { notes: { preprocess: "{" } }));
    await expectUserError(load(path.join(cwd, "c.onnx")), "invalid-model", '"gradcam.preprocess" is not JSON');
  });
});
