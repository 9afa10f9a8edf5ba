#!/usr/bin/env node
import { main } from "./main.ts";

// A reader that has seen enough (`gradcam explain photos/ --json | head -1`) is no mistake of anyone's.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit(0);
});

process.exitCode = await main(process.argv);
