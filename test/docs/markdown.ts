/** @file What the tests of the documents read in them: where the documents are, their links, and the anchors of their headings. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = fileURLToPath(new URL("../..", import.meta.url));

export const read = (file: string): string => readFileSync(path.join(root, file), "utf8");

/** The documents by their path in the repository. */
export function documents(): string[] {
  const within = ["docs", "examples", "bench", "models"].flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" }).map((name) => `${folder}/${name}`),
  );
  const files = [...readdirSync(root), ...within]
    .map((name) => name.split(path.sep).join("/"))
    .filter((name) => !name.includes("node_modules/"));
  return files.filter((name) => name.endsWith(".md")).sort();
}

/** The text without code, which may hold what looks like a link or a heading. */
const prose = (markdown: string): string => markdown.replace(/^(```|~~~).*?^\1.*?$/gms, "").replace(/`[^`\n]*`/g, "");

/** Targets of links and pictures, as written. */
export function links(markdown: string): string[] {
  const inline = [...prose(markdown).matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g)];
  const references = [...prose(markdown).matchAll(/^\[[^\]]+\]:\s*(\S+)/gm)];
  const html = [...prose(markdown).matchAll(/\b(?:src|href)="([^"]+)"/g)];
  return [...inline, ...references, ...html].map(([, target]) => target);
}

/** The anchors that GitHub gives the headings; a repeated one gets a number. */
export function anchors(markdown: string): string[] {
  const given = new Map<string, number>();
  const headings = markdown.replace(/^(```|~~~).*?^\1.*?$/gms, "").matchAll(/^#{1,6}\s+(.+?)\s*#*$/gm);
  return [...headings].map(([, heading]) => {
    const words = heading.replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
    const anchor = words.replace(/[^\p{L}\p{N}\s_-]/gu, "").replaceAll(" ", "-");
    const before = given.get(anchor) ?? 0;
    given.set(anchor, before + 1);
    return before ? `${anchor}-${before}` : anchor;
  });
}

/** Why a link of a document leads nowhere; undefined for one that is right, or that leaves the repository. */
export function broken(document: string, target: string): string | undefined {
  if (/^[a-z][a-z+.-]*:/i.test(target)) return undefined;
  const [file, anchor] = decodeURI(target).split("#");
  const place = file ? path.posix.join(path.posix.dirname(document), file) : document;
  if (!existsSync(path.join(root, place))) return `${document}: ${target}: there is no ${place}`;
  if (anchor === undefined || !place.endsWith(".md")) return undefined;
  const known = anchors(read(place));
  return known.includes(anchor)
    ? undefined
    : `${document}: ${target}: ${place} has no #${anchor}, but ${known.join(" ")}`;
}

const number = /-?\d+(?:\.\d+)?/g;

/** The text of an output with its numbers left out, and the numbers: machines differ in the last digits of float32. */
export const wordsOf = (output: string): string => output.replace(number, "#");
export const numbersOf = (output: string): number[] => (output.match(number) ?? []).map(Number);

/** The code block of a document that reads like an output but for its numbers. */
export function blockLike(output: string, document: string): string | undefined {
  const blocks = [...read(document).matchAll(/^```\w*\n(.*?)^```/gms)].map(([, block]) =>
    block.replace(/^\$ .*\n/, ""),
  );
  return blocks.find((block) => wordsOf(block) === wordsOf(output));
}
