/** @file `gradcam serve`: explanations over HTTP. */
import { availableParallelism } from "node:os";
import path from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { UserError } from "../errors.ts";
import { studioFiles } from "../node/studio.ts";
import { type ServeOptions, usual } from "../server/options.ts";
import type { ModelSource } from "../server/work.ts";
import { loadOptions, type ModelFlags, notice, several, whole, withReading } from "./options.ts";
import { printError } from "./terminal.ts";

const examples = `
Examples:
  gradcam serve                                            serves the bundled models on http://127.0.0.1:8080
  gradcam serve --model resnet50/ --model vit=models/vit.onnx
  gradcam serve --host 0.0.0.0 --token-file tokens.txt     for other machines, with bearer tokens
  curl -F image=@photo.jpg http://127.0.0.1:8080/v1/explain`;

const bundled: readonly ModelSource[] = [
  { name: "efficientnet-lite0", task: "explain" },
  { name: "scenes-captioner", task: "caption" },
  { name: "scenes-answerer", task: "ask" },
];

interface ServeFlags extends Omit<ModelFlags, "model"> {
  readonly model?: ModelSource[];
  readonly captioner?: ModelSource[];
  readonly answerer?: ModelSource[];
  readonly host: string;
  readonly port: number;
  readonly tokenFile?: string;
  readonly cors?: string[];
  readonly workers: number;
  readonly batch?: number;
  readonly queue: number;
  readonly timeout: number;
  readonly maxBytes: number;
  readonly maxPixels: number;
  readonly maxSide: number;
  readonly canvas: number;
  readonly maxRender: number;
  readonly logLevel: string;
}

export function defineServe(program: Command): void {
  const model =
    "model to serve: an .onnx file or a directory, under a name of your choice or the file's; repeatable (default: the bundled models)";
  const workers = Math.min(4, availableParallelism());
  const command = program
    .command("serve")
    .option("--model <[name=]file|dir>", model, modelSource("explain"))
    .option(
      "--captioner <[name=]dir>",
      "captioner to serve, as for caption --model; repeatable",
      modelSource("caption"),
    )
    .option("--answerer <[name=]dir>", "VQA model to serve, as for ask --model; repeatable", modelSource("ask"));
  withReading(command)
    .description(
      "serve explanations over HTTP: POST /v1/explain; the studio is at /studio/, the API documentation at /docs",
    )
    .option("--host <address>", "address to bind; any other than loopback requires a bearer token", "127.0.0.1")
    .option("--port <number>", "port to bind; 0 picks a free one", port, 8080)
    .option("--token-file <file>", "bearer tokens, one per line; or the environment variable GRADCAM_TOKEN")
    .option("--cors <origin>", "allowed CORS origin; repeatable (default: none)", several)
    .option("--workers <count>", "worker threads, each with the models in memory", whole, workers)
    .option("--batch <count>", "maximum batch size: requests that share a run (default: 2 on CPUs, else 8)", whole)
    .option(
      "--queue <count>",
      "maximum number of requests in progress; further ones get 429 and Retry-After",
      whole,
      64,
    )
    .option("--timeout <seconds>", "time limit of a request", whole, 30)
    .option("--max-bytes <count>", "refuse larger files", whole, 10e6)
    .option("--max-pixels <count>", "refuse larger images", whole, 25e6)
    .option("--max-side <count>", "refuse images with a longer side", whole, usual.maxSide)
    .option(
      "--canvas <count>",
      "downscale larger images to this many pixels before maps are drawn on them; limits inputs of dynamic size too",
      whole,
      usual.canvas,
    )
    .option(
      "--max-render <count>",
      "refuse responses whose maps and images have more pixels in all",
      whole,
      usual.maxRender,
    )
    .addOption(new Option("--log-level <level>", "log level").choices(["error", "info", "silent"]).default("info"))
    .addHelpText("after", examples)
    .action(serve);
}

async function serve(flags: ServeFlags): Promise<void> {
  const server = await loadServer();
  const { model = [], captioner = [], answerer = [], tokenFile, cors = [], threads } = flags;
  const named = [...model, ...captioner, ...answerer];
  const models = named.length > 0 ? named : bundled;
  const twice = models.find(({ name }, i) => models.findIndex((other) => other.name === name) !== i);
  if (twice)
    throw new UserError(
      "invalid-option",
      `invalid model: two models are called "${twice.name}"; name them, as in a=one.onnx`,
    );
  const share = Math.max(1, Math.floor(availableParallelism() / flags.workers));
  const { model: _, ...reading } = { ...flags, threads: threads ?? share };
  // A processor is a twentieth faster at two pictures in one run than at one, and at eight no more, with the memory of eight.
  const onProcessor = (flags.provider ?? "cpu") === "cpu";
  const options: ServeOptions = {
    ...flags,
    batch: flags.batch ?? (onProcessor ? 2 : 8),
    tokens: await server.readTokens(tokenFile, process.env.GRADCAM_TOKEN),
    cors,
    models,
    loading: loadOptions(reading),
    pages: await studioPages(),
  };
  const running = await server.serve(options);
  printError(`gradcam serves ${models.map(({ name }) => name).join(", ")} on ${running.url}`);
  await new Promise<void>((resolve, reject) => {
    let asked = false;
    const stop = () => {
      if (asked) return reject(new UserError("cancelled", "cancelled"));
      asked = true;
      running.close().then(resolve, reject);
    };
    for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, stop);
  });
}

/** The studio, where its package is there; what it does without is no reason not to serve. */
async function studioPages(): Promise<ServeOptions["pages"]> {
  try {
    return (await studioFiles(undefined, undefined)).files;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    notice(`the studio is not served: ${error.message}`);
    return undefined;
  }
}

/** The server, whose packages are optional; @throws UserError `missing-package`. */
async function loadServer() {
  try {
    const [{ serve }, { readTokens }] = await Promise.all([
      import("../server/serve.ts"),
      import("../server/access.ts"),
    ]);
    return { serve, readTokens };
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "ERR_MODULE_NOT_FOUND") throw cause;
    const packages = "fastify @fastify/cors @fastify/multipart prom-client zod";
    throw new UserError("missing-package", `missing packages that the server needs: npm i ${packages}`, { cause });
  }
}

const modelSource =
  (task: ModelSource["task"]) =>
  (text: string, before: readonly ModelSource[] = []): ModelSource[] => {
    const [, name, source = text] = /^([\w.-]+)=(.+)$/s.exec(text) ?? [];
    const own = path.basename(source).replace(/\.onnx$/, "");
    return [...before, { name: name ?? own, task, source }];
  };

function port(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 65535)
    throw new InvalidArgumentError("Expected an integer from 0 to 65535.");
  return value;
}
