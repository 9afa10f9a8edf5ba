/** @file `gradcam methods`, and `--option`. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { methods } from "../../src/index.ts";
import { tasks } from "../../src/tasks/task.ts";
import { gap } from "../nets.ts";
import { folder, within, withModel, writePicture } from "./run.ts";

test("every method, for a person", async () => {
  const { code, stdout, stderr } = await within(["methods"], folder());
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const [head, ...rows] = stdout.trimEnd().split("\n");
  expect(head).toMatch(/^method +compiles +cost, in forward passes +options$/);
  expect(rows.map((row) => row.split(" ")[0])).toEqual(methods.map(({ name }) => name));
});

test("every method, for a program", async () => {
  const { code, stdout } = await within(["methods", "--json"], folder());
  expect(code).toBe(0);
  const listed = JSON.parse(stdout);
  expect(listed.map(({ name }: { name: string }) => name)).toEqual(methods.map(({ name }) => name));
  for (const one of listed) {
    expect(Object.keys(one)).toEqual(["name", "title", "paper", "family", "tasks", "compiles", "cost", "options"]);
    expect(one.family).toMatch(/^(cam|gradient|propagation|attention|black-box|concepts|control)$/);
    expect(one.tasks.length).toBeGreaterThan(0);
    for (const task of one.tasks) expect(tasks).toContain(task);
    expect(one.cost.length).toBeGreaterThan(0);
    for (const option of one.options) expect(Object.keys(option)).toEqual(["name", "default", "range"]);
  }
  expect(listed.find(({ name }: { name: string }) => name === "grad-cam")).toMatchObject({
    compiles: true,
    options: [
      { name: "sign", default: "positive", range: "one of positive, negative, absolute, signed" },
      { name: "layers", default: 1 },
      { name: "augment", default: "none" },
      { name: "smooth", default: "none", range: "one of none, principal-component" },
    ],
  });
});

test("an option reaches the method, and the manifest", async () => {
  const cwd = folder();
  const net = withModel(cwd, gap());
  const picture = await writePicture(path.join(cwd, "a.png"));
  const asked = ["explain", picture, ...net, "--json", "--method", "occlusion", "--method", "grad-cam"];
  const told = ["--option", "patch=4", "--option", "stride=4", "--option", "sign=absolute"];
  const { code, stderr } = await within([...asked, ...told], cwd);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const manifest = JSON.parse(readFileSync(path.join(cwd, "gradcam-out/manifest.json"), "utf8"));
  expect(manifest.options).toEqual({ patch: 4, stride: 4, sign: "absolute" });
});

test.each([
  [["--option", "sign"], "NAME=VALUE"],
  [["--option", "samples=50"], 'unknown option of grad-cam: "samples"; allowed are sign'],
  [["--option", "sign=both"], 'invalid option sign of grad-cam: "both"; allowed is one of positive'],
  [
    ["--method", "occlusion", "--option", "patch=0"],
    "invalid option patch of occlusion: 0; allowed is an integer of at least 1",
  ],
])("%j is a mistake of one line, before the model is opened", async (args, words) => {
  const { code, stdout, stderr } = await within(["explain", "none.jpg", "--model", "none.onnx", ...args], folder());
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(words);
  expect(stderr.trimEnd().split("\n")).toHaveLength(1);
});
