/** @file YAML that somebody else wrote: bounded before it is parsed, for aliases of aliases and deep nesting fill memory and stack. */
import { missingPackage, UserError } from "../../errors.ts";

const mostDepth = 64;
/** A line's indentation bounds the depth of blocks. */
const mostIndent = 256;
const mostAliases = 100;

/** @throws UserError `invalid-input` for what is not YAML, and for what is nested, or repeated by aliases, too much. */
export async function parseYaml(text: string, file: string): Promise<unknown> {
  const invalid = (what: string) => new UserError("invalid-input", `invalid ${file}: ${what}`);
  if (depthOf(text) > mostDepth || /^ {257}/m.test(text) || /^\s*(?:[-?:]\s+){65}/m.test(text))
    throw invalid(`nested too deeply; at most ${mostDepth} levels, and ${mostIndent} columns of indentation, are read`);
  if ((text.match(/(?:^|[\s,[{])\*[^\s,\]}]/gm) ?? []).length > mostAliases)
    throw invalid(`too many aliases; at most ${mostAliases} are read`);
  const { parse } = await loadYaml();
  try {
    return parse(text, { maxAliasCount: mostAliases, logLevel: "error" });
  } catch (cause) {
    throw invalid(`not YAML (${(cause as Error).message.split("\n")[0]})`);
  }
}

/** How deep brackets lie in each other; those within quotes count too, for they come in pairs, or few. */
function depthOf(text: string): number {
  let [depth, deepest] = [0, 0];
  for (const character of text) {
    if (character === "[" || character === "{") deepest = Math.max(deepest, ++depth);
    else if (character === "]" || character === "}") depth = Math.max(0, depth - 1);
  }
  return deepest;
}

async function loadYaml(): Promise<typeof import("yaml")> {
  try {
    return await import("yaml");
  } catch (cause) {
    throw missingPackage(["yaml"], "which reads data.yaml", cause);
  }
}
