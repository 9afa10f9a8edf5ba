/** @file `gradcam study`: people decide whether explanations help them. */
import path from "node:path";
import { type Command, InvalidArgumentError, Option } from "commander";
import { writeWhole } from "../node/files.ts";
import { analyse } from "../study/analysis.ts";
import { peopleOf } from "../study/answers.ts";
import { csvOf, exported } from "../study/export.ts";
import { kinds } from "../study/kinds/index.ts";
import { reportPage } from "../study/pages/report.ts";
import { patience } from "../study/participation.ts";
import type { ServeOptions } from "../study/serve-options.ts";
import { serveStudy } from "../study/server.ts";
import { checkEffects, simulate } from "../study/simulate.ts";
import { statusOf } from "../study/status.ts";
import { Store } from "../study/store.ts";
import { notice, portNumber, seedNumber, several, whole } from "./options.ts";
import { defineDesign } from "./study-design.ts";
import { analysisTable, statusLines } from "./study-tables.ts";
import { bold, print, printJson } from "./terminal.ts";

const examples = `
Examples:
  gradcam study design voc/VOC2007 --kind class-discrimination --out which.study
  gradcam study design voc/VOC2007 --kind trust --model vgg16.onnx --model alexnet.onnx --out trust.study
  gradcam study serve which.study                      prints the address for participants
  gradcam study serve which.study --idle 30m --trust-proxy 127.0.0.1    behind a web server on this machine
  gradcam study status which.study
  gradcam study export which.study --out answers       answers.csv, participants.csv, codes.txt
  gradcam study analyse which.study --out which.html
  gradcam study simulate which.study --effect guided-backprop=0.44 --effect guided-grad-cam=0.61 --out tried.study`;

export function defineStudy(program: Command): void {
  const study = program
    .command("study")
    .description("design, serve and analyse user studies of whether explanations help people")
    .addHelpText("after", examples);
  defineDesign(study);
  study
    .command("serve")
    .description("serve a study's pages to participants")
    .argument("<study>", "a study file from `gradcam study design`")
    .option("--port <number>", "port to bind; 0 picks a free one", portNumber, 4180)
    .option("--host <address>", "address to bind; anything but 127.0.0.1 lets others reach it", "127.0.0.1")
    .option("--completion-code <code>", "one completion code for everyone (default: one per participant)")
    .option(
      "--return-to <address>",
      "URL that the last page links to; {code} stands for the completion code",
      webAddress,
    )
    .addOption(
      new Option("--idle <time>", "free a participant's place after this long without an answer: 90s, 10m, 2h")
        .argParser(duration)
        .default(patience, "10m"),
    )
    .option(
      "--trust-proxy <address>",
      "address or network of a proxy whose X-Forwarded-For is trusted; repeatable",
      several,
    )
    .action(serve);
  study
    .command("status")
    .description("show progress")
    .argument("<study>", "a study file; it may be served at the same time")
    .option("--json", "print JSON")
    .action(status);
  study
    .command("export")
    .description("write the answers as CSV; people appear only as random numbers")
    .argument("<study>", "a study file")
    .option("--out <dir>", "folder for answers.csv, participants.csv and codes.txt", "gradcam-study")
    .option("--json", "print everything as JSON, and write nothing")
    .action(exportAnswers);
  study
    .command("analyse")
    .description("report results, next to the paper's figures")
    .argument("<study>", "a study file")
    .option("--out <file>", "HTML report to write (default: the study's name with .html)")
    .option("--json", "print the figures as JSON")
    .action(analyseStudy);
  study
    .command("simulate")
    .description("simulate a copy of a study with virtual participants and known effects")
    .argument("<study>", "a study file; it is not changed")
    .requiredOption("--out <file>", "the copy to write; it is permanently marked as synthetic")
    .requiredOption("--effect <condition=mean>", "true mean of a condition; once for each condition", effect)
    .option("--participants <count>", "maximum number of participants (default: until the study is full)", whole)
    .option(
      "--people <sd>",
      "standard deviation between people, in standard deviations of a single answer",
      spread,
      0.5,
    )
    .option("--items <sd>", "standard deviation between items, likewise", spread, 0.5)
    .option("--careless <fraction>", "fraction of participants who answer at random", spread, 0)
    .option("--seed <number>", "random seed", seedNumber, 0)
    .action(simulateStudy);
}

