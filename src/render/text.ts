/**
 * @file Text as SVG paths, so that a figure needs no font where it is opened and its layout can be measured here.
 */

import { glyphs } from "./glyphs.ts";
import { escapeHtml } from "./html.ts";

/** Where and how a line of text is drawn; lengths in units of the drawing. */
export interface TextStyle {
  /** The anchor's place, `y` on the baseline. */
  x: number;
  y: number;
  /** Type size, the em. */
  size: number;
  /** What of the line is at `x`; its start unless told. */
  anchor?: "start" | "middle" | "end";
  /** An SVG colour; near black unless told. */
  colour?: string;
  bold?: boolean;
}

interface Glyph {
  readonly advance: number;
  readonly path: string;
}

/** Units of the glyphs' coordinates to one em. */
export const EM = 320;
/** The stroke that makes the regular weight semi-bold, in glyph units, and the room that it takes. */
const BOLD_STROKE = 11;
/** A hollow box, for characters that the table lacks: visibly something, and not the wrong letter. */
const UNKNOWN: Glyph = { advance: 192, path: "m22 0v-224h147v224zm19-19h109v-186h-109z" };
const ELLIPSIS = "\u2026";

const table: ReadonlyMap<string, Glyph> = new Map(read());

function* read(): Iterable<readonly [string, Glyph]> {
  let place = 0;
  for (const [, code, advance, path] of glyphs.matchAll(/^(?:(\w+):)?(\d+)(.*)$/gm)) {
    place = code ? Number.parseInt(code, 16) : place + 1;
    yield [String.fromCodePoint(place), { advance: Number(advance), path }];
  }
}

/** One line of text as an SVG element; its characters stay readable to machines as its label. */
export function text(line: string, style: TextStyle): string {
  const { x, y, size, anchor = "start", colour = "#1a1a1a", bold = false } = style;
  const shift = { start: 0, middle: 0.5, end: 1 }[anchor] * measure(line, size, bold);
  let pen = bold ? BOLD_STROKE / 2 : 0;
  let path = "";
  for (const glyph of outlines(line)) {
    if (glyph.path) path += `M${pen} 0${glyph.path}`;
    pen += glyph.advance + (bold ? BOLD_STROKE / 2 : 0);
  }
  const stroke = bold ? ` stroke="${colour}" stroke-width="${BOLD_STROKE}"` : "";
  const place = `translate(${decimal(x - shift)} ${decimal(y)}) scale(${size / EM})`;
  return `<path role="img" aria-label="${escapeXml(line)}" fill="${colour}"${stroke} transform="${place}" d="${path}"/>`;
}

/** The width of a line of text, in the units of its size. */
export function measure(line: string, size: number, bold = false): number {
  const extra = bold ? BOLD_STROKE / 2 : 0;
  return (outlines(line).reduce((sum, { advance }) => sum + advance + extra, 0) * size) / EM;
}

/** Text broken at its spaces into at most `most` lines that are not wider than `width`; what is left over ends in an ellipsis. */
export function wrap(words: string, size: number, width: number, most: number, bold = false): string[] {
  const fits = (line: string) => measure(line, size, bold) <= width;
  const left = words.split(/\s+/).filter(Boolean);
  const lines: string[] = [];
  for (let at = 0; at < left.length; ) {
    // Only as many words are measured as fit, however long the text is.
    let line = left[at++];
    while (at < left.length && fits(`${line} ${left[at]}`)) line += ` ${left[at++]}`;
    if (lines.length + 1 >= most) {
      line = [line, ...left.slice(at)].join(" ");
      at = left.length;
    }
    lines.push(shorten(line, fits));
  }
  return lines;
}

/** The line, or as much of its beginning as fits with an ellipsis. */
function shorten(line: string, fits: (line: string) => boolean): string {
  if (fits(line)) return line;
  const characters = [...line];
  const beginning = (length: number) => characters.slice(0, length).join("");
  // Halved, for names out of files may be as long as somebody likes.
  let [fitting, beyond] = [0, characters.length];
  while (beyond - fitting > 1) {
    const middle = (fitting + beyond) >> 1;
    if (fits(beginning(middle) + ELLIPSIS)) fitting = middle;
    else beyond = middle;
  }
  return beginning(fitting).trimEnd() + ELLIPSIS;
}

/** Text for an XML attribute or element; control characters and halves of surrogates, which XML forbids, become the replacement character. */
export const escapeXml = (raw: string): string => escapeHtml(raw).replace(/[\p{Cc}\p{Cs}\ufffe\uffff]/gu, "\ufffd");

/** Whether most of a line's characters have a glyph here; what is written in other scripts has none. */
export function isLegible(line: string): boolean {
  const all = outlines(line.replace(/\s/g, ""));
  return all.filter((glyph) => glyph !== UNKNOWN).length * 2 > all.length;
}

/** A number with at most two decimals: finer than any screen. */
export function decimal(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** The glyphs of a line; composed first, so that an accent written as a character of its own finds its own. */
export function outlines(line: string): Glyph[] {
  return [...line.normalize("NFC")].map((character) => table.get(character) ?? UNKNOWN);
}
