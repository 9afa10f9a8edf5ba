/** @file `gradcam serve`: its mistakes in one line, its end by a signal, and what it says where its packages are missing. */

import { execFile } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { connect } from "../../src/client.ts";
import { gap } from "../nets.ts";
import { expectMistake } from "./mistake.ts";
import { built, example, folder, repository, start, withModel } from "./run.ts";

test.each([
  ["others could reach it", ["--host", "0.0.0.0"], "missing bearer token: others can reach the server on 0.0.0.0"],
  ["a model that is not there", ["--model", "no.onnx"], "missing model: no.onnx: no such file"],
  ["two models of one name", ["--model", "net.onnx", "--model", "net=net.onnx"], 'two models are called "net"'],
  ["no tokens where they should be", ["--token-file", "tokens"], "missing tokens: tokens: no such file"],
  ["a port that is none", ["--port", "70000"], "Expected an integer from 0 to 65535"],
  [
    "an address that is not ours",
    ["--host", "203.0.113.9", "--token-file", "good"],
    "invalid --host or --port: 203.0.113.9",
  ],
])("%s", async (_, args, words) => {
  const cwd = folder();
  withModel(cwd, gap());
  writeFileSync(path.join(cwd, "good"), "0123456789abcdef0123456789abcdef\n");
  const model = args.includes("--model") ? [] : ["--model", "net.onnx"];
  expectMistake(await built(["serve", "--port", "0", ...model, ...args], cwd), cwd, words);
});

test("serves until it is told to stop, and then ends with 0", async () => {
  const cwd = folder();
  const running = start(["serve", "--port", "0", ...withModel(cwd, gap()), "--workers", "1"], cwd);
  const url = await new Promise<string>((resolve) => {
    running.process.stderr?.on("data", (part) => {
      const [, found] = / on (http:\S+)/.exec(String(part)) ?? [];
      if (found) resolve(found);
    });
  });
  const { explanations, model } = await connect(url).explain(readFileSync(example));
  expect([explanations.length, model.name]).toEqual([1, "net"]);
  running.process.kill("SIGTERM");
  const { code, stdout, stderr } = await running.ended;
  expect([code, stderr]).toEqual([0, `gradcam serves net on ${url}\n`]);
  for (const line of stdout.trimEnd().split("\n")) expect(JSON.parse(line)).toHaveProperty("time");
});

test("without its packages it says which to install, and the other commands work", async () => {
  const project = folder();
  const kept = readdirSync(path.join(repository, "node_modules")).filter(
    (name) => !/^(fastify|zod|prom-client|@fastify|\..*)$/.test(name),
  );
  mkdirSync(path.join(project, "node_modules"));
  for (const name of kept)
    symlinkSync(path.join(repository, "node_modules", name), path.join(project, "node_modules", name));
  for (const name of ["dist", "package.json"])
    cpSync(path.join(repository, name), path.join(project, name), {
      recursive: true,
      filter: (from) => !from.startsWith(path.join(repository, "dist/studio")),
    });
  const run = (...args: string[]) =>
    new Promise<{ code: unknown; stderr: string }>((resolve) => {
      execFile(process.execPath, ["dist/cli/bin.js", ...args], { cwd: project }, (error, _, stderr) =>
        resolve({ code: error?.code ?? 0, stderr }),
      );
    });
  expect(await run("serve")).toEqual({
    code: 2,
    stderr:
      "gradcam: missing packages that the server needs: npm i fastify @fastify/cors @fastify/multipart prom-client zod\n",
  });
  expect((await run("layers", "--help")).code).toBe(0);
});
