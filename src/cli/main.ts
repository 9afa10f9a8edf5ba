/** @file The command line: what commands there are, and how each ends (0 done, 1 our bug, 2 the user's input, 130 interrupted). */
import { Command, CommanderError } from "commander";
import { UserError } from "../errors.ts";
import { printable } from "../render/printable.ts";
import { exitCodes, packageVersion } from "./about.ts";
import { defineAsk } from "./ask.ts";
import { defineCaption } from "./caption.ts";
import { defineCompile } from "./compile.ts";
import { defineEvaluate } from "./evaluate.ts";
import { defineExplain } from "./explain.ts";
import { defineInspect } from "./inspect.ts";
import { defineLayers } from "./layers.ts";
import { defineMethods } from "./methods.ts";
import { defineScenes } from "./scenes.ts";
import { defineServe } from "./serve.ts";
import { defineStudio } from "./studio.ts";
import { defineStudy } from "./study.ts";
import { printError } from "./terminal.ts";
import { defineWorker } from "./worker.ts";

/** All commands; a mistake in what is parsed throws. */
export function defineProgram(): Command {
  const program = new Command("gradcam")
    .description(
      "Explains predictions of vision models: Grad-CAM and its family for any ONNX file, by differentiating its graph.",
    )
    .version(packageVersion)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(onOneLine(text)) });
  defineExplain(program);
  defineCaption(program);
  defineAsk(program);
  defineLayers(program);
  defineMethods(program);
  defineInspect(program);
  defineCompile(program);
  defineScenes(program);
  defineStudio(program);
  defineEvaluate(program);
  defineWorker(program);
  defineStudy(program);
  defineServe(program);
  return program;
}

/** Runs the command line and says how it ended; `argv` as `process.argv`. */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    await defineProgram().parseAsync(argv);
    return exitCodes.done;
  } catch (error) {
    return explainEnd(error);
  }
}

/** What commander says of a wrong option, which may hold a suggestion on a second line. */
function onOneLine(text: string): string {
  const [mistake, ...hints] = text
    .replace(/^error: /, "")
    .trim()
    .split("\n");
  const said = [mistake.replace(/\.$/, ""), ...hints, "--help shows what is allowed"].join("; ");
  return `gradcam: ${printable(said)}\n`;
}

/** Prints why a command ended: one line for the user's mistake, everything for our bug. */
function explainEnd(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.user;
  if (error instanceof UserError) {
    if (error.code === "cancelled") return exitCodes.interrupted;
    printError(`gradcam: ${error.message}`);
    return exitCodes.user;
  }
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  const told = message.startsWith("internal:") ? stack : `internal: ${stack}`;
  printError(...(told ?? message).split("\n"));
  printError("This is a bug in gradcam; please report it with the lines above.");
  return exitCodes.bug;
}
