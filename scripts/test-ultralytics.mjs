/**
 * @file Networks of Ultralytics against the package's own post-processing and PyTorch's autograd; its files are made now and not kept.
 *
 *     PYTHON=python3 npm run test:ultralytics
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "ultralytics-"));
try {
  const python = process.env.PYTHON ?? "python3";
  const { status } = spawnSync(python, [at("detector/ultralytics_cases.py"), folder], { stdio: "inherit" });
  if (status === 3) console.log("not run: ultralytics is not installed");
  else if (status !== 0) process.exitCode = 1;
  else {
    const env = { ...process.env, GRADCAM_REFERENCES: folder };
    const tests = spawnSync("npx", ["vitest", "run", "test/detect/references.test.ts"], {
      cwd: at(".."),
      env,
      stdio: "inherit",
    });
    process.exitCode = tests.status ?? 1;
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
