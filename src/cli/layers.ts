/** @file `gradcam layers`: where a map can lie. */
import type { Command } from "commander";
import { openFile } from "../node/load.ts";
import { shapeText } from "../tasks/sample.ts";
import { loadOptions, type ModelFlags, modelOf, withModelArgument } from "./options.ts";
import { bold, print, printJson } from "./terminal.ts";

const examples = `
Examples:
  gradcam layers                           layers of the bundled model
  gradcam layers resnet50.onnx             the default first, then from the scores back to the input`;

export function defineLayers(program: Command): void {
  withModelArgument(program.command("layers"))
    .description("list candidate layers")
    .option("--json", "print JSON: the model's name, the scores and the layers")
    .addHelpText("after", examples)
    .action(layers);
}

async function layers(argument: string | undefined, flags: ModelFlags & { readonly json?: boolean }): Promise<void> {
  const { explainer, reading, sha256 } = await openFile(modelOf(argument, flags), loadOptions(flags));
  try {
    const { name, score, layers } = reading;
    if (flags.json) {
      const { name: tensor, before } = score;
      printJson({ model: { name, sha256 }, score: { name: tensor, ...(before && { before }) }, layers });
      return;
    }
    print(`${bold(name)}, scores: ${score.name}${score.before ? ` (in front of the ${score.before})` : ""}`);
    const width = Math.max(...layers.map((layer) => layer.name.length), 0);
    const several = new Set(layers.map(({ of }) => of)).size > 1;
    for (const layer of layers) {
      const of = several ? `  of "${layer.of}"` : "";
      print(`  ${layer.name.padEnd(width)}  ${shapeText(layer.shape)}${of}${layer.default ? bold("  default") : ""}`);
    }
  } finally {
    await explainer.release();
  }
}
