/** @file Builds dist once before the tests: the command line and the package are tested as they are published. */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

export function setup(): void {
  try {
    execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.build.json"], {
      cwd: root,
      encoding: "utf8",
    });
  } catch (error) {
    throw new Error(`the build fails:\n${(error as { stdout?: string }).stdout ?? error}`);
  }
}
