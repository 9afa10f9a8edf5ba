/**
 * @file Requests made of the service's own OpenAPI document, right and wrong ones, by schemathesis: fails at an answer of 5xx and at one
 * that the document does not promise.
 *
 *   node scripts/test-service-api.mjs [--venv DIR] [--examples N] [--seed N]
 *
 * Installs service-api/requirements.txt into the virtual environment if DIR is not there.
 */
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { startServer } from "../bench/service.mjs";

const root = (file) => fileURLToPath(new URL(`../${file}`, import.meta.url));
const { values: options } = parseArgs({
  options: {
    venv: { type: "string", default: root("node_modules/.cache/service-api/venv") },
    examples: { type: "string", default: "100" },
    seed: { type: "string", default: "1" },
  },
});
const bin = (name) => path.join(options.venv, "bin", name);
const run = (...command) => execFileSync(command[0], command.slice(1), { stdio: ["ignore", "inherit", "inherit"] });
if (!existsSync(bin("schemathesis"))) {
  run("python3", "-m", "venv", options.venv);
  run(bin("python"), "-m", "pip", "install", "-r", root("scripts/service-api/requirements.txt"));
}

const token = "a-token-for-schemathesis";
const server = await startServer(["--queue", "64"], { GRADCAM_TOKEN: token });
const config = ["--config-file", root("scripts/service-api/schemathesis.toml")];
const search = ["--max-examples", options.examples, "--seed", options.seed];
const cwd = mkdtempSync(path.join(tmpdir(), "gradcam-service-api-")); // where it leaves its reports
const tests = spawn(
  bin("schemathesis"),
  [...config, "run", `${server.url}/openapi.json`, "--header", `Authorization: Bearer ${token}`, ...search],
  { cwd, stdio: "inherit", env: { ...process.env, SCHEMATHESIS_HOOKS: root("scripts/service-api/hooks.py") } },
);
process.exitCode = await new Promise((resolve) => tests.on("close", resolve));
await server.stop();
rmSync(cwd, { recursive: true });
