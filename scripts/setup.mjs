/** @file Makes a fresh clone ready: installs what the lock file names, unless it is there already. */
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

/** Whether every package that the lock file wants is there in its version. */
function sameVersions() {
  if (!existsSync(installed)) return false;
  const versions = (file) => JSON.parse(readFileSync(file, "utf8")).packages;
  const has = versions(installed);
  return Object.entries(versions(here("package-lock.json"))).every(
    ([name, { version, optional }]) => !name || optional || has[name]?.version === version,
  );
}
