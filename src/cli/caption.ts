/** @file `gradcam caption`: pictures in; a sentence, and where each of its words came from, out. */
import path from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import { listing, UserError } from "../errors.ts";
import { decode } from "../image/sharp.ts";
import { type LoadedCaptioner, loadCaptioner } from "../node/load-captioner.ts";
import { filesOfWords, type WrittenMap, type WrittenWords, writeCaptioned } from "../node/write-words.ts";
import type { Captioned, Sentence, WordExplanation } from "../tasks/language/captioning.ts";
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
import { contentsOf, type Settings } from "./output-folder.ts";
import { printWarnings } from "./report.ts";
import type { SampleFile } from "./samples.ts";
import { bold, print, printJson } from "./terminal.ts";

interface CaptionFlags extends ModelFlags, DrawingFlags {
  readonly caption?: string;
  readonly instead?: string;
  readonly word?: string[];
  readonly beams?: number;
  readonly counterfactual?: boolean;
  readonly mask?: Readonly<Record<string, string>>;
}

const examples = `
Examples:
  gradcam scenes 5                                          draws scene-5.png, a scene for the bundled model
  gradcam caption scene-5.png                               the model's caption, and a map for each word
  gradcam caption scene-5.png --word "blue star"            one word, or several consecutive ones
  gradcam caption scene-5.png --caption "a yellow cross"    explains this caption instead of the model's own
  gradcam caption scene-5.png --instead "a yellow cross"    why the model's caption rather than this one
  gradcam caption photos/ --model vit-gpt2/ --beams 4 --json > captions.jsonl`;

export function defineCaption(program: Command): void {
  const model =
    "directory with captioner.json, or in the layout of transformers.js (default: the bundled captioner for scenes)";
  withDrawing(
    withMethods(withPictureReading(program.command("caption").option("--model <dir>", model)))
      .description("caption an image, and explain each word")
      .argument("<image...>", "images, or directories of images")
      .option("--caption <text>", "caption to explain (default: the model's own)")
      .option("--instead <text>", "contrast the caption with this one, both ways")
      .option(
        "--word <words>",
        "word to explain, or several consecutive ones; repeatable (default: every word)",
        several,
      )
      .option("--beams <count>", "beam width (default: from the model's files)", whole)
      .option("--counterfactual", "show the evidence against the words (counterfactual)")
      .addOption(dtypeOption())
      .option("--mask <word=file>", "mask of the word's object: an image that is black elsewhere; repeatable", mask),
  )
    .addHelpText("after", examples)
    .action(caption);
}

function mask(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = text.indexOf("=");
  if (at <= 0 || at === text.length - 1) throw new InvalidArgumentError("Expected WORD=FILE.");
  return { ...before, [text.slice(0, at).trim().toLowerCase()]: text.slice(at + 1) };
}

async function caption(images: string[], flags: CaptionFlags): Promise<void> {
  const options = { ...loadOptions(flags), maxPixels: flags.maxPixels };
  const contents = await contentsOf(Object.values(flags.mask ?? {}));
  await eachPicture(
    images,
    flags,
    async () => sayPrecision(await loadCaptioner(flags.model, options)),
    (model) => ({
      settings: { ...settingsOf(model, flags), contents },
      manifest: true,
      together: 1,
      one: (picture, signal, onProgress) => captionOne(model, picture, flags, signal, onProgress),
      files: ({ explanations, sheets }) => filesOfWords({ maps: explanations, sheets }),
      report: (result) => report(result, flags),
    }),
  );
}

/** What `--json` prints, a line each. File names are relative to `--out`. */
interface CaptionResult {
  readonly image: string;
  readonly model: { readonly name: string; readonly sha256: string; readonly files: readonly string[] };
  readonly layer: string | null;
  readonly caption: Sentence & { readonly generated: boolean };
  readonly instead?: Sentence;
  readonly explanations: readonly (Pick<WordExplanation, "kind" | "text" | "tokens" | "logProbability"> & WrittenMap)[];
  readonly sheets: WrittenWords["sheets"];
}

