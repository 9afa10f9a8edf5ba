#!/usr/bin/env node
/** @file The `gradcam` command: what holds for the whole process, then the command line. */
import { exitCodes } from "./about.ts";
import { listen } from "./interrupt.ts";
import { printError } from "./terminal.ts";

// Before the command line is loaded, which takes longer than many a user's second thought.
listen();

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // A reader that has seen enough (`gradcam explain photos/ --json | head -1`) is no mistake of anyone's.
  if (error.code === "EPIPE") process.exit(exitCodes.done);
  const reason = { ENOSPC: "no space left", EDQUOT: "no space left", EFBIG: "the file is too large" }[error.code ?? ""];
  printError(`gradcam: cannot write: standard output: ${reason ?? error.message}`);
  process.exit(exitCodes.user);
});
// Where nobody hears what is wrong, the exit code says it.
process.stderr.on("error", () => {});

// Not awaited: where a signal ends what computes, this never returns.
void import("./main.ts")
  .then(({ main }) => main(process.argv))
  .then((code) => {
    process.exitCode = code;
  });
