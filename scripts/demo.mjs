/** @file `npm run demo`: the bundled picture, the bundled model, two classes, two methods. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const here = (file) => fileURLToPath(new URL(`../${file}`, import.meta.url));
const run = (args) => execFileSync(process.execPath, args, { cwd: here("."), stdio: "inherit" });

run(["scripts/setup.mjs"]);
run(["scripts/clean.mjs"]);
run(["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json"]);
run([
  "dist/cli/bin.js",
  "explain",
  "examples/images/cat-and-cup.jpg",
  ...["--class", "Egyptian cat", "--class", "espresso"],
  ...["--method", "grad-cam", "--method", "guided-grad-cam"],
  ...["--out", "gradcam-out"],
]);
