/** @file What test files themselves say of methods: read from their code, so that no list can promise a case that there is not. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseAst } from "vite";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Files below test/ whose path matches. */
export const testFiles = (pattern: RegExp): string[] =>
  readdirSync(root, { recursive: true, encoding: "utf8" })
    .map((file) => file.replaceAll(path.sep, "/"))
    .filter((file) => pattern.test(file))
    .sort();

const readTest = (file: string): string => readFileSync(path.join(root, file), "utf8");

/** A call of `test` in a file: its title, the texts in it and in what it names of the file, and whether it compares anything. */
export interface TestCase {
  readonly file: string;
  readonly title: string;
  readonly texts: ReadonlySet<string>;
  readonly compares: boolean;
}

/** A node of ESTree, as far as it is looked at. */
interface Tree {
  readonly type: string;
  readonly [key: string]: unknown;
}
const isTree = (value: unknown): value is Tree => typeof (value as Tree | null)?.type === "string";
const inside = (node: Tree): Tree[] => Object.values(node).flat().filter(isTree);
const nameOf = (node: unknown): string => (isTree(node) && node.type === "Identifier" ? String(node.name) : "");

/** `test(...)`, and `test.each(rows)(...)`. */
function isTestCall({ type, callee }: Tree): boolean {
  if (type !== "CallExpression" || !isTree(callee)) return false;
  if (callee.type !== "CallExpression") return nameOf(callee) === "test";
  const each = callee.callee;
  return isTree(each) && each.type === "MemberExpression" && nameOf(each.object) === "test";
}

/** Names that a declaration gives, one by one of what is taken apart. */
const namesOf = (id: unknown): string[] =>
  nameOf(id) ? [nameOf(id)] : isTree(id) && /Pattern|Property|Element/.test(id.type) ? inside(id).flatMap(namesOf) : [];

/** Keys of an object, of those in it too: the first word, which is a method's. */
function keysOf(value: unknown): string[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => [key.split(" ")[0] ?? key, ...keysOf(inner)]);
}

/** A text without parts. */
function textOf(node: Tree): string | undefined {
  if (node.type === "Literal" && typeof node.value === "string") return node.value;
  return undefined;
}

/** Names that a case compares numbers by. */
const comparing = /^(toEqual|toBe|toBeCloseTo|toBeLessThan|toMatchObject|expectClose|close)$/;

/** The cases of a file. */
export function casesOf(file: string): TestCase[] {
  const declared = new Map<string, Tree>();
  const cases: Tree[] = [];
  const look = (node: Tree): void => {
    if (/^(VariableDeclarator|FunctionDeclaration)$/.test(node.type))
      for (const name of namesOf(node.id)) declared.set(name, node);
    if (isTestCall(node)) cases.push(node);
    inside(node).forEach(look);
  };
  look(parseAst(readTest(file), { lang: "ts" }) as unknown as Tree);
  return cases.map((call) => {
    const texts = new Set<string>();
    const names = new Set<string>();
    let compares = false;
    const seen = new Set<Tree>();
    const gather = (node: Tree): void => {
      if (seen.has(node)) return;
      seen.add(node);
      const text = textOf(node);
      if (text !== undefined) texts.add(text);
      const name = nameOf(node);
      names.add(name);
      if (comparing.test(name)) compares = true;
      const declaration = declared.get(name);
      if (declaration) gather(declaration);
      inside(node).forEach(gather);
    };
    gather(call);
    const [first] = inside({ type: "", of: call.arguments });
    const title = (first && textOf(first)) ?? "";
    texts.add(title.split(":")[0] ?? "");
    // A case for each key of a file of numbers.
    const keyed = title === "%s" && names.has("keys");
    for (const json of keyed ? [...texts].filter((text) => text.endsWith(".json")) : [])
      for (const key of keysOf(JSON.parse(readTest(`${path.posix.dirname(file)}/${json}`)))) texts.add(key);
    return { file, title, texts, compares };
  });
}