async function captionOne(
  model: LoadedCaptioner,
  { file, stem }: SampleFile,
  flags: CaptionFlags,
  signal: AbortSignal,
  onProgress: (part: number) => void,
): Promise<CaptionResult> {
  const { word: words, method, option, beams, instead, counterfactual, colormap, out } = flags;
  const options = {
    ...{ caption: flags.caption, instead, words, beams, counterfactual },
    ...{ method, options: option, signal, onProgress },
  };
  const captioned = await model.explain(file, options);
  const { name } = model.captioner;
  const layer = captioned.explanations.find((one) => one.layer)?.layer ?? null;
  const below = [`Model ${name}`, layer && `layer ${layer}`].filter(Boolean).join(", ");
  const masks = await readMasks(flags.mask ?? {}, captioned);
  const { maps, sheets } = await writeCaptioned(captioned, { directory: out, stem, colormap, caption: below, masks });
  const explanations = captioned.explanations.map(({ kind, text, tokens, logProbability }, i) => ({
    ...{ kind, text, tokens, logProbability },
    ...maps[i],
  }));
  const caption = { ...captioned.caption, generated: captioned.generated };
  return {
    image: file,
    model: { name, sha256: model.sha256, files: model.files },
    layer,
    caption,
    instead: captioned.instead,
    explanations,
    sheets,
  };
}

/** Masks in the picture's pixels: above 0 where theirs is not black. */
async function readMasks(
  files: Readonly<Record<string, string>>,
  { picture, explanations }: Captioned,
): Promise<Record<string, Uint8Array>> {
  const masks: Record<string, Uint8Array> = {};
  const words = explanations
    .filter(({ kind }) => kind === "word" || kind === "words")
    .map(({ text }) => text.toLowerCase());
  const other = Object.keys(files).find((word) => !words.includes(word));
  if (other !== undefined)
    throw new UserError(
      "unknown-name",
      `unknown word in --mask: "${other}"; the explained words are ${listing(new Set(words), 40)}`,
    );
  for (const [word, file] of Object.entries(files)) {
    const { width, height, data } = await decode(file);
    if (width !== picture.width || height !== picture.height)
      throw new UserError(
        "invalid-input",
        `invalid mask: ${file} is ${width} x ${height}; the image is ${picture.width} x ${picture.height}`,
      );
    masks[word] = Uint8Array.from({ length: width * height }, (_, i) => Math.max(...data.subarray(3 * i, 3 * i + 3)));
  }
  return masks;
}

function report(result: CaptionResult, { json, out }: CaptionFlags): void {
  if (json) {
    printJson(result);
    return;
  }
  print(`${bold(result.image)}: ${result.caption.text || "(nothing)"}`);
  const width = Math.max(...result.explanations.map(({ question }) => question.length));
  for (const { question, kind, logProbability, peak, blank, insideOutside } of result.explanations) {
    const number = kind === "contrast" ? logProbability.toFixed(2) : `${(100 * Math.exp(logProbability)).toFixed(1)} %`;
    const where = blank ? `blank, ${blank}` : peak && `peak at ${Math.round(peak.x)}, ${Math.round(peak.y)}`;
    const ratio = insideOutside === undefined ? "" : `, inside/outside ${insideOutside.toFixed(2)}`;
    print(`  ${question.padEnd(width)} ${number.padStart(8)}  ${where}${ratio}`);
  }
  for (const { method, sheet, page } of result.sheets)
    print(`  ${method}: ${path.join(out, sheet)}, ${path.join(out, page)}`);
  printWarnings(result.explanations);
}

/** Everything that is needed to make the same maps again. */
function settingsOf(model: LoadedCaptioner, flags: CaptionFlags): Settings {
  const { name, preprocess } = model.captioner;
  return {
    ...madeBy(model, name, flags),
    preprocess,
    ...{ caption: flags.caption ?? null, instead: flags.instead ?? null, words: flags.word ?? null },
    ...{ beams: flags.beams ?? null, counterfactual: flags.counterfactual ?? false, masks: flags.mask ?? {} },
    layer: flags.layer ?? null,
    ...drawnBy(flags),
  };
}
