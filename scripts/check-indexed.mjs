#!/usr/bin/env node
/**
 * @file The types of the folders in tsconfig.indexed.json once more, with `noUncheckedIndexedAccess`: what is read by an index or a name
 * counts as missing until somebody has looked. Else an index beside a list is undefined, in arithmetic NaN, and in the end a map that
 * looks like any other.
 *
 * tsc follows imports into folders that do without; what it finds there is passed over, since `tsc` itself has checked them.
 */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

const config = "tsconfig.indexed.json";
const cwd = fileURLToPath(new URL("..", import.meta.url));
const { include: folders } = JSON.parse(readFileSync(path.join(cwd, config), "utf8"));

const tsc = [path.join(cwd, "node_modules/typescript/bin/tsc"), "-p", config, "--pretty", "false", "--listFiles"];
const { stdout, stderr } = spawnSync(process.execPath, tsc, { cwd, encoding: "utf8", maxBuffer: 2 ** 26 });
const lines = stdout.split("\n");

const isOwn = (file) =>
  folders.some((folder) => path.relative(path.join(cwd, folder), path.resolve(cwd, file))[0] !== ".");
const files = lines.filter((line) => /^\S.*\.ts$/.test(line) && isOwn(line));
// `file(line,column): error ...`; one that names no file is about the configuration.
const errors = lines.filter((line) => /^error /.test(line) || (/^\S+\(\d+,\d+\): error /.test(line) && isOwn(line)));

for (const error of errors) console.error(error);
console.log(`${files.length} files of ${folders.join(", ")}, errors of indexed access: ${errors.length}`);
if (files.length === 0) console.error(stderr);
if (errors.length > 0 || files.length === 0) process.exitCode = 1;