async function serve(file: string, options: ServeOptions): Promise<void> {
  await withStudy(Store.open(file), async (store) => {
    const onProxy = () =>
      notice(
        "requests come through a proxy, so all participants seem to share its address, and few may begin at once from one address; name the proxy with --trust-proxy",
      );
    const serving = await serveStudy(store, { ...options, onProxy });
    print(`The study is at ${bold(serving.url)}`, `Ctrl+C ends it; answers are in ${file}.`);
    await new Promise<void>((resolve) => {
      process.once("SIGINT", () => resolve());
      process.once("SIGTERM", () => resolve());
    });
    await serving.close();
  });
}

const status = (file: string, { json }: { json?: boolean }): Promise<void> =>
  withStudy(Store.read(file), (store) => {
    const found = statusOf(store);
    if (json) printJson(found);
    else print(...statusLines(file, found));
  });

const exportAnswers = (file: string, { out, json }: { out: string; json?: boolean }): Promise<void> =>
  withStudy(Store.read(file), async (store) => {
    const all = exported(store);
    if (json) {
      printJson(all);
      return;
    }
    await writeWhole(path.join(out, "answers.csv"), csvOf(all.answers));
    await writeWhole(path.join(out, "participants.csv"), csvOf(all.participants));
    await writeWhole(path.join(out, "codes.txt"), all.codes.map((code) => `${code}\n`).join(""));
    const { answers, participants, codes } = all;
    print(`${bold(out)}: ${answers.length} answers from ${participants.length} participants, ${codes.length} codes`);
  });

const analyseStudy = (file: string, flags: { out?: string; json?: boolean }): Promise<void> =>
  withStudy(Store.read(file), async (store) => {
    const { study, origin } = store;
    const analysis = analyse(study, origin, peopleOf(store));
    const out = flags.out ?? `${file.replace(/\.[^./\\]*$/, "")}.html`;
    await writeWhole(out, reportPage(study, analysis));
    if (flags.json) printJson(analysis);
    else print(...analysisTable(analysis), `report: ${out}`);
  });

interface SimulateFlags {
  readonly out: string;
  readonly effect: Readonly<Record<string, number>>;
  readonly participants?: number;
  readonly people: number;
  readonly items: number;
  readonly careless: number;
  readonly seed: number;
}

const simulateStudy = (file: string, { effect: effects, ...options }: SimulateFlags): Promise<void> =>
  withStudy(Store.read(file), async (store) => {
    checkEffects(effects, store.study.conditions, kinds[store.study.kind].scale);
    await simulate(store, { ...options, effects });
    await withStudy(Store.read(options.out), (made) => print(...statusLines(options.out, statusOf(made))));
  });

async function withStudy(opened: Promise<Store>, act: (store: Store) => void | Promise<void>): Promise<void> {
  const store = await opened;
  try {
    await act(store);
  } finally {
    store.close();
  }
}

/** Gathers `condition=mean`. */
function effect(text: string, before: Readonly<Record<string, number>> = {}): Record<string, number> {
  const [, name, mean] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (!name || !Number.isFinite(Number(mean)))
    throw new InvalidArgumentError("Expected CONDITION=MEAN, such as guided-grad-cam=0.61.");
  return { ...before, [name]: Number(mean) };
}

function spread(text: string): number {
  const value = Number(text);
  if (!(value >= 0 && value <= 10)) throw new InvalidArgumentError("Expected a number from 0 to 10.");
  return value;
}

/** A whole number and its unit, in milliseconds. */
function duration(text: string): number {
  const [, count, unit] = /^(\d{1,5})(s|m|h)$/.exec(text) ?? [];
  const milliseconds = Number(count) * { s: 1e3, m: 60e3, h: 3600e3 }[unit as "s" | "m" | "h"];
  if (!(milliseconds >= 1e3 && milliseconds <= 30 * 24 * 3600e3))
    throw new InvalidArgumentError("Expected a time from 1s to 720h, such as 90s, 10m or 2h.");
  return milliseconds;
}

function webAddress(text: string): string {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text))
    throw new InvalidArgumentError("Expected an address that begins with https:// or http://.");
  return text;
}
