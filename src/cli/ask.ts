/** @file `gradcam ask`: a picture and a question in; answers, and where they came from, out. */
import path from "node:path";
import { type Command, Option } from "commander";
import { type LoadedAnswerer, loadAnswerer } from "../node/load-answerer.ts";
import { filesOfWords, type WrittenMap, type WrittenWords, writeAnswered } from "../node/write-words.ts";
import type { AnswerExplanation, AnswerPrediction } from "../tasks/language/answering.ts";
import { percent } from "../tasks/percent.ts";
import { eachPicture } from "./each-sample.ts";
import { drawnBy, madeBy } from "./manifest.ts";
import {
  type DrawingFlags,
  dtypeOption,
  loadOptions,
  type ModelFlags,
  sayPrecision,
  several,
  whole,
  withDrawing,
  withMethods,
  withPictureReading,
} from "./options.ts";
import type { Settings } from "./output-folder.ts";
import { printWarnings } from "./report.ts";
import type { SampleFile } from "./samples.ts";
import { bold, print, printJson } from "./terminal.ts";

interface AskFlags extends ModelFlags, DrawingFlags {
  readonly answers?: string[];
  readonly beams?: number;
  readonly against?: string;
  readonly counterfactual?: boolean;
}

const examples = `
Examples:
  gradcam scenes 5                                                        draws scene-5.png, a scene for the bundled model
  gradcam ask scene-5.png "what colour is the cross?"                     the top answer, and its map
  gradcam ask scene-5.png "what colour is the cross?" --answers top3      the top 3 answers, side by side
  gradcam ask scene-5.png "what colour is the cross?" --answers yellow --against blue
  gradcam ask photo.jpg "how many dogs are there?" --model blip-vqa/      a generated answer, as a whole and word by word
  gradcam ask photos/ "is there a star?" --model vilt/ --json > answers.jsonl`;

export function defineAsk(program: Command): void {
  const model =
    "directory with the ONNX files of a VQA model and tokenizer.json (default: the bundled VQA model for scenes)";
  withDrawing(
    withMethods(withPictureReading(program.command("ask").option("--model <dir>", model)))
      .description("answer a question about an image, and explain the answer")
      .argument("<image>", "an image, or a directory of images")
      .argument("<question>", "the question")
      .option("--answers <name|index|topN>", "answer to explain; repeatable (default: the top-1 answer)", several)
      .option("--beams <count>", "beam width, for a model that generates its answers", whole)
      .addOption(
        new Option(
          "--against <name|index>",
          "answer to contrast with: why the explained answer rather than this one",
        ).conflicts("counterfactual"),
      )
      .option("--counterfactual", "show the evidence against the answer (counterfactual)")
      .addOption(dtypeOption()),
  )
    .addHelpText("after", examples)
    .action(ask);
}

async function ask(image: string, question: string, flags: AskFlags): Promise<void> {
  const options = { ...loadOptions(flags), maxPixels: flags.maxPixels };
  await eachPicture(
    [image],
    flags,
    async () => sayPrecision(await loadAnswerer(flags.model, options)),
    (model) => ({
      settings: settingsOf(model, question, flags),
      manifest: true,
      together: 1,
      one: (picture, signal, onProgress) => askOne(model, picture, question, flags, signal, onProgress),
      files: ({ explanations, sheets }) => filesOfWords({ maps: explanations, sheets }),
      report: (result) => report(result, flags),
    }),
  );
}

/** What `--json` prints, a line each. File names are relative to `--out`. */
interface AskResult {
  readonly image: string;
  readonly question: string;
  readonly model: { readonly name: string; readonly sha256: string; readonly files: readonly string[] };
  readonly layer: string | null;
  readonly answers: readonly AnswerPrediction[];
  readonly explanations: readonly (Pick<AnswerExplanation, "class" | "label" | "word"> & WrittenMap)[];
  readonly sheets: WrittenWords["sheets"];
}

async function askOne(
  model: LoadedAnswerer,
  { file, stem }: SampleFile,
  question: string,
  flags: AskFlags,
  signal: AbortSignal,
  onProgress: (part: number) => void,
): Promise<AskResult> {
  const { answers, beams, method, option, against, counterfactual, colormap, out } = flags;
  const options = { answers, beams, method, options: option, against, counterfactual, signal, onProgress };
  const answered = await model.ask(file, question, options);
  const { name } = model.answerer;
  const layer = answered.explanations.find((one) => one.layer)?.layer ?? null;
  const caption = [`Model ${name}`, layer && `layer ${layer}`].filter(Boolean).join(", ");
  const { maps, sheets } = await writeAnswered(answered, { directory: out, stem, colormap, caption });
  const explanations = answered.explanations.map(({ class: index, label, word }, i) => ({
    ...{ class: index, label, word },
    ...maps[i],
  }));
  return {
    ...{ image: file, question: answered.question, model: { name, sha256: model.sha256, files: model.files }, layer },
    ...{ answers: answered.predictions, explanations, sheets },
  };
}

function report(result: AskResult, { json, out }: AskFlags): void {
  if (json) {
    printJson(result);
    return;
  }
  const explained = new Set(result.explanations.map((e) => e.class));
  print(`${bold(result.image)}: ${result.question}`);
  for (const { class: index, label, score, probability } of result.answers) {
    const chance = probability === null ? "" : percent(probability);
    const line = `  ${label.padEnd(28)} ${score.toFixed(2).padStart(7)} ${chance.padStart(8)}`;
    print(explained.has(index) ? bold(line) : line);
  }
  for (const { method, question, blank } of result.explanations)
    if (blank) print(`  ${method}, ${question}: blank, ${blank}`);
  for (const { method, sheet, page } of result.sheets)
    print(`  ${method}: ${path.join(out, sheet)}, ${path.join(out, page)}`);
  printWarnings(result.explanations);
}

/** Everything that is needed to make the same maps again. */
function settingsOf(model: LoadedAnswerer, question: string, flags: AskFlags): Settings {
  const { name, preprocess } = model.answerer;
  return {
    ...madeBy(model, name, flags),
    preprocess,
    question,
    ...{
      answers: flags.answers ?? ["top1"],
      beams: flags.beams ?? null,
      against: flags.against ?? null,
      counterfactual: flags.counterfactual ?? false,
    },
    layer: flags.layer ?? null,
    ...drawnBy(flags),
  };
}
