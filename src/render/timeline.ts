/**
 * @file A signal and its maps as one SVG file: the waveform above, a strip of colours for each map below it, one time axis for all.
 */

import type { Signal } from "../signal/signal.ts";
import { type ColormapName, colormap } from "./colormap.ts";
import { BAR_HEIGHT, drawColorbar, MUTED, page } from "./figure.ts";
import { overMaximum } from "./normalise.ts";
import { CELL_WIDTH } from "./panel.ts";
import { decimal, text, wrap } from "./text.ts";
import { ticks } from "./ticks.ts";

/** A map over the signal's samples, or in its place a few words why there is none. */
export interface Track {
  readonly label: string;
  /** Below the label, a line each. */
  readonly detail: readonly string[];
  readonly map: Float32Array | { readonly blank: string };
}

export interface Timeline {
  readonly signal: Signal;
  readonly tracks: readonly Track[];
  readonly colormap: ColormapName;
  readonly caption?: string;
}

const MARGIN = 20;
const GUTTER = 16;
const LABEL_WIDTH = 168;
const PLOT = 760;
const WAVE_HEIGHT = 150;
const STRIP_HEIGHT = 64;
/** Columns of a strip and of the waveform's envelope. */
const COLUMNS = PLOT;
const TYPE = { label: 14, detail: 12, axis: 11 };
const LINE = 1.35;
const WAVE = "#31456a";
const GRID = "#e3e3e3";

/** The figure as SVG; `width` and `height` in its root element are CSS pixels. */
export function timeline({ signal, tracks, colormap: name, caption }: Timeline): string {
  const left = MARGIN + LABEL_WIDTH + GUTTER;
  const { length } = signal.channels[0];
  const duration = length / (signal.rate ?? 1);
  const parts: string[] = [];
  const strips = tracks.map((_, i) => MARGIN + WAVE_HEIGHT + GUTTER + i * (STRIP_HEIGHT + GUTTER));
  const axis = MARGIN + WAVE_HEIGHT + GUTTER + tracks.length * (STRIP_HEIGHT + GUTTER) - GUTTER;
  const marks = ticks(0, duration, 9);
  const x = (t: number) => left + (t / duration) * PLOT;

  for (const { at } of marks) parts.push(`<path d="M${decimal(x(at))} ${MARGIN}V${axis + 5}" stroke="${GRID}"/>`);
  parts.push(...wave(signal, left));
  const details = [
    signal.rate ? `${decimal(duration)} s at ${signal.rate} Hz` : `${length} samples`,
    ...(signal.channels.length > 1 ? [`${signal.channels.length} channels`] : []),
  ];
  parts.push(...words("Signal", details, MARGIN + WAVE_HEIGHT / 2));
  tracks.forEach(({ label, detail, map }, i) => {
    const y = strips[i];
    parts.push(...words(label, detail, y + STRIP_HEIGHT / 2));
    parts.push(...("blank" in map ? nothing(map.blank, left, y) : strip(map, name, left, y)));
  });
  for (const { at, text: words } of marks)
    parts.push(text(words, { x: x(at), y: axis + 19, size: TYPE.axis, anchor: "middle", colour: MUTED }));
  const unit = signal.rate ? "time in seconds" : "time in samples";
  parts.push(text(unit, { x: left + PLOT / 2, y: axis + 37, size: TYPE.detail, anchor: "middle", colour: MUTED }));

  const footer = axis + 54;
  const lines = wrap(caption ?? "", TYPE.detail, LABEL_WIDTH + PLOT - CELL_WIDTH, 2);
  parts.push(...column(lines, MARGIN, footer + TYPE.detail));
  const bar = { colormap: name, label: "fraction of each map's maximum", ticks: ["0", "0.5", "1"] };
  parts.push(drawColorbar(bar, left + PLOT - CELL_WIDTH, footer));
  const [width, height] = [left + PLOT + MARGIN, Math.ceil(footer + BAR_HEIGHT + 32 + MARGIN / 2)];
  return page(tracks.map(({ label }) => label).join(", "), width, height, parts);
}

