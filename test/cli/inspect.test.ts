/** @file `gradcam inspect` says how a model was read, in the words that are promised, and ends with a command that explains it. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { encodeNpy, readNpy } from "../../src/array/npy.ts";
import { tasks } from "../../src/tasks/task.ts";
import { folder, repository, within, writePicture } from "./run.ts";

const cases = path.join(repository, "test/cases");
const one = ["--threads", "1"];

interface Inspected {
  readonly task: string;
  readonly inputs: readonly { name: string; type: string; shape: number[]; layout?: string; role: string }[];
  readonly outputs: readonly { name: string; type: string; shape: number[]; role: string }[];
  readonly labels: { count: number; source: string };
  readonly layers: readonly { name: string; shape: number[]; grid: number[]; of: string; default?: true }[];
  readonly questions: readonly string[];
  readonly decisions: readonly { what: string; value: string; because: string; option?: string }[];
}

async function inspect(...args: readonly string[]): Promise<Inspected> {
  const { code, stdout, stderr } = await within(["inspect", ...args, "--json", ...one], cases);
  expect([code, stderr]).toEqual([0, ""]);
  return JSON.parse(stdout);
}

test.each([
  ["models/nhwc_classifier.onnx", "classification"],
  ["models/uint8_input.onnx", "classification"],
  ["models/ends_in_topk.onnx", "classification"],
  ["models/nhwc_segmenter.onnx", "segmentation"],
  ["models/ctc_head.onnx", "text-recognition"],
  ["pictures/detector/det.onnx", "detection"],
  ["pictures/siamese/two.onnx", "similarity"],
  ["pictures/video/c700.ts.onnx", "video-classification"],
  ["files/chw_no_batch/model.onnx", "classification"],
  ["models/rank_unknown.onnx", "classification"],
])("%s: %s", async (file, task) => {
  const found = await inspect(file);
  expect(found.task).toBe(task);
  expect(tasks).toContain(found.task);
  for (const { what, value, because, option } of found.decisions) {
    expect([what, value, because].every((text) => typeof text === "string" && text.length > 0)).toBe(true);
    if (option !== undefined) expect(option).toMatch(/^--/);
  }
  const pictures = found.inputs.filter(({ role }) => role === "picture");
  expect(pictures.every(({ layout, shape }) => layout?.length === shape.length)).toBe(true);
  for (const { of, name } of found.layers) {
    expect(found.inputs.map((input) => input.name)).toContain(of);
    expect(name).not.toBe("");
  }
  for (const of of new Set(found.layers.map((layer) => layer.of)))
    expect(found.layers.filter((layer) => layer.of === of && layer.default).length).toBeLessThanOrEqual(1);
});

test("the whole of the bundled model", async () => {
  const found = await inspect();
  expect(found).toMatchObject({
    task: "classification",
    inputs: [{ name: "pixel_values", type: "float32", shape: [-1, 3, 224, 224], layout: "NCHW", role: "picture" }],
    outputs: [{ name: "logits", type: "float32", shape: [-1, 1000], role: "scores" }],
    labels: { count: 1000, source: "id2label of config.json" },
    preparation: { layout: "NCHW", channels: 3 },
  });
  expect(found.layers[0]).toEqual({
    name: "features",
    shape: [-1, 1280, 7, 7],
    grid: [7, 7],
    of: "pixel_values",
    default: true,
  });
});

describe("the command at its end explains the model as it is", () => {
  test.each([
    "models/nhwc_classifier.onnx",
    "models/uint8_input.onnx",
    "models/ends_in_topk.onnx",
    "models/nhwc_segmenter.onnx",
    "pictures/siamese/two.onnx",
    "files/chw_no_batch/model.onnx",
    "pictures/video/c700.ts.onnx",
  ])("%s", async (file) => {
    const directory = folder();
    const { stdout } = await within(["inspect", path.join(cases, file), ...one], directory);
    const command = stdout.trimEnd().split("\n").at(-1) ?? "";
    expect(command).toMatch(/^gradcam explain /);
    await writePicture(path.join(directory, "photo.jpg"));
    await writePicture(path.join(directory, "other.jpg"));
    const video = readNpy(readFileSync(path.join(cases, "pictures/video/vid.npy")));
    writeFileSync(
      path.join(directory, "scan.npy"),
      encodeNpy(Float32Array.from(video.values as Float32Array), video.shape),
    );
    const method = file.includes("video") ? ["--method", "gradient"] : [];
    const args = command.replace(/^gradcam /, "").split(" ");
    const { code, stderr } = await within([...args, ...method, ...one], directory);
    expect([code, stderr]).toEqual([0, ""]);
  });
  test("a name with a space and a quote is pasted whole", async () => {
    const directory = folder();
    const name = "it's a net.onnx";
    writeFileSync(path.join(directory, name), readFileSync(path.join(cases, "models/nhwc_classifier.onnx")));
    const { stdout } = await within(["inspect", name, ...one], directory);
    expect(stdout.trimEnd().split("\n").at(-1)).toBe("gradcam explain photo.jpg --model 'it'\\''s a net.onnx'");
  });
  test("what was said of the model is said again", async () => {
    const said = ["--layout", "NHWC", "--mean=0.5", "--std", "0.25,0.5,1"];
    const { stdout } = await within(["inspect", "models/nhwc_classifier.onnx", ...said, ...one], cases);
    expect(stdout.trimEnd().split("\n").at(-1)).toBe(
      `gradcam explain photo.jpg --model models/nhwc_classifier.onnx ${said.join(" ")}`,
    );
  });
  test("where none can be asked, what can be done is said", async () => {
    const { stdout } = await within(["inspect", "models/ctc_head.onnx", "--task", "keypoints", ...one], cases);
    expect(stdout.trimEnd().split("\n").at(-1)).toContain("openExplainer");
  });
});

test("the model by its argument, by --model, and not by both", async () => {
  const file = "models/nhwc_classifier.onnx";
  for (const command of ["inspect", "layers"]) {
    const [a, b] = [await within([command, file], cases), await within([command, "--model", file], cases)];
    expect(a).toMatchObject({ code: 0, stderr: "" });
    expect(b).toEqual(a.stdout.includes(" --model ") ? b : a);
    const both = await within([command, file, "--model", "other.onnx"], cases);
    expect(both).toMatchObject({ code: 2, stderr: expect.stringMatching(/^gradcam: invalid --model: other\.onnx/) });
  }
});

test("layers of each picture are told apart", async () => {
  const { stdout } = await within(["layers", "pictures/siamese/two.onnx", ...one], cases);
  expect(stdout).toMatch(/\/Relu_output_0 .* of "first" {2}default/);
  expect(stdout).toMatch(/\/Relu_1_output_0 .* of "second" {2}default/);
});

describe("of two pictures each can be explained, on its own", () => {
  const pair = ["--model", "pictures/siamese/two.onnx", "--class", "0", "--json", ...one];
  test.each([
    ["first", "A", "second", "B", "/Relu_output_0"],
    ["second", "B", "first", "A", "/Relu_1_output_0"],
  ])("%s", async (explained, own, other, beside, layer) => {
    const out = folder();
    const files = [`pictures/siamese/${own}.png`, "--input", `${other}=pictures/siamese/${beside}.png`];
    const args = ["explain", ...files, "--explain-input", explained, ...pair, "--out", out];
    const { code, stdout } = await within(args, cases);
    expect(code).toBe(0);
    const { explanations } = JSON.parse(stdout);
    expect(explanations[0].layer).toBe(layer);
    // Both pictures have their square in the upper left.
    if (explained === "first") expect(Math.max(explanations[0].peak.x, explanations[0].peak.y)).toBeLessThan(16);
    expect(explanations[0].overlay).toMatch(new RegExp(`^${own}\\.`));
  });
  test("no such input, and one that has no grid", async () => {
    const { code, stderr } = await within(
      ["explain", "pictures/siamese/A.png", "--explain-input", "third", ...pair],
      cases,
    );
    expect([code, stderr]).toEqual([2, 'gradcam: unknown input: "third"; the model takes first, second\n']);
  });
});

test("an array of whole numbers is fed to a model that takes them, and no other", async () => {
  const out = folder();
  const pixels = Array.from({ length: 32 * 32 * 3 }, (_, i) => (i * 37) % 256);
  const write = (name: string, values: readonly number[], descr: string) => {
    const bytes = encodeNpy(Float32Array.from(values), [32, 32, 3]);
    const floats = bytes.subarray(bytes.length - 4 * values.length);
    const header = Buffer.from(bytes.subarray(0, bytes.length - floats.length)).toString("latin1");
    const data = descr === "|u1" ? Uint8Array.from(values) : floats;
    const file = path.join(out, name);
    writeFileSync(file, Buffer.concat([Buffer.from(header.replace("<f4", descr), "latin1"), data]));
    return file;
  };
  const ask = (file: string) =>
    within(["explain", file, "--model", "models/uint8_input.onnx", "--json", "--out", out, ...one], cases);
  const [whole, same] = [await ask(write("u.npy", pixels, "|u1")), await ask(write("f.npy", pixels, "<f4"))];
  expect([whole.code, same.code]).toEqual([0, 0]);
  expect(JSON.parse(same.stdout).predictions).toEqual(JSON.parse(whole.stdout).predictions);
  for (const wrong of [300, -1, 0.5]) {
    const { code, stderr } = await ask(write("w.npy", [wrong, ...pixels.slice(1)], "<f4"));
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^gradcam: invalid input .*w\.npy: it holds .*uint8/)]);
  }
});

test("frames: one map a frame, and layers that lie side by side in the batch are refused", async () => {
  const out = folder();
  const args = ["explain", "pictures/video/vid.npy", "--model", "pictures/video/c700.ts.onnx", "--class", "1"];
  const gradient = await within([...args, "--method", "gradient", "--json", "--out", out, ...one], cases);
  expect(JSON.parse(gradient.stdout).explanations[0].map.shape).toEqual([5, 32, 40]);
  const cam = await within([...args, "--out", out, ...one], cases);
  expect(cam).toMatchObject({ code: 2, stderr: expect.stringMatching(/^gradcam: no path: .*frames.*\n$/) });
});

test("bands: maps, overlay and peak lie as the array does", async () => {
  const out = folder();
  for (const bands of [2, 13]) {
    const files = [`pictures/nhwc13/x${bands}.npy`, "--model", `pictures/nhwc13/nhwc${bands}.onnx`];
    const how = ["--class", "0", "--method", "gradient", "--method", "grad-cam", "--json", "--out", out, ...one];
    for (const layout of [[], ["--layout", "NHWC"]]) {
      const { stdout } = await within(["explain", ...files, ...layout, ...how], cases);
      const { explanations } = JSON.parse(stdout);
      expect(explanations.map((e: { map: { shape: number[] } }) => e.map.shape)).toEqual([
        [32, 48],
        [8, 12],
      ]);
      for (const { peak } of explanations) {
        expect(peak.x).toBeLessThan(48);
        expect(peak.y).toBeLessThan(32);
      }
    }
  }
});
