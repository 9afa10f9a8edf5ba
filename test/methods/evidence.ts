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
    if (/^(VariableDeclarator|FunctionDeclaration)$/.test(node.type) && nameOf(node.id))
      declared.set(nameOf(node.id), node);
    if (isTestCall(node)) cases.push(node);
    inside(node).forEach(look);
  };
  look(parseAst(readTest(file), { lang: "ts" }) as unknown as Tree);
  return cases.map((call) => {
    const texts = new Set<string>();
    let compares = false;
    const seen = new Set<Tree>();
    const gather = (node: Tree): void => {
      if (seen.has(node)) return;
      seen.add(node);
      const text = textOf(node);
      if (text !== undefined) texts.add(text);
      const name = nameOf(node);
      if (comparing.test(name)) compares = true;
      const declaration = declared.get(name);
      if (declaration) gather(declaration);
      inside(node).forEach(gather);
    };
    gather(call);
    const [first] = inside({ type: "", of: call.arguments });
    return { file, title: (first && textOf(first)) ?? "", texts, compares };
  });
}
