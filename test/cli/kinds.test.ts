/** @file Sounds and volumes from the command line: directories, the JSON, a value that was compiled, a file named as an input. */
import { cpSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { filesIn, folder, repository, within } from "./run.ts";

const inputs = path.join(repository, "test/inputs");
const file = (name: string) => path.join(inputs, name);
const lines = (stdout: string) =>
  stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

test("a directory of recordings: each a line, seconds for peak and span, and one that is none does not stop the others", async () => {
  const cwd = folder();
  mkdirSync(path.join(cwd, "sounds"));
  for (const name of ["a.wav", "c.wav"]) cpSync(file("audio_free/input.wav"), path.join(cwd, "sounds", name));
  writeFileSync(path.join(cwd, "sounds/b.wav"), "no recording");
  const args = ["explain", "sounds", "--model", file("audio_free/model.onnx"), "--class", "3", "--json"];
  const { code, stdout, stderr } = await within(args, cwd);
  expect([code, stderr]).toEqual([
    2,
    "gradcam: invalid .wav sounds/b.wav: other first bytes, expected RIFF and WAVE\n",
  ]);
  const [a, c, ...more] = lines(stdout);
  expect([a.image, c.image, more.length]).toEqual(["sounds/a.wav", "sounds/c.wav", 0]);
  const [{ map, peak, span, box }] = a.explanations;
  expect([map.shape, box]).toEqual([[27], undefined]);
  expect(0 <= span[0] && span[0] < span[1] && span[1] <= 0.25 && peak.t > 0 && peak.t < 0.25).toBe(true);
  expect(filesIn(path.join(cwd, "gradcam-out"))).toContain("a.grad-cam.3.png");
});

test("a volume: voxels, and blank maps are drawn", async () => {
  const cwd = folder();
  const args = ["explain", file("volume/input.npy"), "--model", file("volume/model.onnx"), "--class", "top5", "--json"];
  const { code, stdout } = await within([...args, "--counterfactual"], cwd);
  expect(code).toBe(0);
  const [{ explanations }] = lines(stdout);
  for (const { map, peak, box, blank } of explanations) {
    expect(map.shape).toEqual([3, 5, 6]);
    if (blank) expect([peak, box]).toEqual([undefined, undefined]);
    else expect(peak.z < 12 && peak.y < 20 && peak.x < 24 && box.length === 6).toBe(true);
  }
  expect(readdirSync(path.join(cwd, "gradcam-out")).length).toBe(5 * 3 + 2);
});

test("a value, compiled, is a value again", async () => {
  const cwd = folder();
  const compiled = await within(["compile", file("regression/model.onnx"), "--out", "one.onnx", "--json"], cwd);
  expect([compiled.code, compiled.stderr]).toEqual([0, ""]);
  const ask = async (model: string) =>
    lines((await within(["explain", file("regression/input.png"), "--model", model, "--json"], cwd)).stdout)[0];
  const [was, is] = [await ask(file("regression/model.onnx")), await ask("one.onnx")];
  expect(is.predictions).toEqual(was.predictions);
  expect(is.predictions[0]).toMatchObject({ label: "output", probability: null });
  expect(is.explanations[0].peak).toEqual(was.explanations[0].peak);
});

test("the sample itself may be named, and JSON is as good as .npy", async () => {
  const cwd = folder();
  const model = ["--model", file("question/model.onnx"), "--json"];
  const named = ["--input", `image=${file("question/input.png")}`, "--input", `words=${file("question/words.json")}`];
  const placed = [file("question/input.png"), "--input", `words=${file("question/words.npy")}`];
  const [a, b] = [
    await within(["explain", ...named, ...model], cwd),
    await within(["explain", ...placed, ...model], cwd),
  ];
  expect([a.code, a.stdout]).toEqual([0, b.stdout]);
});

test("a network of fixed size does not take a picture as it is", async () => {
  const args = ["explain", file("float/input.png"), "--model", file("float/model.onnx"), "--size", "full"];
  expect(await within(args, folder())).toEqual({
    code: 2,
    stdout: "",
    stderr:
      'gradcam: invalid preparation: a picture of 80 x 64 becomes [3, 64, 80], and "input" takes [3, 32, 32]; say --size, --fit or --layout\n',
  });
});
