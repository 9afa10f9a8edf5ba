/** @file `gradcam layers`: where a map can lie. */
import type { Command } from "commander";
import { load } from "../node/load.ts";
import { loadOptions, type ModelFlags, withModel } from "./options.ts";
import { bold, print, printJson } from "./terminal.ts";

const examples = `
Examples:
  gradcam layers                           of the bundled model
  gradcam layers --model resnet50.onnx     the default first, then from the scores towards the image`;

export function defineLayers(program: Command): void {
  withModel(program.command("layers"))
    .description("list the tensors that a map can lie on")
    .option("--json", "print JSON: the model's name, the scores and the layers")
    .addHelpText("after", examples)
    .action(layers);
}

async function layers(flags: ModelFlags & { readonly json?: boolean }): Promise<void> {
  const model = await load(flags.model, loadOptions(flags));
  const { name, explainer } = model.classifier;
  if (flags.json) {
    printJson({ model: { name, sha256: model.sha256 }, score: explainer.score, layers: explainer.layers });
  } else {
    const { score } = explainer;
    print(`${bold(name)}, scores: ${score.name}${score.before ? ` (in front of the ${score.before})` : ""}`);
    const width = Math.max(...explainer.layers.map((layer) => layer.name.length));
    explainer.layers.forEach((layer, i) => {
      print(`  ${layer.name.padEnd(width)}  ${shape(layer.shape)}${i === 0 ? bold("  default") : ""}`);
    });
  }
  await model.release();
}

const shape = (dims: readonly number[]): string => `[${dims.map((d) => (d < 0 ? "?" : d)).join(", ")}]`;
