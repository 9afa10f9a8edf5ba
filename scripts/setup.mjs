/** @file Makes a fresh clone ready: installs what the lock file names, a Chromium for the studio's tests and a Redis for the queue's, unless they are there. */
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium } from "./chromium.mjs";

const here = (file) => fileURLToPath(new URL(`../${file}`, import.meta.url));
const installed = here("node_modules/.package-lock.json");
const current = existsSync(installed) && statSync(installed).mtimeMs >= statSync(here("package-lock.json")).mtimeMs;
if (!current && !sameVersions())
  execFileSync("npm", ["ci", "--no-audit", "--no-fund"], {
    cwd: here("."),
    stdio: "inherit",
    shell: process.platform === "win32",
  });

if (!chromium)
  install(
    "chromium",
    "There is no Chromium, and apt-get cannot install one. Name yours: CHROMIUM=/path/to/chrome npm test",
  );
if (spawnSync("redis-server", ["--version"]).status !== 0)
  install("redis-server", "There is no redis-server, which the tests of queues start, and apt-get cannot install one.");

/** Debian's; elsewhere a person sees to it. */
function install(name, otherwise) {
  const root = process.getuid?.() === 0 ? [] : ["sudo"];
  const apt = (...args) => {
    const [command, ...rest] = [...root, "apt-get", ...args];
    execFileSync(command, rest, { stdio: "inherit", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
  };
  try {
    apt("update", "-qq");
    apt("install", "-y", "-qq", "--no-install-recommends", name);
  } catch {
    console.error(otherwise);
    process.exitCode = 1;
  }
}

/** Whether every package that the lock file wants is there in its version. */
function sameVersions() {
  if (!existsSync(installed)) return false;
  const versions = (file) => JSON.parse(readFileSync(file, "utf8")).packages;
  const has = versions(installed);
  return Object.entries(versions(here("package-lock.json"))).every(
    ([name, { version, optional }]) => !name || optional || has[name]?.version === version,
  );
}
