/** @file Builds dist before the tests that need it, and again when they run again: the command line and the package are tested as they are published. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";

const root = fileURLToPath(new URL("..", import.meta.url));

export function setup(project: TestProject): void {
  build();
  project.onTestsRerun(async () => build());
}

function build(): void {
  try {
    execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json"], {
      cwd: root,
      encoding: "utf8",
    });
  } catch (error) {
    throw new Error(`the build fails:\n${(error as { stdout?: string }).stdout ?? error}`);
  }
}
