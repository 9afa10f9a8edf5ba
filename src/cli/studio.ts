/** @file `gradcam studio`: the browser app, served to this machine's own browser. */
import type { Command } from "commander";
import { serveFiles } from "../node/serve-files.ts";
import { studioFiles } from "../node/studio.ts";
import { portNumber } from "./options.ts";
import { bold, print } from "./terminal.ts";

interface StudioFlags {
  readonly model?: string;
  readonly labels?: string;
  readonly port: number;
  readonly host: string;
}

const examples = `
Examples:
  gradcam studio                                    prints the address to open
  gradcam studio --model resnet50.onnx --labels imagenet.txt
  gradcam studio --port 8080`;

export function defineStudio(program: Command): void {
  program
    .command("studio")
    .description("explain images in the browser; nothing leaves this machine")
    .option(
      "--model <file|dir>",
      "an .onnx file or a directory in Hugging Face layout (default: the bundled EfficientNet-Lite0)",
    )
    .option("--labels <file>", "class names: one per line, or JSON (a list or id2label)")
    .option("--port <number>", "port to bind; 0 picks a free one", portNumber, 4173)
    .option(
      "--host <address>",
      "address to bind; anything but 127.0.0.1 lets others on your network open it too",
      "127.0.0.1",
    )
    .addHelpText("after", examples)
    .action(studio);
}

async function studio({ model, labels, port, host }: StudioFlags): Promise<void> {
  const { files, query } = await studioFiles(model, labels);
  const { server, url } = await serveFiles(files, { port, host });
  print(`The studio is at ${bold(url + query)}`, "Ctrl+C ends it.");
  await new Promise<void>((resolve) => {
    const end = () => {
      server.close(() => resolve());
      server.closeAllConnections();
    };
    process.once("SIGINT", end);
    process.once("SIGTERM", end);
  });
}
