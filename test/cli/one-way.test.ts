/** @file One command line: options are spelt one way everywhere, and what is said is said once. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { decode } from "../../src/image/sharp.ts";
import { makeScene, paint } from "../../src/scenes/index.ts";
import { gap } from "../nets.ts";
import { example, filesIn, folder, within, withModel, writePicture } from "./run.ts";

const net = gap({ input: [1, 3, 8, 8] });
const methodsIn = (stdout: string): string[] =>
  JSON.parse(stdout).explanations.map(({ method }: { method: string }) => method);

test.each([
  [["--method", "grad-cam", "--method", "hires-cam"]],
  [["--method", "grad-cam,hires-cam"]],
  [["--methods", "grad-cam, hires-cam"]],
  [["--method", "grad-cam", "--methods", "hires-cam"]],
])("several methods: %s", async (asked) => {
  const cwd = folder();
  await writePicture(path.join(cwd, "a.png"));
  const { code, stdout } = await within(["explain", "a.png", ...withModel(cwd, net), ...asked, "--json"], cwd);
  expect(code).toBe(0);
  expect(methodsIn(stdout)).toEqual(["grad-cam", "hires-cam"]);
});

test.each([[["--metric", "sparseness", "--metric", "complexity"]], [["--metrics", "sparseness,complexity"]]])(
  "several metrics: %s",
  async (asked) => {
    const cwd = folder();
    await writePicture(path.join(cwd, "a.png"));
    const { code, stdout } = await within(
      ["evaluate", ".", "--format", "manifest", ...withModel(cwd, net), ...asked],
      cwd,
    );
    // There is no manifest: the metrics were taken, the dataset was not.
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    const { stderr } = await within(["evaluate", ".", "--metric", "sparseness,beauty"], cwd);
    expect(stderr).toMatch(/^gradcam: unknown metric: "beauty"; allowed are [^\n]+\n$/);
  },
);

test.each(["layers", "inspect", "compile"])("%s takes the model as its argument or by --model", async (command) => {
  const cwd = folder();
  withModel(cwd, net);
  withModel(cwd, net, "other.onnx");
  const said: string[] = [];
  for (const args of [["net.onnx"], ["--model", "net.onnx"], ["net.onnx", "--model", "net.onnx"]]) {
    const { code, stdout } = await within([command, ...args, "--json"], cwd);
    expect(code).toBe(0);
    said.push(stdout);
  }
  expect(new Set(said).size).toBe(1);
  expect(await within([command, "net.onnx", "--model", "other.onnx"], cwd)).toMatchObject({
    code: 2,
    stderr: "gradcam: invalid --model: other.onnx; the model was already given as net.onnx\n",
  });
});

test.each([
  ["explain", "--method", "grad-cam,"],
  ["explain", "--methods", ",grad-cam"],
  ["explain", "--method", ""],
  ["explain", "--method", "grad-cam, ,gradient"],
  ["explain", "--write", "map,"],
  ["explain", "--mean", "0.5,,0.5"],
  ["explain", "--std", "1,1,"],
  ["caption", "--method", "grad-cam,"],
  ["compile", "--method", "grad-cam,"],
  ["evaluate", "--method", "grad-cam,"],
  ["evaluate", "--metric", "sparseness,"],
  ["evaluate", "--metrics", "sparseness,,complexity"],
])("a list with a hole is refused: %s %s %j", async (command, option, list) => {
  const { code, stdout, stderr } = await within([command, example, option, list], folder());
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  const said = "is invalid. It must have no empty part between its commas; --help shows what is allowed\n";
  expect(stderr.startsWith(`gradcam: option '${option} `), stderr).toBe(true);
  expect(stderr.endsWith(said), stderr).toBe(true);
});

test("a compiled file holds one method", async () => {
  const cwd = folder();
  withModel(cwd, net);
  expect(await within(["compile", "net.onnx", "--method", "grad-cam,hires-cam"], cwd)).toMatchObject({
    code: 2,
    stderr: "gradcam: invalid --method: grad-cam, hires-cam; a compiled file holds one method\n",
  });
});

test("a warning stands once under its picture, however many maps have it", async () => {
  const cwd = folder();
  const asked = ["--class", "top24", "--method", "grad-cam,guided-backprop", "--write", "map"];
  const { code, stdout } = await within(["explain", example, ...asked, "--threads", "1"], cwd);
  expect(code).toBe(0);
  expect(stdout.match(/hardly depends on the class/g)).toHaveLength(1);
  expect(stdout.match(/a probability of/g)).toHaveLength(1);
});

test("gradcam scenes draws what the library paints, and tells what is true of it", async () => {
  const cwd = folder();
  const { code, stdout } = await within(["scenes", "3", "5-6", "--size", "64", "--out", "drawn", "--json"], cwd);
  expect(code).toBe(0);
  const told = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(told.map(({ seed, file }) => [seed, file])).toEqual([3, 5, 6].map((seed) => [seed, `scene-${seed}.png`]));
  expect(filesIn(path.join(cwd, "drawn"))).toEqual(["scene-3.png", "scene-5.png", "scene-6.png"]);
  expect((await decode(path.join(cwd, "drawn/scene-5.png"))).data).toEqual(paint(makeScene(5), 64).picture.data);
  for (const [args, words] of [
    [["x"], /invalid seed: "x"; allowed are integers, and ranges/],
    [["9-3"], /invalid seed: "9-3"/],
    [["0-99999999"], /at most 10000 scenes/],
    [["--size", "100000"], /invalid --size: 100000; allowed are 1 to 2048/],
  ] as const)
    expect((await within(["scenes", ...args], cwd)).stderr).toMatch(words);
});

test("what help shows for drawn scenes works as it stands", async () => {
  const cwd = folder();
  for (const command of ["caption", "ask"]) {
    const { stdout } = await within([command, "--help"], cwd);
    const shown = [...stdout.matchAll(/^ {2}gradcam ((?:scenes|caption|ask) .*?)(?: {2,}.*)?$/gm)].map(
      ([, line]) => line,
    );
    const own = shown.filter((line) => !line.includes("--model"));
    expect(own.length).toBeGreaterThan(3);
    for (const line of own) {
      const args = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain);
      const ended = await within([...args, ...(args[0] === "scenes" ? [] : ["--threads", "1"])], cwd);
      expect({ line, code: ended.code, stderr: ended.stderr }).toEqual({ line, code: 0, stderr: "" });
      expect(ended.stdout).not.toContain("unlike all");
    }
  }
  expect(readFileSync(path.join(cwd, "scene-5.png")).length).toBeGreaterThan(1000);
});
