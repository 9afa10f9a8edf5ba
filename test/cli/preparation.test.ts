/** @file How the command line prepares pictures, and what it refuses to be told of it. */
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, test } from "vitest";
import { picture } from "../../src/image/picture.ts";
import { encodePng } from "../../src/image/sharp.ts";
import { UserError } from "../../src/index.ts";
import { parseLabels } from "../../src/tasks/formats/label-file.ts";
import { gap } from "../nets.ts";
import { example, folder, repository, within, withModel, writePicture } from "./run.ts";

const cases = path.join(repository, "test/cases");

async function explained(args: readonly string[], out = folder()) {
  const { code, stdout, stderr } = await within(["explain", ...args, "--json", "--out", out], out);
  expect([code, stderr]).toEqual([0, ""]);
  const { predictions, explanations } = JSON.parse(stdout);
  const { preprocess } = JSON.parse(readFileSync(path.join(out, "manifest.json"), "utf8"));
  return { predictions, explanation: explanations[0], preprocess };
}

test("a picture of the input's very size goes in as it is", async () => {
  const tiny = path.join(cases, "pictures/tiny28");
  const model = ["--model", path.join(tiny, "tiny32.onnx"), "--mean", "0", "--std", "1", "--class", "0"];
  const { predictions, explanation } = await explained([path.join(tiny, "tiny.png"), ...model]);
  expect(predictions.find((p: { class: number }) => p.class === 0).score).toBeCloseTo(0.0235, 4);
  expect([explanation.peak.x <= 4, explanation.peak.y <= 4]).toEqual([true, true]);
});

// A picture of 400 x 100; cells are 16 x 16 pixels of the input.
test.each([
  ["hf_sele", "shortest 64, longest 96: 96 x 24", [1, 6]],
  ["hf_le", "longest 64: 64 x 16", [1, 4]],
  ["hf_pad", "64 x 64, nothing to pad", [4, 4]],
  ["hf_keep", "64 x 64 with its aspect, by the side that changes less: 256 x 64", [4, 16]],
])("%s: %s", async (name, _, shape) => {
  const letterbox = path.join(cases, "pictures/letterbox");
  const model = ["--model", path.join(letterbox, name), "--class", "0"];
  const { explanation } = await explained([path.join(letterbox, "wide.png"), ...model]);
  expect(explanation.map.shape).toEqual(shape);
});

test("a directory in Hugging Face layout over a file of channels last", async () => {
  const { preprocess } = await explained([example, "--model", path.join(cases, "models/hf_nhwc_classifier")]);
  expect(preprocess).toMatchObject({ layout: "NHWC", resize: { width: 32, height: 32 }, mean: [0.5, 0.5, 0.5] });
});

test("--scale, --channels, --size, --fit", async () => {
  const out = folder();
  const model = withModel(out, gap({ input: [2, 3, 8, 8] }));
  const file = await writePicture(path.join(out, "a.png"), { width: 24, height: 16 });
  const more = ["--scale", "255", "--channels", "bgr", "--size", "8x8", "--fit", "letterbox"];
  const { preprocess, explanation } = await explained([file, ...model, ...more], out);
  expect(preprocess).toMatchObject({ scale: 1, mean: [0, 0, 0], order: "BGR", pad: { at: "centre", level: 114 } });
  // 24 x 16 fits into 8 x 8 as 8 x 5: the map lies on the whole picture all the same.
  const [x0, y0, x1, y1] = explanation.box;
  expect([x0 >= 0, y0 >= 0, x1 <= 24, y1 <= 16]).toEqual([true, true, true, true]);
});

test("fewer names than classes are another model's, and this is said", async () => {
  const cwd = folder();
  writeFileSync(path.join(cwd, "three.txt"), "a\nb\nc\n");
  const { code, stderr } = await within(["explain", example, "--labels", "three.txt"], cwd);
  const said = "3 names for a model of 1000 classes: are they this model's? Give 1000, one for each";
  expect([code, stderr]).toEqual([0, `gradcam: ${said}\n`]);
});

test("--labels imagenet is built in", async () => {
  const { predictions } = await explained([example, "--labels", "imagenet"]);
  expect(predictions[0].label).toBe("espresso");
});

