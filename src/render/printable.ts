/**
 * @file Text that a terminal shows and does not obey. Names come out of models, labels and files, which somebody else wrote: they may hold
 * ANSI and OSC sequences, carriage returns, or characters that turn the direction of writing (Trojan Source, https://arxiv.org/abs/2111.00169).
 */

/** Control and format characters, separators of lines, halves of surrogates; the joiners of scripts and emoji are text. */
const commands = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;

/** The text with such characters as JSON writes them, so that it stays on one line and JSON stays what it is. */
export const printable = (text: string): string => text.replace(commands, escaped);

function escaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, i) => character.charCodeAt(i));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
}
