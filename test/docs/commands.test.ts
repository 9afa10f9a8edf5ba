/** @file Every command line in the documents is one that `gradcam` takes: its command, its options, and all that it must be given. */
import type { Command } from "commander";
import { describe, expect, test } from "vitest";
import { defineProgram } from "../../src/cli/main.ts";
import { documents, read } from "./markdown.ts";

/** The lines of a document's blocks of code that call gradcam, continued lines joined, without what the shell does with them. */
function calls(document: string): string[] {
  const blocks = [...read(document).matchAll(/^```(?:sh|bash|console)\n(.*?)^```/gms)].map(([, block]) => block);
  const lines = blocks.flatMap((block) => block.replaceAll(/\\\n\s*/g, " ").split("\n"));
  return lines.flatMap((line) => /^\s*(?:\$ )?(?:\w+=\S+ )*(?:npx )?gradcam\s+(.*)$/.exec(line)?.[1] ?? []);
}

/** As a shell splits them; what is behind a comment, a pipe or a redirection is not gradcam's. */
function wordsOf(line: string): string[] {
  const words = [...line.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)].map(([word]) => word);
  const end = words.findIndex((word) => /^(#|\||>|2>|&|;)/.test(word));
  return words.slice(0, end < 0 ? words.length : end).map((word) => word.replaceAll(/["']/g, ""));
}

/** The program with commands that do nothing. */
function idle(): Command {
  const program = defineProgram();
  const still = (command: Command) => {
    if (command.commands.length === 0) command.action(() => {});
    command.commands.forEach(still);
  };
  still(program);
  return program.configureOutput({ writeOut: () => {}, writeErr: () => {} });
}

const all = documents().flatMap((document) => calls(document).map((line) => [document, line] as const));

test("the documents show how gradcam is called", () => {
  expect(all.length).toBeGreaterThan(50);
  expect(new Set(all.map(([, line]) => line.split(" ")[0])).size).toBeGreaterThanOrEqual(9);
});

describe("is a command", () => {
  test.each(all)("%s: %s", (_, line) => {
    let mistake = "";
    try {
      idle().parse(wordsOf(line), { from: "user" });
    } catch (error) {
      const { exitCode, message } = error as { exitCode?: number; message: string };
      if (exitCode !== 0) mistake = message;
    }
    expect(mistake).toBe("");
  });
});
