/** @file `gradcam evaluate scenes:COUNT --spurious`: do maps show a shortcut that was planted? */
import path from "node:path";
import { spuriousPage } from "../evaluate/report/spurious-page.ts";
import { type SpuriousFigure, spuriousCsv } from "../evaluate/spurious/figures.ts";
import { checkSpurious } from "../evaluate/spurious/spurious.ts";
import { prepareDirectory, writeWhole } from "../node/files.ts";
import { packageVersion } from "./about.ts";
import { loadOptions, type ModelFlags } from "./options.ts";
import { Progress } from "./progress.ts";
import { bold, print, printJson } from "./terminal.ts";

interface SpuriousFlags extends ModelFlags {
  readonly methods: string[];
  readonly out: string;
  readonly seed: number;
  readonly json?: boolean;
}

export async function checkShortcut(dataset: string, flags: SpuriousFlags, signal: AbortSignal): Promise<void> {
  const { methods, out, seed, json } = flags;
  let bar: Progress | undefined;
  try {
    const { content, looks } = await checkSpurious({
      ...{ dataset, load: loadOptions(flags), methods, seed, signal },
      onProgress: (done, total) => {
        bar ??= new Progress("scenes", total);
        bar.update(done);
      },
    });
    bar?.clear();
    const whole = { gradcam: packageVersion, node: process.version, ...content };
    await prepareDirectory(out);
    await writeWhole(path.join(out, "spurious.json"), `${JSON.stringify(whole, null, 2)}\n`);
    await writeWhole(path.join(out, "spurious.csv"), spuriousCsv(content.figures));
    await writeWhole(path.join(out, "spurious.html"), await spuriousPage(content, looks));
    if (json) return printJson(whole);
    print(`${bold(dataset)}: ${content.dataset.used} scenes with one big object and a mark`);
    for (const name of new Set(content.figures.map(({ figure }) => figure))) {
      print(bold(name));
      for (const one of content.figures.filter(({ figure }) => figure === name)) print(`  ${lineOf(one)}`);
    }
    print(`figures: ${path.join(out, "spurious.json")}, ${path.join(out, "spurious.csv")}`);
    print(`report: ${path.join(out, "spurious.html")}`);
  } finally {
    bar?.clear();
  }
}

function lineOf({ method = "", network, than, value, low, high }: SpuriousFigure): string {
  const [middle, from, to] = [value, low, high].map((v) => v.toFixed(3));
  return `${method.padEnd(18)} ${(than ? `${network} - ${than}` : network).padEnd(18)} ${middle} [${from}, ${to}]`;
}
