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
    .description("make a study of a dataset and one or two models")
    .argument("<dataset>", "a directory or an address: ImageNet folders, PASCAL VOC, COCO, or a manifest.csv")
    .addOption(new Option("--kind <name>", "what people are asked").choices([...kindNames]).makeOptionMandatory())
    .requiredOption("--out <file>", "the study, one file that also keeps the answers")
    .option("--model <file|dir>", "a model; trust takes two (default: the bundled EfficientNet-Lite0)", several)
    .option("--format <name>", "the dataset's layout (default: recognised)")
    .option("--pictures <count>", "pictures for trials", whole, 45)
    .option("--ratings <count>", "people who judge an item", whole, 9)
    .option("--trials <count>", "questions to a participant, at most one a picture", whole, 40)
    .option("--consent <file>", "your text of consent; empty lines part paragraphs")
    .option("--seed <number>", "of everything that is drawn", seedNumber, 0);
  const compared = "what is compared; may be repeated; none is the control of a prediction study";
  withMethods(withReading(design), compared, ["none"]).action(makeDesign);
}

async function makeDesign(dataset: string, flags: DesignFlags): Promise<void> {
  const { out } = flags;
  if (await exists(out)) throw new UserError("cannot-write", `cannot write ${out}: it exists; a study is not replaced`);
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
    print(`${bold(out)}: ${kind}, ${items.length} items of ${new Set(items.map((i) => i.picture)).size} pictures`);
    for (const { name, accuracy } of study.models)
      print(`  ${name}${accuracy ? `: ${accuracy.right} of ${accuracy.of} named right` : ""}`);
    print(`  conditions: ${study.conditions.join(", ")}`);
    const people = Math.ceil((items.length * ratings) / study.trials);
    print(`  ${ratings} ratings an item: ${people} participants of ${study.trials} questions, or a few more`);
    const fitting = new Set(items.map((item) => item.picture)).size;
    if (fitting < pictures) print(`  ${fitting} pictures for trials fit, ${pictures} were asked for`);
    if (blank) print(`  ${blank} visualisations show nothing, as their map is blank`);
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
  if (found.length === 0) throw new UserError("invalid-input", `invalid text of consent: ${file} is empty`);
  return found;
}
