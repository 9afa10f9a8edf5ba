/** @file The packed package in folders of its own, outside of the repository, with what else a place needs. */
import { execFile } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));
export const picture = path.join(root, "examples/images/cat-and-cup.jpg");

let made;
/** Where everything is, outside of the repository. */
function temporary() {
  made ??= mkdtempSync(path.join(tmpdir(), "gradcam-places-"));
  return made;
}
export const cleanUp = () => made && rmSync(made, { recursive: true, force: true });

// The install script of onnxruntime-node fetches CUDA libraries from outside the registries.
export const quiet = {
  ...{ ONNXRUNTIME_NODE_INSTALL: "skip", NO_COLOR: "1", CI: "1", NEXT_TELEMETRY_DISABLED: "1", NODE_ENV: undefined },
  ...{ npm_config_prefer_offline: "true", npm_config_audit: "false", npm_config_fund: "false" },
  ...{ npm_config_ignore_scripts: "false", npm_config_update_notifier: "false", YARN_ENABLE_TELEMETRY: "0" },
};

/** Runs a line of the shell. @returns what it prints; @throws Error with its last words */
export function shell(line, cwd, more = {}) {
  const env = { ...process.env, ...quiet, ...more };
  const options = { cwd, env, maxBuffer: 1 << 26, timeout: 900_000, killSignal: "SIGKILL" };
  return new Promise((resolve, reject) => {
    execFile("sh", ["-c", line], options, (error, stdout, stderr) => {
      if (!error) return resolve(stdout);
      const said = `${stdout}\n${stderr}`.trim().split("\n").filter(Boolean);
      const telling = said.filter((text) => /error|invalid|resolve|missing|not /i.test(text));
      const words = (telling.length ? telling : said).slice(0, 3).join(" | ").slice(0, 300);
      reject(Object.assign(new Error(`${line.slice(0, 60)}: ${words}`), { stdout, stderr, code: error.code }));
    });
  });
}

let packed;
/** The tarball's path; TARBALL names one that is there. */
export function tarball() {
  packed ??= process.env.TARBALL
    ? Promise.resolve(path.resolve(process.env.TARBALL))
    : shell(`npm pack --ignore-scripts --pack-destination ${temporary()}`, root).then(() =>
        path.join(
          temporary(),
          readdirSync(temporary()).find((name) => name.endsWith(".tgz")),
        ),
      );
  return packed;
}

/** An empty folder that is a project. */
export function folder(name, manifest = {}) {
  const place = path.join(temporary(), name.replace(/[^\w.]+/g, "-"));
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place, { recursive: true });
  const { type = "module", ...rest } = manifest;
  writeFileSync(path.join(place, "package.json"), JSON.stringify({ name: "app", private: true, type, ...rest }));
  copyFileSync(picture, path.join(place, "cat-and-cup.jpg"));
  return place;
}

/** A folder into which npm has installed the package and these others. */
export async function installed(name, packages, manifest) {
  const place = folder(name, manifest);
  await shell(`npm i ${[await tarball(), ...packages].join(" ")}`, place);
  return place;
}

/** The page's sources, and beside them what it fetches, in a folder that is served as it is. */
export function withApp(place, publicFolder = "public") {
  cpSync(path.join(root, "scripts/places/app"), place, { recursive: true });
  const served = path.join(place, publicFolder);
  mkdirSync(path.join(served, "models"), { recursive: true });
  copyFileSync(picture, path.join(served, "cat-and-cup.jpg"));
  copyNetworks(served);
  const model = "models/efficientnet-lite0";
  cpSync(path.join(root, model), path.join(served, model), { recursive: true });
}

/** One network in half and in single precision. */
export function copyNetworks(place) {
  for (const name of ["half", "float"])
    copyFileSync(path.join(root, "test/inputs", name, "model.onnx"), path.join(place, `${name}.onnx`));
}

export const versionOf = (place, name) =>
  JSON.parse(readFileSync(path.join(place, "node_modules", name, "package.json"), "utf8")).version;
