/** @file `gradcam layers`, and what the command line says of itself. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { node } from "../models.ts";
import { classToken, gap, patchTokens, unet, unruled } from "../nets.ts";
import { folder, gradcam, repository, within, withModel, writePicture } from "./run.ts";

test("layers of a model, the default first", async () => {
  const cwd = folder();
  const net = withModel(cwd, unet());
  const { code, stdout, stderr } = await within(["layers", ...net], cwd);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout.split("\n").slice(0, 3)).toEqual([
    "net, scores: logits",
    "  deep      [?, 6, 4, 4]  default",
    "  last      [?, 6, 8, 8]",
  ]);
});

test("layers as JSON", async () => {
  const cwd = folder();
  const net = withModel(cwd, gap({ after: [node("Softmax", "logits", "p", { axis: 1 })] }));
  const { code, stdout } = await within(["layers", "--json", ...net], cwd);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual({
    model: { name: "net", sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    score: { name: "logits", before: "Softmax" },
    layers: [{ name: "features", shape: [-1, 6, 8, 8], grid: [8, 8], of: "x", default: true }],
  });
});

test("layers of tokens, on the grid that is said", async () => {
  const cwd = folder();
  const net = withModel(cwd, patchTokens());
  const { code, stdout } = await within(["layers", "--json", "--tokens", "1+3x5", ...net], cwd);
  const [tokens] = JSON.parse(stdout).layers;
  expect({ code, tokens }).toEqual({
    code: 0,
    tokens: { name: "tokens", shape: [-1, 16, 6], grid: [3, 5], of: "x", default: true },
  });
});

test("a layer whose patches do not reach the score: another takes its place, is said, and stands in the manifest", async () => {
  const cwd = folder();
  const net = withModel(cwd, classToken());
  await writePicture(path.join(cwd, "a.png"));
  const { code, stdout } = await within(["explain", "a.png", ...net, "--layer", "last"], cwd);
  expect(code).toBe(0);
  expect(stdout).toContain("The patch tokens of last do not reach the score: explained at tokens instead.");
  expect(JSON.parse(readFileSync(path.join(cwd, "gradcam-out/manifest.json"), "utf8")).layer).toBe("tokens");
});

test("layers of a model with an operator that has no rule", async () => {
  const cwd = folder();
  const net = withModel(cwd, unruled());
  const { code, stdout } = await within(["layers", ...net], cwd);
  expect({ code, first: stdout.split("\n")[1].trim().split(" ")[0] }).toEqual({ code: 0, first: "features" });
});

test("the version is the package's", async () => {
  const { version } = JSON.parse(readFileSync(path.join(repository, "package.json"), "utf8"));
  expect(await gradcam(["--version"], repository)).toEqual({ code: 0, stdout: `${version}\n`, stderr: "" });
});

test.each(["explain", "layers"])("%s --help has examples", async (command) => {
  const { code, stdout } = await within([command, "--help"], repository);
  expect(code).toBe(0);
  expect(stdout).toContain(`Examples:\n  gradcam ${command}`);
});

test("no command prints the help and is a mistake", async () => {
  const { code, stdout, stderr } = await gradcam([], repository);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain("Usage: gradcam");
});
