/** @file HTML as template strings: what is put in is text, and escaped, unless it is HTML already. */

export class Html {
  constructor(readonly text: string) {}
}

type Part = Html | string | number | undefined | false | readonly Part[];

/** `html\`<p>${text}</p>\`` */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  return new Html(strings.reduce((all, piece, i) => all + written(parts[i - 1]) + piece));
}

/** What is HTML already, e.g. a drawing. */
export const raw = (text: string): Html => new Html(text);

function written(part: Part): string {
  if (part === undefined || part === false) return "";
  if (part instanceof Html) return part.text;
  if (Array.isArray(part)) return part.map(written).join("");
  return escapeHtml(String(part));
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** Text for an element or an attribute, of XML as well. */
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (c) => entities[c]);
