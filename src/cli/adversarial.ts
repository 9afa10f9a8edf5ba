/** @file `gradcam evaluate --adversarial`: do maps hold while a picture is pushed to a class that is absent? */
import path from "node:path";
import { attackAll } from "../evaluate/adversarial.ts";
import { prepare } from "../evaluate/evaluate.ts";
import { adversarialPage } from "../evaluate/report/adversarial-page.ts";
import { sourceAt } from "../evaluate/source.ts";
import { methodName } from "../methods/by-name.ts";
import { prepareDirectory, writeWhole } from "../node/files.ts";
import { readMapping } from "./class-map.ts";
import { loadOptions, type ModelFlags } from "./options.ts";
import { Progress } from "./progress.ts";
import { bold, print, printJson } from "./terminal.ts";

interface AdversarialFlags extends ModelFlags {
  readonly methods: string[];
  readonly format?: string;
  readonly classMap?: string;
  readonly out: string;
  readonly sample?: number;
  readonly seed: number;
  readonly json?: boolean;
}

export async function attack(dataset: string, flags: AdversarialFlags, signal: AbortSignal): Promise<void> {
  const { methods: asked, model: file, seed: from, sample, format, out } = flags;
  const load = loadOptions(flags);
  const mapping = flags.classMap === undefined ? undefined : await readMapping(flags.classMap);
  asked.forEach(methodName);
  const { model, samples } = await prepare({
    dataset,
    methods: asked,
    model: file,
    load,
    sample,
    seed: from,
    format,
    mapping,
  });
  const bar = new Progress("pictures", samples.length);
  try {
    const source = sourceAt(dataset);
    const held = await attackAll({
      ...{ samples, source, model: file, load, methods: asked, seed: from, signal },
      onProgress: (done) => bar.update(done),
    });
    bar.clear();
    // Maps are pictures, in the page.
    const content = held.map(({ methods: its, ...rest }) => ({
      ...rest,
      methods: its.map(({ maps: _, ...one }) => one),
    }));
    await prepareDirectory(out);
    await writeWhole(path.join(out, "adversarial.json"), `${JSON.stringify(content, null, 2)}\n`);
    const page = await adversarialPage(held, { model: model.name, samples, source });
    await writeWhole(path.join(out, "adversarial.html"), page);
    if (flags.json) return printJson(content);
    for (const { picture, label, absentLabel, probability, steps, methods: its } of content) {
      print(
        `${bold(picture)}: ${label}, pushed to ${absentLabel}: ${(100 * probability).toFixed(2)} % in ${steps} steps`,
      );
      for (const { method, correlation, hits } of its)
        print(
          `  ${method.padEnd(18)} ${correlation.toFixed(3)}${hits ? `  ${hits.map((hit) => (hit ? "hit" : "miss")).join(", then ")}` : ""}`,
        );
    }
    print(`report: ${path.join(out, "adversarial.html")}`);
  } finally {
    bar.clear();
  }
}
