/** @file `gradcam methods`: what can be asked by, what each costs and what may be told it. */
import type { Command } from "commander";
import { methods } from "../methods/index.ts";
import type { Method } from "../methods/method.ts";
import { tasks } from "../tasks/task.ts";
import { bold, print, printJson } from "./terminal.ts";

const examples = `
Examples:
  gradcam methods                  names, costs and options
  gradcam methods --json           the same for programs, with papers, tasks and what compiles`;

export function defineMethods(program: Command): void {
  program
    .command("methods")
    .description("list explanation methods and their options")
    .option("--json", "print JSON: a list of methods")
    .addHelpText("after", examples)
    .action(list);
}

function list({ json }: { readonly json?: boolean }): void {
  if (json) {
    printJson(methods.map(asJson));
    return;
  }
  const rows = [
    ["method", "compiles", "cost, in forward passes", "options"],
    ...methods.map((method) => [
      method.name,
      method.graph ? "yes" : "no",
      method.cost ?? "",
      (method.options ?? []).map((option) => `${option.name}=${option.default}`).join(" "),
    ]),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  for (const [i, row] of rows.entries()) {
    const line = row.map((text, column) => text.padEnd(widths[column])).join("  ");
    print((i === 0 ? bold(line) : line).trimEnd());
  }
}

function asJson({ name, title, paper, family, tasks: own = tasks, graph, cost, options = [] }: Method) {
  return {
    ...{ name, title, paper, family, tasks: own },
    compiles: graph !== undefined,
    cost,
    options: options.map((option) => ({ name: option.name, default: option.default, range: option.range })),
  };
}
