/** @file A package that is not installed is told from one that does not load, however the platform says it. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { missingPackage } from "../../src/errors.ts";

const failed = (message: string, code?: string) => Object.assign(new Error(message), code ? { code } : {});

test.each([
  failed("Cannot find package 'sharp' imported from /a/b.js", "ERR_MODULE_NOT_FOUND"),
  failed("Cannot find module 'sharp/lib'", "MODULE_NOT_FOUND"),
  failed("gradcam tried to access sharp, but it isn't declared in its dependencies", "MODULE_NOT_FOUND"),
  failed('Could not resolve "sharp" imported by "gradcam". Is it installed?'),
  failed("Failed to resolve module specifier 'sharp'"),
  failed("The specifier “sharp” was a bare specifier, but was not remapped to anything."),
  failed("Module name, 'sharp' does not resolve to a valid URL."),
])("not installed: %s", (cause) => {
  const { code, message } = missingPackage(["sharp"], "which reads images", cause);
  expect([code, message]).toEqual(["missing-package", "missing package sharp, which reads images: npm i sharp"]);
});

test.each([
  failed("libonnxruntime.so.1: cannot open shared object file: No such file or directory", "ERR_DLOPEN_FAILED"),
  failed("Cannot find package 'detect-libc' imported from /a/sharp/b.js", "ERR_MODULE_NOT_FOUND"),
  failed("Cannot find module '../bin/napi-v6/linux/arm64/onnxruntime_binding.node'", "MODULE_NOT_FOUND"),
  failed('Could not load the "sharp" module using the linux-x64 runtime\nPossible solutions:\n- npm i'),
])("does not load: %s", (cause) => {
  const { message } = missingPackage(["sharp"], "which reads images", cause);
  expect(message).toBe(`missing package sharp, which reads images: does not load: ${cause.message.split("\n")[0]}`);
});

const root = fileURLToPath(new URL("../..", import.meta.url));

test("the command line says why ONNX Runtime does not come", () => {
  const project = mkdtempSync(path.join(tmpdir(), "gradcam-absent-"));
  onTestFinished(() => rmSync(project, { recursive: true, force: true }));
  for (const part of ["dist", "package.json"])
    cpSync(path.join(root, part), path.join(project, part), { recursive: true });
  const packages = path.join(project, "node_modules");
  for (const name of ["@bufbuild", "@huggingface", "commander", "onnx-buf", "onnxruntime-common", "picocolors"]) {
    mkdirSync(packages, { recursive: true });
    symlinkSync(path.join(root, "node_modules", name), path.join(packages, name));
  }
  const said = () => {
    const asked = ["dist/cli/bin.js", "layers", "x.onnx"];
    const { stderr, status } = spawnSync(process.execPath, asked, { cwd: project, encoding: "utf8" });
    expect([status, stderr.trim().split("\n").length], stderr).toEqual([2, 1]);
    return stderr;
  };
  expect(said()).toContain(
    "onnxruntime-node is not installed; run: npm i onnxruntime-node, or ONNXRUNTIME_NODE_INSTALL=skip npm i",
  );
  mkdirSync(path.join(packages, "onnxruntime-node"));
  writeFileSync(
    path.join(packages, "onnxruntime-node/index.js"),
    'throw new Error("libonnxruntime.so.1: cannot open it");',
  );
  expect(said()).toContain("onnxruntime-node does not load: libonnxruntime.so.1: cannot open it");
});
