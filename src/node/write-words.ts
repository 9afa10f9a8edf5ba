/** @file The files of an explained sentence: a map and its overlay for each word, one sheet of them all, and a page to hover over. */
import path from "node:path";
import { encodeNpy } from "../array/npy.ts";
import type { Geometry } from "../image/geometry.ts";
import { insideOutside } from "../image/inside-outside.ts";
import type { Box, Point } from "../image/locate.ts";
import type { Picture } from "../image/picture.ts";
import { shrinkToFit } from "../image/resample.ts";
import { encodePng, rasterise } from "../image/sharp.ts";
import type { Warning } from "../read/decision.ts";
import type { ColormapName } from "../render/colormap.ts";
import { type PageWord, sentencePage } from "../render/sentence-page.ts";
import { type SheetCell, sheet } from "../render/sheet.ts";
import { view } from "../tasks/classify/figure.ts";
import type { Answered } from "../tasks/language/answering.ts";
import type { Captioned } from "../tasks/language/captioning.ts";
import { percent } from "../tasks/percent.ts";
import type { ByMethod, ReadMap } from "../tasks/raw-map.ts";
import { writeWhole } from "./files.ts";

export interface WriteWordsOptions {
  /** Every file is written here; names in the result are relative to it. */
  readonly directory: string;
  /** What every file name begins with; may hold folders. */
  readonly stem: string;
  readonly colormap: ColormapName;
  /** Below the sheet. */
  readonly caption: string;
  /** Where the things are that words name, in the picture's pixels: above 0 inside. */
  readonly masks?: Readonly<Record<string, ArrayLike<number>>>;
}

/** One map's files, and what is read off it. */
export interface WrittenMap {
  readonly method: string;
  readonly question: string;
  readonly map: { readonly file: string; readonly shape: readonly number[] };
  readonly overlay: string;
  readonly peak?: Point;
  readonly box?: Box;
  /** The mean inside the word's mask over that outside, where there is a mask. */
  readonly insideOutside?: number;
  readonly blank?: string;
  readonly warnings: readonly Warning[];
}

/** What a map is of, for its files and its place in the sheet. */
interface Drawn {
  readonly explanation: ReadMap & ByMethod & { readonly question: string };
  /** In file names. */
  readonly slug: string;
  readonly text: string;
  /** A number of it, in words. */
  readonly detail: string;
  readonly place: "whole" | "word" | "other";
}

export interface WrittenWords {
  readonly maps: readonly WrittenMap[];
  /** By method: a picture of all words, and a page. */
  readonly sheets: readonly { readonly method: string; readonly sheet: string; readonly page: string }[];
}

/** The names of all of them. */
export const filesOfWords = ({ maps, sheets }: WrittenWords): string[] => [
  ...maps.flatMap(({ map, overlay }) => [map.file, overlay]),
  ...sheets.flatMap(({ sheet, page }) => [sheet, page]),
];

/** Cells of a sheet are drawn at half of this. */
const cellPixels = 380;
const pagePixels = 900;

/** Writes the files of a captioned picture. */
export function writeCaptioned(captioned: Captioned, options: WriteWordsOptions): Promise<WrittenWords> {
  const { caption, instead, generated } = captioned;
  const drawn = captioned.explanations.map((one, i): Drawn => {
    const { kind, text, logProbability } = one;
    const slug = `${String(i).padStart(2, "0")}-${slugOf(kind === "word" || kind === "words" ? text : kind)}`;
    const own = text === caption.text;
    const contrast = own ? `not “${instead?.text}”` : `“${text}” instead`;
    const label = kind === "contrast" ? contrast : kind === "caption" ? "whole caption" : text;
    const difference = `${logProbability >= 0 ? "+" : "−"}${Math.abs(logProbability).toFixed(2)}`;
    const detail = kind === "contrast" ? `log-probability ${difference}` : probability(logProbability);
    const place = kind === "caption" ? "whole" : kind === "contrast" ? "other" : "word";
    return { explanation: one, slug, text: label, detail, place };
  });
  const said = `${generated ? "Generated" : "Given"}, log-probability ${caption.logProbability.toFixed(2)}`;
  const rather = instead && `Instead: “${instead.text}”, log-probability ${instead.logProbability.toFixed(2)}`;
  return write(
    captioned,
    drawn,
    { title: caption.text || "(nothing)", lines: [rather ? `${said}. ${rather}` : said] },
    options,
  );
}