/** The least and the largest sample of each column, and the amplitude's axis. */
function wave({ channels }: Signal, left: number): string[] {
  const most = channels.reduce((all, channel) => channel.reduce((m, v) => Math.max(m, Math.abs(v)), all), 0) || 1;
  const middle = MARGIN + WAVE_HEIGHT / 2;
  const y = (value: number) => decimal(middle - (value / most) * (WAVE_HEIGHT / 2 - 4));
  const { length } = channels[0];
  const [above, below]: [string[], string[]] = [[], []];
  for (let c = 0; c < COLUMNS; c++) {
    const from = Math.min(length - 1, Math.floor((c * length) / COLUMNS));
    const to = Math.max(from + 1, Math.floor(((c + 1) * length) / COLUMNS));
    let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const channel of channels)
      for (let i = from; i < to; i++) [low, high] = [Math.min(low, channel[i]), Math.max(high, channel[i])];
    above.push(`${left + c} ${y(high)}`);
    below.unshift(`${left + c} ${y(low)}`);
  }
  const axis = { x: left - 6, size: TYPE.axis, anchor: "end", colour: MUTED } as const;
  return [
    `<rect x="${left}" y="${MARGIN}" width="${PLOT}" height="${WAVE_HEIGHT}" fill="none" stroke="${GRID}"/>`,
    `<path d="M${left} ${middle}h${PLOT}" stroke="${GRID}"/>`,
    `<path d="M${[...above, ...below].join("L")}Z" fill="${WAVE}" stroke="${WAVE}" stroke-width="0.75" stroke-linejoin="round"/>`,
    ...[most, 0, -most].map((value) =>
      text(value === 0 ? "0" : Number(value.toPrecision(2)).toString(), { ...axis, y: Number(y(value)) + 4 }),
    ),
  ];
}

/** A map's colours, a rectangle for each run of columns of one colour, and a triangle at its maximum. */
function strip(map: Float32Array, name: ColormapName, left: number, y: number): string[] {
  const colours = colormap(name);
  const data = overMaximum(map);
  const steps = Array.from({ length: COLUMNS }, (_, c) => {
    const [from, to] = [(c * data.length) / COLUMNS, ((c + 1) * data.length) / COLUMNS].map(Math.floor);
    return Math.round(255 * data.subarray(from, Math.max(to, from + 1)).reduce((a, b) => Math.max(a, b), 0));
  });
  const parts: string[] = [];
  for (let c = 0; c < COLUMNS; ) {
    let end = c + 1;
    while (end < COLUMNS && steps[end] === steps[c]) end++;
    const colour = colours.subarray(steps[c] * 3, steps[c] * 3 + 3).join();
    // Half a unit wider, so that no seam shows between neighbours.
    parts.push(
      `<rect x="${left + c}" y="${y}" width="${Math.min(end - c + 0.5, COLUMNS - c)}" height="${STRIP_HEIGHT}" fill="rgb(${colour})"/>`,
    );
    c = end;
  }
  const most = data.indexOf(1);
  const at = left + ((most + 0.5) / data.length) * COLUMNS;
  if (most >= 0) parts.push(`<path d="M${decimal(at)} ${y - 1}l-5 -8h10z" fill="${WAVE}"/>`);
  return parts;
}

function nothing(why: string, left: number, y: number): string[] {
  const lines = wrap(why, TYPE.detail, PLOT - 2 * GUTTER, 2);
  return [
    `<rect x="${left}" y="${y}" width="${PLOT}" height="${STRIP_HEIGHT}" fill="#f4f4f4"/>`,
    ...column(lines, left + GUTTER, y + STRIP_HEIGHT / 2 + TYPE.detail * 0.35),
  ];
}

/** A track's label and details, centred on its middle. */
function words(label: string, details: readonly string[], middle: number): string[] {
  const names = wrap(label, TYPE.label, LABEL_WIDTH - 24, 2, true);
  const lines = details.flatMap((line) => wrap(line, TYPE.detail, LABEL_WIDTH - 24, 1));
  const top = middle - (names.length * TYPE.label + lines.length * TYPE.detail) * LINE * 0.5;
  const bold = names.map((line, i) =>
    text(line, { x: MARGIN, y: top + TYPE.label + i * TYPE.label * LINE, size: TYPE.label, bold: true }),
  );
  return [...bold, ...column(lines, MARGIN, top + TYPE.label + names.length * TYPE.label * LINE)];
}

const column = (lines: readonly string[], x: number, y: number): string[] =>
  lines.map((line, i) => text(line, { x, y: y + i * TYPE.detail * LINE, size: TYPE.detail, colour: MUTED }));
