/** @file Makes a fresh clone ready: installs what the lock file names and a Chromium for the studio's tests, unless they are there. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = (file) => fileURLToPath(new URL(`../${file}`, import.meta.url));
const installed = here("node_modules/.package-lock.json");
const current = existsSync(installed) && statSync(installed).mtimeMs >= statSync(here("package-lock.json")).mtimeMs;
if (!current && !sameVersions())
  execFileSync("npm", ["ci", "--no-audit", "--no-fund"], {
    cwd: here("."),
    stdio: "inherit",
    shell: process.platform === "win32",
  });

const chromiums = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
if (!process.env.CHROMIUM && !chromiums.some(existsSync)) installChromium();

/** Debian's; elsewhere a person names one in CHROMIUM. */
function installChromium() {
  const root = process.getuid?.() === 0 ? [] : ["sudo"];
  const apt = (...args) => {
    const [command, ...rest] = [...root, "apt-get", ...args];
    execFileSync(command, rest, { stdio: "inherit", env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" } });
  };
  try {
    apt("update", "-qq");
    apt("install", "-y", "-qq", "chromium");
  } catch {
    console.error(
      "There is no Chromium, and apt-get cannot install one. Name yours: CHROMIUM=/path/to/chrome npm test",
    );
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
