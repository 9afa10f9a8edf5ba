/** @file `gradcam scenes`: drawn scenes, which the bundled captioner and VQA model know, with what is true of them. */
import path from "node:path";
import type { Command } from "commander";
import { UserError } from "../errors.ts";
import { encodePng } from "../image/sharp.ts";
import { prepareDirectory, writeWhole } from "../node/files.ts";
import { captions, makeScene, paint, questions } from "../scenes/index.ts";
import { whole } from "./options.ts";
import { bold, print, printJson } from "./terminal.ts";

interface ScenesFlags {
  readonly size: number;
  readonly out: string;
  readonly json?: boolean;
}

const examples = `
Examples:
  gradcam scenes                       draws the scene of seed 0 as scene-0.png, and prints its ground truth
  gradcam scenes 7 40-49 --out scenes  draws the scenes of these seeds
  gradcam caption scene-0.png
  gradcam ask scene-0.png "what colour is the circle?"`;

/** Scenes at a time, and pixels of their side. */
const most = { scenes: 10_000, side: 2048 } as const;

export function defineScenes(program: Command): void {
  program
    .command("scenes")
    .description("draw scenes for the bundled captioner and VQA model, with captions, questions and answers")
    .argument("[seeds...]", "integers, or ranges such as 0-9 (default: 0)")
    .option("--size <side>", "side length in pixels", whole, 224)
    .option("--out <dir>", "output folder", ".")
    .option("--json", "print one JSON line per scene, and nothing else")
    .addHelpText("after", examples)
    .action(scenes);
}

async function scenes(given: readonly string[], { size, out, json }: ScenesFlags): Promise<void> {
  if (size > most.side) throw new UserError("invalid-option", `invalid --size: ${size}; allowed are 1 to ${most.side}`);
  const seeds = given.length ? given.flatMap(seedsOf) : [0];
  if (seeds.length > most.scenes)
    throw new UserError("invalid-option", `invalid seeds: ${seeds.length} scenes; at most ${most.scenes} at a time`);
  await prepareDirectory(out);
  for (const seed of seeds) {
    const scene = makeScene(seed);
    const file = `scene-${seed}.png`;
    await writeWhole(path.join(out, file), await encodePng(paint(scene, size).picture));
    const asked = questions(scene);
    if (json) printJson({ seed, file, objects: scene.objects, captions: captions(scene), questions: asked });
    else {
      print(`${bold(path.join(out, file))}: ${captions(scene)[0]}`);
      for (const { text, answer } of asked) print(`  ${text}? ${answer}`);
    }
  }
}

function seedsOf(text: string): number[] {
  const [, first, last = first] = /^(\d{1,9})(?:-(\d{1,9}))?$/.exec(text) ?? [];
  const [from, to] = [Number(first), Number(last)];
  if (first === undefined || to < from)
    throw new UserError("invalid-option", `invalid seed: "${text}"; allowed are integers, and ranges such as 0-9`);
  if (to - from >= most.scenes)
    throw new UserError("invalid-option", `invalid seeds: ${text}; at most ${most.scenes} scenes at a time`);
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}
