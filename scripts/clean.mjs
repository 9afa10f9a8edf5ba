/** @file Removes what was built, so that no file of a former build is published. */
import { rmSync } from "node:fs";

rmSync(new URL("../dist", import.meta.url), { recursive: true, force: true });
