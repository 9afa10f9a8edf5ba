/** @file All that the command line prints: lines in which nothing but what is said here is obeyed by a terminal, and JSON. */
import { randomUUID } from "node:crypto";
import pc from "picocolors";
import { printable } from "../render/printable.ts";

/** Stands for the escape character in what we style ourselves; no name in a file can know it. */
const mark = randomUUID();

const style =
  (on: number, off: number) =>
  (text: string): string =>
    pc.isColorSupported ? `${mark}${on}m${text}${mark}${off}m` : text;

export const bold = style(1, 22);
export const dim = style(2, 22);
export const yellow = style(33, 39);

const line = (text: string): string => printable(text).replaceAll(mark, "\x1b[");

/** Prints lines; a line break within one is part of a name, and is shown as such. */
export function print(...lines: readonly string[]): void {
  for (const one of lines) console.log(line(one));
}

/** The same on standard error. */
export function printError(...lines: readonly string[]): void {
  for (const one of lines) console.error(line(one));
}

/** One line of JSON; what is escaped in it is in strings, whose value stays. */
export const printJson = (value: unknown): void => console.log(printable(JSON.stringify(value)));
