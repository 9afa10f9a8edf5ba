/** @file Preloaded into a measured process: writes its peak resident set, in kilobytes, to file descriptor 3 when it ends. */
import { writeSync } from "node:fs";

process.on("exit", () => writeSync(3, String(process.resourceUsage().maxRSS)));
