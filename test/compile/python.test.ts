/** @file Compiled models in Python, by the script that anyone can run; skipped, with the reason, where Python or its packages are not there. */
import { execFile, execFileSync } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { repository } from "../cli/run.ts";

const python = process.env.GRADCAM_PYTHON ?? "python3";

/** Why it cannot run; undefined where it can. */
function missing(): string | undefined {
  try {
    execFileSync(python, ["-c", "import onnx, onnx.reference, onnxruntime, numpy"], { stdio: "pipe" });
    return undefined;
  } catch (error) {
    const said = String((error as { stderr?: Buffer }).stderr ?? error).trim();
    return `${python}: ${said.split("\n").at(-1)}; set GRADCAM_PYTHON to a Python with onnx, onnxruntime and numpy`;
  }
}

test("the checker takes them; onnxruntime and the reference give the same numbers", {
  timeout: 300_000,
}, async (context) => {
  const why = missing();
  if (why) {
    console.log(`not run: ${why}`);
    context.skip(why);
  }
  const { stdout } = await promisify(execFile)(python, ["scripts/test-compiled-python.py"], { cwd: repository });
  expect(stdout).toMatch(/^(\d+) of \1 right/m);
});