/** Writes the files of an answered question. */
export function writeAnswered(answered: Answered, options: WriteWordsOptions): Promise<WrittenWords> {
  const chance = new Map(answered.predictions.map((p) => [p.class, p.probability ?? 0]));
  const drawn = answered.explanations.map((one): Drawn => {
    const { word, asked: slug, question: text } = one;
    const detail = word ? probability(word.logProbability) : `probability ${percent(chance.get(one.class) ?? 0)}`;
    return { explanation: one, slug, text, detail, place: "word" };
  });
  const answers = answered.predictions.slice(0, 5).map(({ label, probability: p }) => `${label} ${percent(p ?? 0)}`);
  // Several questions about a picture have files of their own.
  const stem = `${options.stem}.${slugOf(answered.question)}`;
  return write(answered, drawn, { title: answered.question, lines: [answers.join(", ")] }, { ...options, stem });
}

/** The probability of words: their product. */
const probability = (logProbability: number): string => {
  const p = Math.exp(logProbability);
  return p >= 0.001 ? `probability ${percent(p)}` : `log-probability ${logProbability.toFixed(2)}`;
};

const slugOf = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-|-$/g, "")
    .slice(0, 40) || "word";

async function write(
  { picture, geometry }: { readonly picture: Picture; readonly geometry: Geometry },
  drawn: readonly Drawn[],
  { title, lines }: { readonly title: string; readonly lines: readonly string[] },
  { directory, stem, colormap, caption, masks = {} }: WriteWordsOptions,
): Promise<WrittenWords> {
  const maps: WrittenMap[] = [];
  const titles = new Map(drawn.map(({ explanation }) => [explanation.method, explanation.methodTitle]));
  const cells = new Map<string, SheetCell[]>();
  const words = new Map<string, (PageWord & { readonly place: Drawn["place"] })[]>();
  for (const { explanation, slug, text, detail, place } of drawn) {
    const { method, question, map, onPicture, pixels, blank, peak, box, warnings } = explanation;
    const base = `${stem}.${method}.${slug}`;
    const seen = view({ onPicture, pixels, blank }, { picture, geometry }, { colormap });
    await writeWhole(path.join(directory, `${base}.npy`), encodeNpy(map.data, map.dims));
    await writeWhole(path.join(directory, `${base}.png`), await encodePng(seen));
    const mask = masks[text.toLowerCase()];
    maps.push({
      ...{ method, question, map: { file: `${base}.npy`, shape: map.dims }, overlay: `${base}.png`, peak, box },
      ...(mask && { insideOutside: insideOutside(onPicture, mask) }),
      ...{ blank, warnings },
    });
    const cell = blank ? { blank } : await encodePng(shrinkToFit(seen, cellPixels));
    cells.set(method, [...(cells.get(method) ?? []), { label: text, detail, cell }]);
    const large = blank ? undefined : await encodePng(shrinkToFit(seen, pagePixels));
    const said = blank ? `${detail}; ${blank}` : detail;
    words.set(method, [...(words.get(method) ?? []), { text, detail: said, picture: large, place }]);
  }
  const input = {
    label: "Input",
    detail: `${picture.width} × ${picture.height}`,
    cell: await encodePng(shrinkToFit(picture, cellPixels)),
  };
  const plain = await encodePng(shrinkToFit(picture, pagePixels));
  const sheets: { method: string; sheet: string; page: string }[] = [];
  for (const [method, own] of cells) {
    const names = { sheet: `${stem}.${method}.sheet.png`, page: `${stem}.${method}.html` };
    const below = `${titles.get(method)}. ${caption}`;
    const colorbar = { colormap, label: "fraction of each map's maximum", ticks: ["0", "0.5", "1"] };
    const svg = sheet({ title, lines, cells: [input, ...own], colorbar, caption: below });
    await writeWhole(path.join(directory, names.sheet), await rasterise(svg, { scale: 2 }));
    const all = words.get(method) ?? [];
    const whole = all.find(({ place }) => place === "whole") ?? { text: "picture", detail: "", picture: undefined };
    const page = sentencePage({
      ...{ title, lead: lines.join(" "), whole, input: plain, caption: below },
      words: all.filter(({ place }) => place === "word"),
      others: all.filter(({ place }) => place === "other"),
    });
    await writeWhole(path.join(directory, names.page), page);
    sheets.push({ method, ...names });
  }
  return { maps, sheets };
}
