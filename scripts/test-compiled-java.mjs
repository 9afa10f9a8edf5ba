/**
 * @file Compiled models in Java: ONNX Runtime's Java API gives the class and the map that gradcam gives.
 *
 *   node scripts/test-compiled-java.mjs
 *
 * Needs a JDK (17 or newer), Maven, and the repository built (npm run build). Ends with 1 where anything is wrong.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const project = path.join(root, "test-java");
const tolerance = 1e-4;
const models = {
  "models/efficientnet-lite0/onnx/model.onnx": [1, 3, 224, 224],
  "test/conformance/vgg_fc_op11/model.onnx": [2, 3, 64, 64],
  "test/conformance/resnet_bn_kept_op16/model.onnx": [3, 3, 65, 65],
};
const classes = [-1, 0, 3];

const run = (command, ...args) =>
  execFileSync(command, args, { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
const folder = mkdtempSync(path.join(tmpdir(), "gradcam-java-"));
const [input, compiled] = [path.join(folder, "input.f32"), path.join(folder, "compiled.onnx")];

let wrong = 0;
let right = 0;
try {
  const classpath = build();
  for (const [model, shape] of Object.entries(models)) {
    const size = shape.reduce((a, b) => a * b, 1);
    writeFileSync(
      input,
      Float32Array.from({ length: size }, (_, i) => Math.sin(i * 0.37) + Math.cos(i * 0.011)),
    );
    const arguments_ = [model, "grad-cam", input, String(shape), ...classes.map(String)];
    const wanted = JSON.parse(run("node", "scripts/test-compiled-reference.mjs", ...arguments_));
    for (const kind of ["optional", "required"]) {
      run("node", "dist/cli/bin.js", "compile", model, "--class-input", kind, "--out", compiled);
      classes.forEach((target, i) => {
        const java = ["-cp", classpath, "gradcam.RunCompiled", compiled, input, String(shape), String(target)];
        const problem = difference(JSON.parse(run("java", ...java)), wanted[i]);
        console.log(`${problem ? "wrong" : "right"}  ${model}, class input ${kind}, class ${target}${problem ?? ""}`);
        if (problem) wrong++;
        else right++;
      });
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
console.log(`${right} passed, ${wrong} failed`);
process.exitCode = wrong || !right ? 1 : 0;

/** Compiles the program; the class path that runs it. */
function build() {
  const list = path.join(folder, "classpath.txt");
  const output = path.join(folder, "target");
  const arguments_ = ["compile", "dependency:build-classpath", `-Dmdep.outputFile=${list}`, `-Doutput=${output}`];
  run("mvn", "-q", "-B", "-f", path.join(project, "pom.xml"), ...arguments_);
  return [path.join(output, "classes"), readFileSync(list, "utf8").trim()].join(path.delimiter);
}

function difference(got, want) {
  if (String(got.class) !== String(want.class)) return `: explains ${got.class}, not ${want.class}`;
  if (String(got.shape) !== String(want.shape)) return `: shape ${got.shape}, not ${want.shape}`;
  const scale = Math.max(...want.values.map(Math.abs), 1e-30);
  const far = Math.max(...got.values.map((v, i) => Math.abs(v - want.values[i]))) / scale;
  return far <= tolerance ? undefined : `: ${far} of the largest value`;
}
