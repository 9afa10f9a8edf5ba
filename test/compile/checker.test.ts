/**
 * @file Every compiled file passes onnx.checker with all that it checks: models of several shapes in each operator set by each method, and
 * the committed models of other tools. Not run, with the reason, where Python or onnx is not there.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import type { OpenOptions } from "../../src/index.ts";
import { methods } from "../../src/methods/index.ts";
import { ints, node } from "../models.ts";
import { channelsLast, gap, linear, squeezeExcite, unet, vgg } from "../nets.ts";
import { vit } from "../vit.ts";
import { compiled } from "./compile.ts";

const python = process.env.GRADCAM_PYTHON ?? "python3";
const folder = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const shared = folder("../../shared/conformance");

/** Why it cannot run; undefined where it can. */
function missing(): string | undefined {
  try {
    execFileSync(python, ["-c", "import onnx"], { stdio: "pipe" });
    return undefined;
  } catch (error) {
    const said = String((error as { stderr?: Buffer }).stderr ?? error).trim();
    return `${python}: ${said.split("\n").at(-1)}; set GRADCAM_PYTHON to a Python with onnx`;
  }
}

/** What the checker says of each file that it does not take, with all that it knows. */
const script = `
import sys, pathlib, onnx
for file in sorted(pathlib.Path(sys.argv[1]).glob("*.onnx")):
    try: onnx.checker.check_model(str(file), full_check=True)
    except Exception as error: print(file.name, " ".join(str(error).split())[:300])
`;

type Made = readonly [name: string, file: () => Promise<Uint8Array>];

const nets = { gap, vgg, squeezeExcite, unet, linear, channelsLast };
const places = { after: [node("Unsqueeze", "logits last", "scores")], constants: { last: ints([2, 3]) } };
const made: Made[] = [
  ...methods
    .filter(({ readsAttentions }) => readsAttentions)
    .map(({ name: method }): Made => [`vit ${method}`, () => compiled(vit(), { method })]),
  ...methods
    .filter(({ graph, readsAttentions }) => graph && !readsAttentions)
    .flatMap(({ name: method }): Made[] =>
      Object.entries(nets)
        .filter(([net]) => net !== "linear" || ["gradient", "guided-backprop", "deconvolution"].includes(method))
        .map(([net, make]): Made => [`${net} ${method}`, () => compiled(make(), { method })]),
    ),
  ...[7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24].flatMap((opset): Made[] =>
    [gap, vgg].map((make): Made => [`${make.name} opset ${opset}`, () => compiled(make({ opset }))]),
  ),
  ["gap required", () => compiled(gap(), { classInput: "required" })],
  ["gap places", () => compiled(gap(places))],
  ["vgg fixed", () => compiled(vgg({ free: [] }))],
];

/** How models are opened that leave their sizes open. */
const opening: Readonly<Record<string, OpenOptions>> = {
  "test/cases/files/input_no_shape/model.onnx": { inputShapes: [1, 3, 8, 8] },
  "test/cases/models/rank_unknown.onnx": { inputShapes: [1, 3, 16, 16] },
  "test/cases/models/hf_free_size_maxpool/model.onnx": { inputShapes: [1, 3, 16, 16] },
  "test/cases/models/free_size_maxpool.onnx": { inputShapes: [1, 3, 16, 16] },
};
const files = ["conformance", "inputs", "cases/files", "cases/models"].flatMap((name) => modelsIn(folder(name)));

function modelsIn(directory: string): string[] {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".onnx"))
    .map((file) => path.join(directory, file));
}

test("onnx.checker takes every compiled file", { timeout: 600_000 }, async (context) => {
  const why = missing();
  if (why) {
    console.log(`not run: ${why}`);
    context.skip(why);
  }
  const directory = mkdtempSync(path.join(tmpdir(), "gradcam-checker-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const refused: string[] = [];
  const write = async (name: string, make: () => Promise<Uint8Array>) => {
    const bytes = await make().catch((error: unknown) => {
      refused.push(`${name}: ${error}`);
    });
    if (bytes) writeFileSync(path.join(directory, `${name.replaceAll(/\W+/g, "-")}.onnx`), bytes);
  };
  for (const [name, make] of made) await write(name, make);
  for (const file of [...files, ...modelsIn(shared)]) {
    const name = path.relative(folder(".."), file);
    await write(name, () => compiled(new Uint8Array(readFileSync(file)), {}, opening[name]));
  }
  const said = execFileSync(python, ["-c", script, directory], { encoding: "utf8" });
  console.log(
    `${readdirSync(directory).length} compiled files checked, ${refused.length} not compiled:\n${refused.join("\n")}`,
  );
  expect(said).toBe("");
  // Sentences are compiled otherwise, and some cases are of what must be refused.
  expect(refused.filter((line) => /^test.(conformance|inputs)/.test(line) || !line.includes(": UserError: "))).toEqual(
    [],
  );
});
