/** @file `gradcam study design`: a dataset and one or two models in, a study out. */
import { type Command, Option } from "commander";
import { UserError } from "../errors.ts";
import { exists, readBytes } from "../node/files.ts";
import { defaultConsent } from "../study/consent.ts";
import { designStudy } from "../study/design/design.ts";
import { Store } from "../study/store.ts";
import { type KindName, kindNames } from "../study/study.ts";
import { packageVersion } from "./about.ts";
import { interruptible } from "./interrupt.ts";
import { loadOptions, type ModelFlags, seedNumber, several, whole, withMethods, withReading } from "./options.ts";
import { Progress } from "./progress.ts";
import { bold, print } from "./terminal.ts";

interface DesignFlags extends Omit<ModelFlags, "model"> {
  readonly kind: KindName;
  readonly model?: string[];
  readonly method?: string[];
  readonly format?: string;
  readonly pictures: number;
  readonly ratings: number;
  readonly trials: number;
  readonly consent?: string;
  readonly seed: number;
  readonly out: string;
}

export function defineDesign(study: Command): void {
  const design = study
    .command("design")
    .description("design a study from a dataset and one or two models")
    .argument("<dataset>", "a directory or URL with ImageNet folders, PASCAL VOC, COCO or a manifest.csv")
    .addOption(new Option("--kind <name>", "kind of study").choices([...kindNames]).makeOptionMandatory())
    .requiredOption("--out <file>", "study file to write; it also stores the answers")
    .option("--model <file|dir>", "model; trust takes two (default: the bundled EfficientNet-Lite0)", several)
    .option("--format <name>", "layout of the dataset (default: detected)")
    .option("--pictures <count>", "number of images in the trials", whole, 45)
    .option("--ratings <count>", "ratings per item", whole, 9)
    .option("--trials <count>", "questions per participant, at most one per image", whole, 40)
    .option("--consent <file>", "your consent text; blank lines separate paragraphs")
    .option("--seed <number>", "random seed", seedNumber, 0);
  const compared = "method to compare; repeatable; none is the control condition of a prediction study";
  withMethods(withReading(design), compared, ["none"]).action(makeDesign);
}

async function makeDesign(dataset: string, flags: DesignFlags): Promise<void> {
  const { out } = flags;
  if (await exists(out))
    throw new UserError("cannot-write", `cannot write ${out}: it exists, and studies are not overwritten`);
  await interruptible((signal) => designOf(dataset, flags, signal));
}

async function designOf(dataset: string, flags: DesignFlags, signal: AbortSignal): Promise<void> {
  const { kind, out, pictures, ratings, trials, seed, format } = flags;
  const bars: Progress[] = [];
  let stage = "";
  try {
    const {
      study,
      pictures: files,
      blank,
    } = await designStudy({
      ...{ kind, dataset, pictures, ratings, trials, seed, format },
      ...{
        methods: flags.method,
        models: flags.model ?? [undefined],
        load: loadOptions({ ...flags, model: undefined }),
      },
      consent: flags.consent === undefined ? defaultConsent : await paragraphs(flags.consent),
      gradcam: packageVersion,
      signal,
      onProgress: ({ what, done, total }) => {
        if (what !== stage) bars.unshift(new Progress(what, total));
        stage = what;
        bars[0].update(done);
      },
    });
    bars[0]?.clear();
    await Store.create(out, study, files);
    const items = study.items.filter(({ role }) => role === "trial");
    print(`${bold(out)}: ${kind}, ${items.length} items from ${new Set(items.map((i) => i.picture)).size} images`);
    for (const { name, accuracy } of study.models)
      print(`  ${name}${accuracy ? `: ${accuracy.right} of ${accuracy.of} classified correctly` : ""}`);
    print(`  conditions: ${study.conditions.join(", ")}`);
    const people = Math.ceil((items.length * ratings) / study.trials);
    print(`  ${ratings} ratings per item: ${people} participants with ${study.trials} questions each, or a few more`);
    const fitting = new Set(items.map((item) => item.picture)).size;
    if (fitting < pictures) print(`  ${fitting} images are suitable for trials; ${pictures} were asked for`);
    if (blank) print(`  ${blank} visualisations are empty, because their map is blank`);
    if (flags.consent === undefined) print("  The text of consent names no contact; give your own with --consent.");
  } finally {
    bars[0]?.clear();
  }
}

async function paragraphs(file: string): Promise<string[]> {
  const text = new TextDecoder().decode(await readBytes(file, "text of consent"));
  const found = text
    .split(/\r?\n\s*\r?\n/)
    .map((part) => part.trim())
    .filter(Boolean);
  if (found.length === 0) throw new UserError("invalid-input", `invalid consent text: ${file} is empty`);
  return found;
}