describe("is refused in one line", () => {
  const refused = async (args: readonly string[], words: string, cwd = folder()) => {
    const { code, stdout, stderr } = await within(["explain", example, ...args], cwd);
    expect([code, stdout, stderr.split("\n").length]).toEqual([2, "", 2]);
    expect(stderr).toContain(words);
  };

  test("a mean of the range of 0 to 255, with the right one", () =>
    refused(
      ["--mean", "123.675,116.28,103.53", "--std", "58.395,57.12,57.375"],
      "the input's range is 0 to 1; give 0.485,0.456,0.406",
    ));
  test("a word for labels that is none", () =>
    refused(["--labels", "imagnet"], 'missing labels: imagnet: no such file; "imagenet" is built in'));
  test("a picture as labels", () => refused(["--labels", example], "it is no text (UTF-8); expected class names"));
  test("the class against itself", () =>
    refused(["--against", "espresso"], 'invalid against: "espresso" (967) is the class that is explained'));
  test("a size that the model does not take", () =>
    refused(["--size", "48x192"], 'invalid size: "48x192"; the model takes 224x224'));
  test("what a configuration makes of a picture, where the model takes another size", async () => {
    const cwd = folder();
    const [, name] = withModel(cwd, gap({ input: [1, 3, 8, 8] }), "model.onnx");
    copyFileSync(path.join(cwd, name), path.join(cwd, "again.onnx"));
    const stated = { size: { shortest_edge: 8 }, do_normalize: false };
    writeFileSync(path.join(cwd, "preprocessor_config.json"), JSON.stringify(stated));
    await refused(["--model", cwd], 'a picture of 640 x 480 becomes [3, 8, 10], and "x" takes [3, 8, 8]', cwd);
  });
});

describe("a file that is no label file", () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  test.each([
    ["a model", "m.onnx", gap(), "it is no text"],
    ["a page", "labels.txt", bytes("<!DOCTYPE html><html></html>"), "it is JSON or a web page"],
    ["JSON by another name", "labels.txt", bytes('["cat", "dog"]'), "it is JSON or a web page"],
    ["a configuration", "labels.txt", bytes('{\n  "id2label": {}\n}'), "it is JSON or a web page"],
    ["a list of lists", "labels.txt", bytes('[\n  ["cat"]]'), "it is JSON or a web page"],
    ["an error of a server", "labels.txt", bytes('<?xml version="1.0"?><Error/>'), "it is JSON or a web page"],
    ["nothing", "labels.txt", bytes("\n"), "no name is in it"],
    ["JSON without names", "labels.json", bytes('{"a": 1}'), "no name is in it"],
    ["a line that is no name", "labels.txt", bytes("x".repeat(2000)), "a line has more than 1000 characters"],
  ])("%s", (_, name, content, words) => {
    expect(() => parseLabels(content, name)).toThrow(UserError);
    expect(() => parseLabels(content, name)).toThrow(words);
  });
  test("names with a mark of the byte order and of other alphabets are one", () =>
    expect(parseLabels(bytes("\ufeffKatze\r\n猫\r\n"), "labels.txt")).toEqual(["Katze", "猫"]));

  // A list of characters that lost its last would be shorter by one, and each character would be taken for the one before it.
  test.each([
    ["a\nb\n \n", ["a", "b", " "]],
    ["a\r\n \r\nb\r\n\u3000", ["a", " ", "b", "\u3000"]],
    ["cat\ndog\n\n  \n\n", ["cat", "dog"]],
    ["<blank>\na\n", ["<blank>", "a"]],
    ["[blank]\na\n", ["[blank]", "a"]],
    ["[\n\\\n]\n", ["[", "\\", "]"]],
    ["{\n|\n}\n", ["{", "|", "}"]],
    ["<\n=\n>\n", ["<", "=", ">"]],
  ])("characters are names too: %j", (text, names) =>
    expect(parseLabels(bytes(text), "characters.txt")).toEqual(names),
  );
});

test("a picture of 16 bits is explained at its full depth", async () => {
  const out = folder();
  const model = withModel(out, gap({ input: [1, 3, 8, 8] }));
  // Two levels of 16 bits that are one of 8: a picture of the one alone has another score.
  const { default: sharp } = await import("sharp");
  const score = async (name: string, level: number) => {
    const data = new Uint16Array(192).fill(level);
    const file = path.join(out, name);
    const raw = { width: 8, height: 8, channels: 3 } as const;
    const image = sharp(Buffer.from(data.buffer), { raw: { ...raw, depth: "ushort" } as typeof raw });
    writeFileSync(file, await image.toColourspace("rgb16").png().toBuffer());
    return (await explained([file, ...model, "--mean", "0", "--std", "1"], out)).predictions[0].score;
  };
  const [low, high] = [await score("low.png", 256 * 100), await score("high.png", 256 * 100 + 255)];
  expect(Math.abs(high - low)).toBeGreaterThan(1e-5);
  writeFileSync(path.join(out, "plain.png"), await encodePng(picture(8, 8, new Uint8Array(192).fill(100))));
  const { predictions } = await explained([path.join(out, "plain.png"), ...model, "--mean", "0", "--std", "1"], out);
  expect(Math.abs(predictions[0].score - low)).toBeLessThan(Math.abs(high - low) * 2);
});
